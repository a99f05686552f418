"""How much shapes overlap: IoU of boxes, of convex polygons and of masks, and OKS of keypoints.

Boxes and masks use faster-coco-eval, which the extra `cvatbuild[evaluate]` installs.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from runtimes.arrays import Array, Size

Rle: TypeAlias = dict[str, Any]
"""COCO's compressed run-length encoding of a mask: `size` and `counts`."""


def coco_masks() -> Any:
    """Return faster-coco-eval's module of masks.

    Raises:
        CommandLineError: it is not installed.
    """
    try:
        from faster_coco_eval.core import mask
    except ImportError as error:
        raise CommandLineError(
            Problem(
                "evaluating a detector needs faster-coco-eval",
                found=str(error),
                hint="pip install 'cvatbuild[evaluate]'",
            )
        ) from error
    return mask


def box_ious(found: Array, truth: Array, crowd: Array) -> Array:
    """Return the IoU of boxes.

    Args:
        found: (D, 4) x1 y1 x2 y2.
        truth: (G, 4).
        crowd: (G,) bool; with a crowd, the part of the box inside of it.

    Returns:
        (D, G).
    """
    one, other = (
        np.concatenate([it[:, :2], it[:, 2:] - it[:, :2]], axis=1) for it in (found, truth)
    )
    return np.asarray(coco_masks().iou(one, other, crowd.astype(int).tolist())).reshape(
        len(found), len(truth)
    )


def polygon_ious(found: Sequence[Array], truth: Sequence[Array], crowd: Array) -> Array:
    """Return the IoU of convex polygons.

    Args:
        found: D polygons, (P, 2) x y each.
        truth: G polygons.
        crowd: see box_ious.

    Returns:
        (D, G).
    """
    ious = np.zeros((len(found), len(truth)))
    ones, others = [_clockwise(it) for it in found], [_clockwise(it) for it in truth]
    lows = np.array([it.min(axis=0) for it in others]).reshape(-1, 2)
    highs = np.array([it.max(axis=0) for it in others]).reshape(-1, 2)
    areas = [area(it) for it in others]
    for row, one in enumerate(ones):
        near = (one.min(axis=0) < highs).all(axis=1) & (one.max(axis=0) > lows).all(axis=1)
        own = area(one)
        for column in np.flatnonzero(near).tolist():
            shared = area(_intersection(one, others[column]))
            whole = own if crowd[column] else own + areas[column] - shared
            ious[row, column] = shared / whole if whole > 0 else 0.0
    return ious


def area(ring: Array) -> float:
    """Return the area of a polygon, (P, 2), by the shoelace formula."""
    if len(ring) < 3:
        return 0.0
    x, y = (ring - ring[0]).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _clockwise(ring: Array) -> Array:
    """Return a polygon in the direction in which its signed area is positive."""
    x, y = (ring - ring[0]).T
    return ring if x @ np.roll(y, -1) - y @ np.roll(x, -1) >= 0 else ring[::-1]


def _intersection(one: Array, other: Array) -> Array:
    """Return the intersection of two convex polygons with positive signed areas.

    Algorithm: Sutherland and Hodgman, "Reentrant polygon clipping", 1974.
    """
    ring = one
    for start, end in zip(other, np.roll(other, -1, axis=0), strict=True):
        if len(ring) == 0:
            return ring
        edge = end - start
        # Positive on the inner side of the edge.
        sides = edge[0] * (ring[:, 1] - start[1]) - edge[1] * (ring[:, 0] - start[0])
        kept: list[Array] = []
        for place in range(len(ring)):
            side, before = sides[place], sides[place - 1]
            if (side >= 0) != (before >= 0):
                kept.append(
                    ring[place - 1] + (ring[place] - ring[place - 1]) * (before / (before - side))
                )
            if side >= 0:
                kept.append(ring[place])
        ring = np.array(kept).reshape(-1, 2)
    return ring


def rle_of_rings(rings: Sequence[Sequence[float]], size: Size) -> Rle:
    """Return the union of polygons as a mask.

    Args:
        rings: each x1, y1, x2, y2, ...
        size: height and width of the image.
    """
    masks = coco_masks()
    height, width = size
    rle: Rle = masks.merge(masks.frPyObjects([list(it) for it in rings], height, width))
    return rle


def rle_of_bitmap(bitmap: Array, left: int, top: int, size: Size) -> Rle:
    """Return a bitmap as a mask; pixels outside of the image are dropped.

    Args:
        bitmap: (h, w), 0 or not.
        left, top: place of its first pixel.
        size: height and width of the image.
    """
    height, width = size
    x, y = max(left, 0), max(top, 0)
    inside = bitmap[y - top :, x - left :][: max(height - y, 0), : max(width - x, 0)] != 0
    rows, columns = inside.shape
    # COCO's runs go down the columns, so each column of the bitmap gets a 0 at both ends.
    padded = np.zeros((columns, rows + 2), np.int8)
    padded[:, 1:-1] = inside.T
    changes = np.diff(padded, axis=1)
    column, row = np.nonzero(changes)
    ends = (column + x) * height + row + y
    # A run that goes on at the top of the next column has no end between them.
    joined = np.flatnonzero(ends[1:] == ends[:-1])
    ends = np.delete(ends, np.concatenate([joined, joined + 1]))
    runs = np.diff(np.unique(np.concatenate([ends, [height * width]])), prepend=0)
    rle: Rle = coco_masks().frPyObjects(
        {"counts": runs.tolist(), "size": [height, width]}, height, width
    )
    return rle


def mask_ious(found: Sequence[Rle], truth: Sequence[Rle], crowd: Array) -> Array:
    """Return the IoU of masks, (D, G); see box_ious."""
    if not found or not truth:
        return np.zeros((len(found), len(truth)))
    ious = coco_masks().iou(list(found), list(truth), crowd.astype(int).tolist())
    return np.asarray(ious).reshape(len(found), len(truth))


def mask_area(rle: Rle) -> float:
    """Return the number of pixels of a mask."""
    return float(coco_masks().area([rle])[0])


def oks(found: Array, truth: Array, labeled: Array, area: float, sigmas: Array) -> Array:
    """Return COCO's object keypoint similarity of detections with one annotation.

    Formula: `computeOks` of pycocotools.cocoeval; https://cocodataset.org/#keypoints-eval.

    Args:
        found: (D, K, 2) x y.
        truth: (K, 2).
        labeled: (K,) bool, at least one is true.
        area: area of the annotation in pixels.
        sigmas: (K,).

    Returns:
        (D,).
    """
    distances = ((found - truth) ** 2).sum(axis=2)
    errors = distances / (sigmas * 2) ** 2 / (area + np.spacing(1)) / 2
    return np.asarray(np.exp(-errors)[:, labeled].mean(axis=1))
