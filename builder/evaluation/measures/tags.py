"""Tags: which labels an image has."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from builder.datasets.annotation import Annotation, LabeledImage, Tag
from builder.evaluation.detector_request import DetectorMeasure, Thresholds
from builder.evaluation.evaluation import Result, Table, Value
from builder.evaluation.examples import Examples
from builder.evaluation.figures import figure
from builder.evaluation.measure import Measure, Sample, Task
from builder.evaluation.operating_points import LINES, OperatingPoints, f1_chart
from builder.evaluation.ranking import Ranking

NAME = "tags"
"""See Kind."""

TYPE = "detector"
"""See Kind."""

_COLUMNS = ("images", "ap", "precision", "recall", "f1", "best_threshold", "best_f1")

LABELS: frozenset[str] = frozenset({"tag"})
"""See Kind."""

NEEDS = "annotated tags"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return isinstance(annotation.shape, Tag)


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind: tags on both sides, or nothing but tags in the dataset."""
    tagged = [compares(it) for image in first for it in image.annotations]
    types = {str(label.get("type", "any")) for label in task.labels}
    return any(tagged) if "tag" in types else "any" in types and all(tagged)


def start(task: Task) -> Measure:
    """See Kind."""
    return TagMeasure(task)


class TagMeasure(DetectorMeasure):
    """See Measure.

    The top-1 accuracy is the share of the images with a tag whose label of the highest confidence
    is one of their tags.
    """

    def __init__(self, task: Task) -> None:
        self._thresholds = Thresholds.of(task.threshold, task.lowest)
        super().__init__(task, self._thresholds.lowest)
        self._names = task.label_map.names
        self._threshold, self._lowest = self._thresholds.counted, self._thresholds.lowest
        self._points = OperatingPoints(len(self._names), self._threshold, self._lowest)
        self._ranking = Ranking()
        self._positives = np.zeros(len(self._names), np.int64)
        self._tagged = self._top1 = self._index = 0
        self._examples = Examples()

    def add(self, sample: Sample, answer: Any) -> None:
        """See Measure. A failed image has no tags."""
        scores: dict[str, float] = {}
        for item in answer["items"] if answer else ():
            if item["type"] == "tag":
                name = str(item["label"])
                scores[name] = max(scores.get(name, 0.0), float(item["confidence"]))
        of_dataset = self._task.label_map.of_dataset
        truth = {
            of_dataset[it.label]
            for it in sample.images[0].annotations
            if isinstance(it.shape, Tag) and it.label in of_dataset
        }
        for number, name in enumerate(self._names):
            right = name in truth
            self._positives[number] += right
            score = scores.get(name)
            found = np.array([] if score is None else [score])
            rights = np.full(len(found), right)
            self._points.add(number, found, rights, ~rights, int(right))
            if score is not None:
                self._ranking.add(number, score, right)
        self._rank(truth, {name: it for name, it in scores.items() if name in self._names})

    def result(self) -> Result:
        """See Measure."""
        numbers = range(len(self._names))
        precisions = [
            self._ranking.average_precision(it, int(self._positives[it])) for it in numbers
        ]
        defined = [it for it in precisions if it is not None]
        own, best = self._points.own(), self._points.best()
        metrics: dict[str, float | None] = {
            "top1": self._top1 / self._tagged if self._tagged else None,
            "map": sum(defined) / len(defined) if defined else None,
            "precision": figure(own.precision),
            "recall": figure(own.recall),
            "f1": figure(own.f1),
            "threshold": self._threshold,
            "best_threshold": best.threshold if best else None,
            "best_f1": best.f1 if best else None,
        }
        shown = [it for it in numbers if self._positives[it]][:LINES]
        rows = {name: self._row(it, precisions[it]) for it, name in enumerate(self._names)}
        notes = (
            f"tags from a confidence of {self._lowest:g} on were asked for; precision, recall and "
            f"F1 hold at {self._thresholds.text()}",
        )
        return Result(
            metrics,
            (Table("per_class", "Per label", _COLUMNS, rows),),
            (f1_chart(self._points, {it: self._names[it] for it in shown}),),
            worst=self._examples.worst,
            best=self._examples.best,
            notes=notes,
        )

    def _row(self, number: int, precision: float | None) -> tuple[Value, ...]:
        """Return the row of a label."""
        own, best = self._points.own(number), self._points.best(number)
        return (
            int(self._positives[number]),
            precision,
            figure(own.precision),
            figure(own.recall),
            figure(own.f1),
            best.threshold if best else None,
            best.f1 if best else None,
        )

    def _rank(self, truth: set[str], scores: dict[str, float]) -> None:
        """Count the best label of an image, and keep the image if it is an example."""
        if truth:
            self._tagged += 1
            self._top1 += bool(scores) and max(scores, key=scores.__getitem__) in truth
        found = {name for name, score in scores.items() if score >= self._threshold}
        if found | truth:
            right, wrong, missed = len(found & truth), len(found - truth), len(truth - found)
            note = f"found {_listed(found)}; right {_listed(truth)}"
            score = 2 * right / (2 * right + wrong + missed)
            self._examples.add(self._index, score, note, found != truth, wrong + missed)
        self._index += 1


def _listed(names: set[str]) -> str:
    """Return names as text."""
    return ", ".join(sorted(names)) or "nothing"
