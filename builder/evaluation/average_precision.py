"""COCO's average precision, accumulated in a temporary SQLite database.

Source: `accumulate` of pycocotools.cocoeval, which needs all detections in memory. Here they are in
a file that SQLite deletes when it is closed, and are read from the lowest to the highest score.
"""

import sqlite3
import weakref
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from builder.evaluation.matching import AREAS, IOUS, STATES, Matches, unpacked
from runtimes.arrays import Array

RECALLS = np.linspace(0.0, 1.0, 101)
"""COCO's points of recall at which the precision is read."""

_ROWS = 4_000
"""Rows that are written or read together."""


@dataclass(frozen=True, slots=True)
class Precision:
    """The precision of one label; NaN where no annotation counts.

    Attributes:
        curves: (areas, thresholds, 101), precision at RECALLS: the largest one at this or a higher
            recall, 0 where the recall is not reached.
        recall: (areas, thresholds), of all detections.
    """

    curves: Array
    recall: Array


class Detections:
    """The detections of all images with their matches."""

    def __init__(self, labels: int) -> None:
        """Create the database.

        Args:
            labels: number of labels.
        """
        self.truths = np.zeros((labels, len(AREAS)), np.int64)
        self._right = np.zeros((labels, STATES), np.int64)
        self._wrong = np.zeros((labels, STATES), np.int64)
        self._waiting: list[tuple[int, float, int, int]] = []
        # An empty name stands for a file that SQLite deletes.
        self._database = sqlite3.connect("")
        weakref.finalize(self, self._database.close)
        self._database.execute("create table found (label, rank real, matched, ignored)")
        self._is_indexed = False

    def add(self, label: int, scores: Array, matches: Matches) -> None:
        """Add the detections of one label in one image.

        Args:
            label: number of the label.
            scores: (D,) in descending order.
            matches: of these detections.
        """
        self.truths[label] += matches.truths
        matched, ignored = unpacked(matches.matched), unpacked(matches.ignored)
        self._right[label] += (matched & ~ignored).sum(axis=1)
        self._wrong[label] += (~matched & ~ignored).sum(axis=1)
        columns = (-scores).tolist(), matches.matched.tolist(), matches.ignored.tolist()
        self._waiting += [(label, *row) for row in zip(*columns, strict=True)]
        if len(self._waiting) >= _ROWS:
            self._flush()

    def precision(self, label: int) -> Precision:
        """Return the precision of a label over its recall; it may be called after all `add`."""
        truths = np.repeat(self.truths[label], len(IOUS))[:, None]
        curves = np.where(truths > 0, 0.0, np.nan) * np.ones(len(RECALLS))
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = self._right[label] / truths[:, 0]
        right, wrong = self._right[label][:, None], self._wrong[label][:, None]
        best = np.zeros((STATES, 1))
        for matched, ignored in self._chunks(label):
            is_right, is_wrong = matched & ~ignored, ~matched & ~ignored
            # Numbers of right and wrong detections of higher scores than this chunk.
            right = right - is_right.sum(axis=1, keepdims=True)
            wrong = wrong - is_wrong.sum(axis=1, keepdims=True)
            rights = right + is_right.cumsum(axis=1)
            wrongs = wrong + is_wrong.cumsum(axis=1)
            value = rights / (wrongs + rights + np.spacing(1))
            envelope = np.maximum.accumulate(value[:, ::-1], axis=1)[:, ::-1]
            envelope = np.maximum(envelope, best)
            best = envelope[:, :1]
            for state in np.flatnonzero(truths[:, 0]).tolist():
                reached = rights[state] / truths[state]
                places = np.searchsorted(reached, RECALLS, side="left")
                # Points that earlier chunks reach belong to them; recall 0 is reached at once.
                earlier = right[state] / truths[state] if right[state] + wrong[state] else -1.0
                here = (places < len(reached)) & (earlier < RECALLS)
                curves[state, here] = envelope[state, places[here]]
        shape = (len(AREAS), len(IOUS))
        return Precision(curves.reshape(*shape, -1), recall.reshape(shape))

    def _flush(self) -> None:
        """Write the waiting rows."""
        self._database.executemany("insert into found values (?, ?, ?, ?)", self._waiting)
        self._database.commit()
        self._waiting.clear()

    def _chunks(self, label: int) -> Iterator[tuple[Array, Array]]:
        """Yield `matched` and `ignored` of a label's detections, (states, rows) bool.

        The last chunk has the highest scores. In a chunk, scores descend, and equal scores are in
        the order of `add`.
        """
        self._flush()
        if not self._is_indexed:
            self._database.execute("create index by_score on found (label, rank)")
            self._is_indexed = True
        rows = self._database.execute(
            "select matched, ignored from found where label = ? order by rank desc, rowid desc",
            (label,),
        )
        while chunk := rows.fetchmany(_ROWS):
            matched, ignored = np.array(chunk[::-1], np.uint64).T
            yield unpacked(matched), unpacked(ignored)
