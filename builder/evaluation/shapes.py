"""Outlines and bounding boxes of annotations and of the items of replies."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from builder.datasets.annotation import (
    Ellipse,
    Keypoints,
    Mask,
    Polygons,
    Rectangle,
    Shape,
)
from builder.run.draw import ring_of
from runtimes.arrays import Array

Bounds: TypeAlias = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels."""


def rings_of(shape: Shape) -> list[Array]:
    """Return the outlines of a rectangle, ellipse or polygon, (P, 2) x y each; none for others."""
    if isinstance(shape, Rectangle):
        points = [shape.x1, shape.y1, shape.x2, shape.y2]
        return [ring_of({"type": "rectangle", "points": points, "rotation": shape.rotation})]
    if isinstance(shape, Ellipse):
        points = [shape.cx, shape.cy, shape.cx + shape.rx, shape.cy - shape.ry]
        return [ring_of({"type": "ellipse", "points": points, "rotation": shape.rotation})]
    if isinstance(shape, Polygons):
        return [np.array(ring, np.float64).reshape(-1, 2) for ring in shape.rings]
    return []


def bounds_of(shape: Shape) -> Bounds | None:
    """Return the bounding box of a shape; None if it covers nothing, as a tag."""
    if isinstance(shape, Rectangle) and not shape.rotation:
        return shape.x1, shape.y1, shape.x2, shape.y2
    if isinstance(shape, Mask):
        rows, columns = np.nonzero(shape.bitmap)
        if not len(rows):
            return None
        left, top = shape.left, shape.top
        x1, y1 = int(columns.min()), int(rows.min())
        x2, y2 = int(columns.max()) + 1, int(rows.max()) + 1
        return left + x1, top + y1, left + x2, top + y2
    if isinstance(shape, Keypoints):
        if shape.box is not None:
            return shape.box
        points = shape.points[shape.visibility > 0]
    else:
        rings = rings_of(shape)
        points = np.concatenate(rings) if rings else np.zeros((0, 2))
    if not len(points):
        return None
    (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x1, y1, x2, y2


def bitmap_of(item: Mapping[str, Any]) -> tuple[Array, int, int]:
    """Return the bitmap of a mask in a reply, (h, w) uint8, and its left and top."""
    *pixels, left, top, right, bottom = item["mask"]
    return np.array(pixels, np.uint8).reshape(bottom - top + 1, right - left + 1), left, top
