"""Steps that drop instances: duplicates, low scores, small boxes."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.rotated import probiou
from runtimes.step import Count, Fraction, Positive, Refine

_BLOCK = 512
"""Number of oriented boxes compared at once, to bound the memory."""
_FIRST = 1000
"""Number of instances with axis-aligned boxes that are compared first."""


def _sides(boxes: Array) -> Any:
    """Return boxes, (N, 4) x1 y1 x2 y2, as cv2's x, y, width, height; no side is negative.

    cv2 treats a box with negative sides as one that overlaps everything.
    """
    extent = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.concatenate([boxes[:, :2], extent], axis=1)


def _rotated_survivors(boxes: Array, iou: float) -> Array:
    """Return the indexes of the oriented boxes that NMS keeps, by descending score.

    As in Ultralytics' predictor, a box is suppressed by any overlapping box with a higher score,
    even one that is suppressed itself.

    Args:
        boxes: (N, 5) oriented boxes by descending score.
        iou: ProbIoU from which the box with the lower score is suppressed.

    Returns:
        (M,) int64.
    """
    gone = np.zeros(len(boxes), bool)
    for start in range(0, len(boxes), _BLOCK):
        block = boxes[start : start + _BLOCK]
        overlaps = probiou(boxes[: start + len(block)], block) >= iou
        # Only boxes with higher scores count: column k of the block is box start + k.
        gone[start : start + len(block)] = np.triu(overlaps, 1 - start).any(axis=0)
    return np.flatnonzero(~gone)


@dataclass(frozen=True, slots=True)
class Nms(Refine):
    """Non-maximum suppression: of overlapping boxes, keep the one with the highest score.

    Axis-aligned boxes are compared by IoU, oriented boxes by ProbIoU.

    Example:
        - nms: {iou: 0.5, per_class: false, max: 100}
    """

    iou: Fraction = 0.45
    """IoU above which two boxes count as the same object."""
    per_class: bool = True
    """Suppress only boxes of the same class; `false` suppresses across classes."""
    max: Count = 300
    """Maximum number of instances to keep, highest scores first."""
    candidates: Count = 30000
    """Maximum number of instances to compare, highest scores first; at most 5000 for oriented
    boxes. It bounds the run time."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        ordered = instances.best_first()
        most = self.candidates if ordered.rotated is None else min(self.candidates, 5000)
        if len(ordered) > most:
            ordered = ordered.take(np.arange(most))
        # Instances with lower scores do not change which ones with higher scores are kept. Once
        # `max` are kept, the others need no comparison: 8400 boxes of one class with few overlaps
        # take a twentieth of the time.
        kept = np.zeros(0, np.int64)
        start, count = 0, _FIRST if ordered.rotated is None else len(ordered)
        while start < len(ordered) and len(kept) < self.max:
            tried = np.concatenate([kept, np.arange(start, min(start + count, len(ordered)))])
            kept = self._kept(ordered, tried)
            start, count = start + count, count * 4
        return ordered.take(kept[: self.max])

    def _kept(self, ordered: Instances, tried: Array) -> Array:
        """Return the survivors among some instances.

        Args:
            ordered: instances by descending score.
            tried: (N,) the indexes of those to compare, ascending.

        Returns:
            (M,) indexes, ascending.
        """
        groups = ordered.classes[tried] if self.per_class else np.zeros(len(tried), np.int64)
        # Sorted and converted once, not once for each class: 20 classes take half the time.
        order = np.argsort(groups, kind="stable")
        groups, order = groups[order], tried[order]
        starts = [0, *(np.flatnonzero(groups[1:] != groups[:-1]) + 1).tolist()]
        sides = _sides(ordered.boxes[order])
        scores: Any = ordered.scores[order].astype(np.float32)
        survivors = []
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            members = order[start:end]
            if ordered.rotated is not None:
                kept = _rotated_survivors(ordered.rotated[members], self.iou)
            else:
                found = cv2.dnn.NMSBoxes(sides[start:end], scores[start:end], 0.0, self.iou)
                kept = np.asarray(found, np.int64).reshape(-1)
            survivors.append(members[kept])
        return np.sort(np.concatenate(survivors))


@dataclass(frozen=True, slots=True)
class TopK(Refine):
    """Keep only the instances with the highest scores.

    Example:
        - top_k: 1
    """

    k: Count = 100
    """Maximum number of instances to keep."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        return instances.take(np.argsort(-instances.scores, kind="stable")[: self.k])


@dataclass(frozen=True, slots=True)
class MinSize(Refine):
    """Drop instances with small boxes.

    Example:
        - min_size: 8
    """

    side: Positive = 4.0
    """Minimum width and height of a box, in pixels of the image."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        sides = instances.boxes[:, 2:] - instances.boxes[:, :2]
        return instances.take(sides.min(axis=1) >= self.side)
