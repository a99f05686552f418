"""The confusion matrix of a detector."""

from collections.abc import Sequence

import numpy as np

from builder.evaluation.evaluation import Confusion
from runtimes.arrays import Array

_IOU = 0.5


class ConfusionCounts:
    """Counts which label was found in place of which."""

    def __init__(self, names: Sequence[str], threshold: float) -> None:
        """Create the counts.

        Args:
            names: the labels.
            threshold: confidence from which detections are passed to `add`.
        """
        self._names = tuple(names)
        self._threshold = threshold
        self._counts = np.zeros((len(names) + 1, len(names) + 1), np.int64)

    def add(self, overlaps: Array, found: Array, truth: Array, ignored: Array) -> None:
        """Match the detections of one image with its annotations, whatever their labels.

        Pairs of equal labels are matched before the others, so that an object that was found with
        its own label is not paired with another one; among each, the largest overlap comes first.

        Args:
            overlaps: (D, G) IoU or OKS.
            found: (D,) number of each detection's label.
            truth: (G,) number of each annotation's label.
            ignored: (G,) bool; a detection without a partner that overlaps such an annotation does
                not count.
        """
        nothing = len(self._names)
        free_found, free_truth = np.ones(len(found), bool), ~ignored
        pairs = np.argwhere((overlaps >= _IOU) & ~ignored)
        unequal = found[pairs[:, 0]] != truth[pairs[:, 1]]
        # lexsort is stable, and sorts by its last key first.
        for place in np.lexsort((-overlaps[pairs[:, 0], pairs[:, 1]], unequal)).tolist():
            one, other = pairs[place].tolist()
            if free_found[one] and free_truth[other]:
                self._counts[truth[other], found[one]] += 1
                free_found[one] = free_truth[other] = False
        excused = ((overlaps >= _IOU) & ignored).any(axis=1)
        for one in np.flatnonzero(free_found & ~excused).tolist():
            self._counts[nothing, found[one]] += 1
        for other in np.flatnonzero(free_truth).tolist():
            self._counts[truth[other], nothing] += 1

    def result(self) -> Confusion:
        """Return the matrix."""
        names = (*self._names, "nothing")
        counts = tuple(tuple(row) for row in self._counts.tolist())
        title = f"Confusion at confidence {self._threshold:g} and overlap {_IOU:g}"
        return Confusion(title, names, names, counts)
