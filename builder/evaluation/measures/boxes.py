"""Bounding boxes, oriented or not: IoU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from builder.datasets.annotation import (
    Annotation,
    Ellipse,
    Keypoints,
    LabeledImage,
    Mask,
    Polygons,
    Rectangle,
    Shape,
    Tag,
)
from builder.evaluation.comparison import Form
from builder.evaluation.detection import DetectionMeasure
from builder.evaluation.measure import Measure, Task
from builder.evaluation.overlap import area as area_of
from builder.evaluation.overlap import box_ious, coco_masks, polygon_ious
from builder.evaluation.shapes import Bounds, bounds_of, rings_of
from builder.run.draw import ring_of
from builder.run.predict.detector import bounds_of as bounds_of_item
from runtimes.arrays import Array, Size

NAME = "boxes"
"""See Kind."""

TYPE = "detector"
"""See Kind."""

_SHAPES = (Rectangle, Ellipse, Polygons, Mask, Keypoints)

LABELS: frozenset[str] = frozenset(
    {"ellipse", "mask", "points", "polygon", "polyline", "rectangle", "skeleton"}
)
"""See Kind."""

NEEDS = "annotations with a bounding box"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return isinstance(annotation.shape, _SHAPES)


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind: any annotations that have a bounding box, and a label with shapes."""
    drawn = bool(task.types() - {"tag"})
    return drawn and any(compares(it) for image in first for it in image.annotations)


def start(task: Task) -> Measure:
    """See Kind."""
    coco_masks()
    return DetectionMeasure(task, Boxes())


@dataclass(frozen=True, slots=True)
class Box:
    """A box to compare.

    Attributes:
        bounds: the axis-aligned bounding box.
        quad: (4, 2) corners of the oriented box; None if the shape has no orientation of its own.
        is_oriented: whether it must be compared as an oriented box.
    """

    bounds: Bounds
    quad: Array | None
    is_oriented: bool

    def ring(self) -> Array:
        """Return the corners, (4, 2)."""
        if self.quad is not None:
            return self.quad
        x1, y1, x2, y2 = self.bounds
        return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])


class Boxes:
    """See Comparison.

    Detections with a rotation are compared with oriented boxes: annotated rectangles as they are,
    polygons of four points as their corners, and other shapes as the smallest rectangle around
    them. All other detections are compared with the bounding boxes of the annotations, except that
    a rotated rectangle stays rotated.
    """

    limit = 100
    needs_size = False

    def __init__(self) -> None:
        self._seen_oriented = False

    def truth(self, shape: Shape, label: str, area: float | None, size: Size) -> Form | None:
        """See Comparison."""
        bounds = bounds_of(shape)
        if isinstance(shape, Tag) or bounds is None:
            return None
        rotated = isinstance(shape, Rectangle) and shape.rotation % 360 != 0
        box = Box(bounds, _quad(shape), rotated)
        if area is None:
            quad = box.quad
            area = area_of(quad) if quad is not None and (rotated or _is_quad(shape)) else None
        x1, y1, x2, y2 = bounds
        return Form(box, (x2 - x1) * (y2 - y1) if area is None else area)

    def found(self, item: Mapping[str, Any], size: Size) -> Form | None:
        """See Comparison."""
        if item["type"] == "tag":
            return None
        x1, y1, x2, y2 = bounds_of_item(dict(item))
        if item["type"] == "rectangle" and "rotation" in item:
            self._seen_oriented = True
            quad = ring_of(dict(item))
            return Form(Box((x1, y1, x2, y2), quad, True), area_of(quad))
        return Form(Box((x1, y1, x2, y2), None, False), (x2 - x1) * (y2 - y1))

    def overlaps(self, found: Sequence[Box], truth: Sequence[Box], crowd: Array) -> Array:
        """See Comparison."""
        if any(it.is_oriented for it in found):
            return polygon_ious([it.ring() for it in found], [it.ring() for it in truth], crowd)
        ious = box_ious(
            np.array([it.bounds for it in found]), np.array([it.bounds for it in truth]), crowd
        )
        rotated = [place for place, it in enumerate(truth) if it.is_oriented]
        if rotated:
            rings = [truth[place].ring() for place in rotated]
            ious[:, rotated] = polygon_ious([it.ring() for it in found], rings, crowd[rotated])
        return ious

    def notes(self) -> tuple[str, ...]:
        """See Comparison."""
        if not self._seen_oriented:
            return ()
        return ("oriented boxes: the IoU is that of the rotated rectangles",)


def _is_quad(shape: Shape) -> bool:
    """Return whether a shape is one polygon of four points."""
    return isinstance(shape, Polygons) and [len(it) for it in shape.rings] == [8]


def _quad(shape: Shape) -> Array | None:
    """Return the corners of a shape's oriented box, (4, 2); None for masks and keypoints."""
    rings = rings_of(shape)
    if not rings:
        return None
    points = np.concatenate(rings)
    if isinstance(shape, Rectangle) or (_is_quad(shape) and _is_convex(points)):
        return points
    return np.asarray(cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32))), np.float64)


def _is_convex(ring: Array) -> bool:
    """Return whether a polygon, (P, 2), is convex."""
    edges = np.roll(ring, -1, axis=0) - ring
    following = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    return bool((turns >= 0).all() or (turns <= 0).all())
