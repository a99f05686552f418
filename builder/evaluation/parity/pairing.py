"""Pairs of items of two sides that show the same object."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from builder.evaluation.parity.item import Item
from builder.evaluation.region import Region
from runtimes.arrays import Array
from runtimes.reid import assign

LEAST_IOU = 0.5
"""Least IoU of two items that are paired."""

_MARGIN = 1.0
"""Pixels that the bounding boxes of points are enlarged by, since a single point has no area."""

_TIE = 1e-3
"""Weight of the difference of confidence, which decides between pairs of the same IoU."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """The items of an image, by whether the other side has them too.

    Attributes:
        pairs: index in the first list, index in the second list, IoU.
        only: the indexes without a partner, in the first and in the second list.
    """

    pairs: tuple[tuple[int, int, float], ...]
    only: tuple[tuple[int, ...], tuple[int, ...]]


def pair(one: Sequence[Item], other: Sequence[Item]) -> Pairing:
    """Pair items of the same label and form, one to one, with the greatest total IoU."""
    allowed = np.array(
        [[(a.label, a.form) == (b.label, b.form) for b in other] for a in one], bool
    ).reshape(len(one), len(other))
    ious = overlaps(one, other, allowed)
    allowed &= ious >= LEAST_IOU
    cost = 1 - ious + _TIE * _confidence_gaps(one, other)
    partners = assign(cost, allowed) if allowed.any() else np.full(len(one), -1)
    pairs = tuple(
        (first, int(second), float(ious[first, second]))
        for first, second in enumerate(partners)
        if second >= 0
    )
    taken = {second for _, second, _ in pairs}
    left = tuple(first for first, second in enumerate(partners) if second < 0)
    return Pairing(pairs, (left, tuple(it for it in range(len(other)) if it not in taken)))


def overlaps(one: Sequence[Item], other: Sequence[Item], allowed: Array) -> Array:
    """Return the IoU of the pairs that are allowed, (N, M) float64; 0 for the others.

    Tags have 1. Skeletons and points have the IoU of their bounding boxes.

    Args:
        one, other: N and M items.
        allowed: (N, M) bool.
    """
    ious = np.zeros((len(one), len(other)))
    if not allowed.any():
        return ious
    boxes = [np.array([_bounds(it) for it in items]) for items in (one, other)]
    near = (boxes[0][:, None, :2] <= boxes[1][None, :, 2:]).all(axis=2)
    near &= (boxes[1][None, :, :2] <= boxes[0][:, None, 2:]).all(axis=2)
    for first, second in np.argwhere(allowed & near).tolist():
        ious[first, second] = iou(one[first], other[second])
    return ious


def iou(one: Item, other: Item) -> float:
    """Return the IoU of two items; see overlaps."""
    if "tag" in (one.form, other.form):
        return float(one.form == other.form)
    if "region" in (one.form, other.form):
        return _region(one).iou(_region(other))
    if one.form == other.form == "box" and (one.rotated or other.rotated):
        return _convex_iou(one.points, other.points)
    return _box_iou(_bounds(one), _bounds(other))


def _bounds(item: Item) -> tuple[float, float, float, float]:
    """Return the bounding box, enlarged for skeletons and points."""
    x1, y1, x2, y2 = item.bounds()
    margin = _MARGIN if item.form in ("skeleton", "points") else 0.0
    return x1 - margin, y1 - margin, x2 + margin, y2 + margin


def _region(item: Item) -> Region:
    """Return the pixels of a region, or those inside the corners of a box."""
    return item.region or Region.inside([item.points])


def _box_iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the IoU of two boxes, x1 y1 x2 y2."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    either = sum(areas) - shared
    return shared / either if either > 0 else float(tuple(one) == tuple(other))


def _convex_iou(one: Array, other: Array) -> float:
    """Return the IoU of two convex polygons, (P, 2) x y each."""
    # In single precision, the pixels of a large image would be coarse.
    origin = one.min(axis=0)
    rings = [(ring - origin).astype(np.float32) for ring in (one, other)]
    shared, _ = cv2.intersectConvexConvex(rings[0], rings[1])
    either = sum(float(cv2.contourArea(ring)) for ring in rings) - float(shared)
    return float(shared) / either if either > 0 else 0.0


def _confidence_gaps(one: Sequence[Item], other: Sequence[Item]) -> Array:
    """Return the differences of confidence, (N, M); 0 for unknown ones."""
    first, second = (
        np.array([np.nan if it.confidence is None else it.confidence for it in items])
        for items in (one, other)
    )
    return np.asarray(np.nan_to_num(np.abs(first[:, None] - second[None, :])))
