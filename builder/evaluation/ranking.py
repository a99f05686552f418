"""Average precision of tags, accumulated in a temporary SQLite database."""

import sqlite3
import weakref

import numpy as np

from runtimes.arrays import Array

_ROWS = 20_000
"""Rows that are written together."""


class Ranking:
    """The confidences of all labels in all images, and whether the image has the label."""

    def __init__(self) -> None:
        """Create the database. An empty name stands for a file that SQLite deletes."""
        self._database = sqlite3.connect("")
        weakref.finalize(self, self._database.close)
        self._database.execute("create table found (label, score real, right)")
        self._waiting: list[tuple[int, float, bool]] = []

    def add(self, label: int, score: float, right: bool) -> None:
        """Add a label that was found in an image.

        Args:
            label: number of the label.
            score: the confidence.
            right: whether the image has the label.
        """
        self._waiting.append((label, score, right))
        if len(self._waiting) >= _ROWS:
            self._flush()

    def average_precision(self, label: int, positives: int) -> float | None:
        """Return the area under the steps of the precision over the recall.

        It is the sum over the confidences of (recall - recall at the next higher one) * precision,
        without interpolation (Manning et al., Introduction to Information Retrieval, 8.4; as
        average_precision_score of scikit-learn). Images without the label in the reply are never
        found, so that their recall is not reached.

        Args:
            label: number of the label.
            positives: number of images with the label.

        Returns:
            None without any image with the label.
        """
        if not positives:
            return None
        self._flush()
        rows = self._database.execute(
            "select sum(right), count(*) from found where label = ? group by score "
            "order by score desc",
            (label,),
        ).fetchall()
        right, counts = np.array(rows, np.int64).reshape(-1, 2).T
        precision: Array = right.cumsum() / np.maximum(counts.cumsum(), 1)
        return float((right / positives * precision).sum())

    def _flush(self) -> None:
        """Write the waiting rows."""
        self._database.executemany("insert into found values (?, ?, ?)", self._waiting)
        self._database.commit()
        self._waiting.clear()
