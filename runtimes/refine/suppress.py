"""Steps that drop instances which say the same as a better one, or too little."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.step import Count, Fraction, Positive, Refine


def _survivors(boxes: Array, scores: Array, iou: float) -> Array:
    """Greedy suppression among boxes of one kind.

    Args:
        boxes: (N, 4) x1 y1 x2 y2.
        scores: (N,).
        iou: overlap above which the lesser of two boxes goes.

    Returns:
        (M,) int64 indices of those that stay.
    """
    sides: Any = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    confidences: Any = scores.astype(np.float32)
    kept = cv2.dnn.NMSBoxes(sides, confidences, 0.0, iou)
    return np.asarray(kept, np.int64).reshape(-1)


@dataclass(frozen=True, slots=True)
class Nms(Refine):
    """Greedy non-maximum suppression: of boxes that overlap, keep the one with the best score."""

    iou: Fraction = 0.45
    """Intersection over union above which two boxes are taken for one object."""
    per_class: bool = True
    """Let only boxes of the same class suppress each other; `false`: boxes of all classes."""
    max: Count = 300
    """The most instances that stay, best first."""
    candidates: Count = 30000
    """The most instances that are looked at, best first: a bound on the work."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        ordered = instances.best_first()
        ordered = ordered.take(np.arange(min(len(ordered), self.candidates)))
        groups = ordered.classes if self.per_class else np.zeros(len(ordered), np.int64)
        survivors = [
            members[_survivors(ordered.boxes[members], ordered.scores[members], self.iou)]
            for members in (np.flatnonzero(groups == group) for group in np.unique(groups))
        ]
        # `ordered` is sorted, so ascending indices are falling scores.
        kept = np.sort(np.concatenate(survivors)) if survivors else np.zeros(0, np.int64)
        return ordered.take(kept[: self.max])


@dataclass(frozen=True, slots=True)
class TopK(Refine):
    """Keep only the instances with the best scores."""

    k: Count = 100
    """How many stay."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        return instances.take(np.argsort(-instances.scores, kind="stable")[: self.k])


@dataclass(frozen=True, slots=True)
class MinSize(Refine):
    """Drop instances whose box is small: noise, or what nobody would annotate."""

    side: Positive = 4.0
    """The least width and the least height of a box, in pixels of the image."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine."""
        sides = instances.boxes[:, 2:] - instances.boxes[:, :2]
        return instances.take(sides.min(axis=1) >= self.side)
