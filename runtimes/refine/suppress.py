"""Steps that drop instances which say the same as a better one, or too little."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.rotated import probiou
from runtimes.step import Count, Fraction, Positive, Refine

_BLOCK = 512
"""Oriented boxes compared at once; all of them together would not fit in memory."""


def _survivors(boxes: Array, scores: Array, iou: float) -> Array:
    """Greedy suppression among boxes of one kind.

    Args:
        boxes: (N, 4) x1 y1 x2 y2.
        scores: (N,).
        iou: overlap above which the lesser of two boxes goes.

    Returns:
        (M,) int64 indices of those that stay.
    """
    # A box turned inside out would count as one that overlaps everything.
    extent = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    sides: Any = np.concatenate([boxes[:, :2], extent], axis=1)
    confidences: Any = scores.astype(np.float32)
    kept = cv2.dnn.NMSBoxes(sides, confidences, 0.0, iou)
    return np.asarray(kept, np.int64).reshape(-1)


def _rotated_survivors(boxes: Array, iou: float) -> Array:
    """Suppression among oriented boxes of one kind, in order of falling score.

    As in Ultralytics' predictor, a box goes when any better one overlaps it, even one that has
    gone itself.

    Args:
        boxes: (N, 5) oriented boxes, the best first.
        iou: overlap from which the lesser of two boxes goes.

    Returns:
        (M,) int64 indices of those that stay.
    """
    gone = np.zeros(len(boxes), bool)
    for start in range(0, len(boxes), _BLOCK):
        block = boxes[start : start + _BLOCK]
        overlaps = probiou(boxes[: start + len(block)], block) >= iou
        # Only better boxes count: column k of the block is box number start + k.
        gone[start : start + len(block)] = np.triu(overlaps, 1 - start).any(axis=0)
    return np.flatnonzero(~gone)


@dataclass(frozen=True, slots=True)
class Nms(Refine):
    """Non-maximum suppression: of boxes that overlap, keep the one with the best score.

    Upright boxes are compared by IoU, oriented ones by ProbIoU.

    Example:
        - nms: {iou: 0.5, per_class: false, max: 100}
    """

    iou: Fraction = 0.45
    """Intersection over union above which two boxes are taken for one object."""
    per_class: bool = True
    """Let only boxes of the same class suppress each other; `false`: boxes of all classes."""
    max: Count = 300
    """The most instances that stay, best first."""
    candidates: Count = 30000
    """The most instances that are looked at, best first: a bound on the work. Of oriented boxes
    never more than 5000."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        ordered = instances.best_first()
        most = self.candidates if ordered.rotated is None else min(self.candidates, 5000)
        ordered = ordered.take(np.arange(min(len(ordered), most)))
        groups = ordered.classes if self.per_class else np.zeros(len(ordered), np.int64)
        survivors = []
        for group in np.unique(groups):
            members = np.flatnonzero(groups == group)
            if ordered.rotated is None:
                kept = _survivors(ordered.boxes[members], ordered.scores[members], self.iou)
            else:
                kept = _rotated_survivors(ordered.rotated[members], self.iou)
            survivors.append(members[kept])
        # `ordered` is sorted, so ascending indices are falling scores.
        kept = np.sort(np.concatenate(survivors)) if survivors else np.zeros(0, np.int64)
        return ordered.take(kept[: self.max])


@dataclass(frozen=True, slots=True)
class TopK(Refine):
    """Keep only the instances with the best scores.

    Example:
        - top_k: 1
    """

    k: Count = 100
    """How many stay."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        return instances.take(np.argsort(-instances.scores, kind="stable")[: self.k])


@dataclass(frozen=True, slots=True)
class MinSize(Refine):
    """Drop instances whose box is small: noise, or what nobody would annotate.

    Example:
        - min_size: 8
    """

    side: Positive = 4.0
    """The least width and the least height of a box, in pixels of the image."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        sides = instances.boxes[:, 2:] - instances.boxes[:, :2]
        return instances.take(sides.min(axis=1) >= self.side)
