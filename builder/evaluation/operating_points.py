"""Precision, recall and F1 over the confidence threshold, at IoU or OKS 0.5."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from builder.evaluation.evaluation import Chart, Line
from runtimes.arrays import Array

LINES = 10
"""Most labels in a chart."""

GRID = np.linspace(0.0, 1.0, 1001)
"""The thresholds: multiples of a thousandth."""


@dataclass(frozen=True, slots=True)
class Point:
    """The figures at one threshold; NaN where nothing was found, or there is nothing to find.

    Attributes:
        threshold: the confidence threshold.
        precision: right detections / detections.
        recall: right detections / annotations.
        f1: harmonic mean of both.
    """

    threshold: float
    precision: float
    recall: float
    f1: float


class OperatingPoints:
    """Counts right and wrong detections above each threshold."""

    def __init__(self, labels: int, threshold: float, lowest: float) -> None:
        """Create the counts.

        Args:
            labels: number of labels.
            threshold: the threshold of `own`, at least `lowest`; it need not be on the grid.
            lowest: the lowest confidence that the function was asked for; below it, nothing is
                known.
        """
        self._grid = np.unique(np.append(GRID[lowest <= GRID], (threshold, lowest)))
        self._own = int(np.searchsorted(self._grid, threshold))
        self._right = np.zeros((labels, len(self._grid)), np.int64)
        self._wrong = np.zeros((labels, len(self._grid)), np.int64)
        self._truths = np.zeros(labels, np.int64)

    def add(self, label: int, scores: Array, right: Array, wrong: Array, truths: int) -> None:
        """Add the detections of one label in one image.

        Args:
            label: number of the label.
            scores: (D,).
            right, wrong: (D,) bool; detections that are neither are ignored.
            truths: number of annotations that count.
        """
        # A detection counts at every threshold that is not above its score. Those below the grid
        # were not asked for.
        places = np.searchsorted(self._grid, scores, side="right") - 1
        np.add.at(self._right[label], places[right & (places >= 0)], 1)
        np.add.at(self._wrong[label], places[wrong & (places >= 0)], 1)
        self._truths[label] += truths

    def own(self, label: int | None = None) -> Point:
        """Return the figures at the threshold, of one label or of all together."""
        return self._point(*self._curves(label), self._own)

    def best(self, label: int | None = None) -> Point | None:
        """Return the figures at the threshold with the best F1; None if nothing right is found.

        If several thresholds in a row are equally good, the middle one is returned.
        """
        precision, recall, f1 = self._curves(label)
        if not np.nanmax(f1, initial=0) > 0:
            return None
        first = int(np.nanargmax(f1))
        last = first
        while last + 1 < len(f1) and f1[last + 1] == f1[first]:
            last += 1
        return self._point(precision, recall, f1, (first + last) // 2)

    def f1(self, label: int | None = None) -> tuple[Array, Array]:
        """Return thresholds in steps of 0.01 and F1 at each, 0 where it is not defined.

        Thresholds below the lowest confidence are left out.
        """
        steps = GRID[::10]
        steps = steps[steps >= self._grid[0]]
        chosen = np.searchsorted(self._grid, steps)
        return steps, np.nan_to_num(self._curves(label)[2][chosen])

    def _curves(self, label: int | None) -> tuple[Array, Array, Array]:
        """Return precision, recall and F1 at each threshold of the grid."""
        chosen = slice(None) if label is None else slice(label, label + 1)
        right = self._right[chosen].sum(axis=0)[::-1].cumsum()[::-1]
        wrong = self._wrong[chosen].sum(axis=0)[::-1].cumsum()[::-1]
        truths = self._truths[chosen].sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = 2 * right / (right + wrong + truths)
            return right / (right + wrong), right / truths, f1

    def _point(self, precision: Array, recall: Array, f1: Array, place: int) -> Point:
        """Return the figures at a place of the grid."""
        values = (float(it[place]) for it in (self._grid, precision, recall, f1))
        return Point(*values)


def f1_chart(points: OperatingPoints, names: Mapping[int, str]) -> Chart:
    """Return F1 over the threshold.

    Args:
        points: the counts.
        names: numbers of labels -> their names, for a line each.
    """
    grid, overall = points.f1()
    x = tuple(grid.tolist())
    lines = (Line(name, x, tuple(points.f1(it)[1].tolist())) for it, name in names.items())
    every = Line("all labels together", x, tuple(overall.tolist()))
    return Chart("F1 over the confidence threshold", "threshold", "F1", (every, *lines))
