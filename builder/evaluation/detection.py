"""The measure of detectors: COCO's average precision, operating points, confusion, examples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from builder.datasets.annotation import Annotation, Shape
from builder.evaluation.average_precision import Detections
from builder.evaluation.comparison import Comparison, Form, Item
from builder.evaluation.confusion import ConfusionCounts
from builder.evaluation.detection_figures import DetectionFigures
from builder.evaluation.detector_request import DetectorMeasure, Thresholds, size_of_file
from builder.evaluation.evaluation import Result
from builder.evaluation.examples import Examples
from builder.evaluation.matching import Matches, match, unpacked
from builder.evaluation.measure import Sample, Task
from builder.evaluation.operating_points import OperatingPoints
from runtimes.arrays import Array, Size


@dataclass(frozen=True, slots=True)
class _Truth:
    """The annotations of an image that are compared: their forms, labels and flags."""

    forms: list[Form]
    labels: Array
    ignored: Array
    crowd: Array


class DetectionMeasure(DetectorMeasure):
    """Asks a detector for each image of a dataset; see builder.evaluation.measure.Measure."""

    def __init__(self, task: Task, comparison: Comparison) -> None:
        self._thresholds = Thresholds.of(task.threshold, task.lowest)
        super().__init__(task, self._thresholds.lowest)
        self._comparison = comparison
        self._names = task.label_map.names
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._threshold, self._lowest = self._thresholds.counted, self._thresholds.lowest
        self._detections = Detections(len(self._names))
        self._points = OperatingPoints(len(self._names), self._threshold, self._lowest)
        self._confusion = ConfusionCounts(self._names, self._threshold)
        self._index = 0
        self._left_out: Counter[str] = Counter()
        self._cut = 0
        self._examples = Examples()

    def add(self, sample: Sample, answer: Any) -> None:
        """See Measure."""
        index, self._index = self._index, self._index + 1
        image = sample.images[0]
        if answer is not None:
            size = tuple(answer["size"])
        else:
            answer = {"items": []}
            size = size_of_file(image.file.read_bytes()) if self._comparison.needs_size else (0, 0)
        truth = self._truth(image.annotations, image.ignored, size)
        found: list[tuple[Form, int, float]] = []
        counts = np.zeros(3, np.int64)
        for number, name in enumerate(self._names):
            items = self._of_label(answer["items"], name, size)
            chosen = np.flatnonzero((truth.labels == number) | (truth.labels < 0))
            if not items and not (truth.labels == number).any():
                continue
            scores = np.array([float(item["confidence"]) for item, _ in items])
            forms = [form for _, form in items]
            matches = self._match(forms, truth, chosen)
            self._detections.add(number, scores, matches)
            counts += self._count(number, scores, matches)
            found += [
                (form, number, score)
                for form, score in zip(forms, scores.tolist(), strict=True)
                if score >= self._threshold
            ]
        self._confuse(found, truth)
        self._rank(index, *counts.tolist())

    def result(self) -> Result:
        """See Measure."""
        figures = DetectionFigures(self._names, self._detections, self._points)
        return Result(
            figures.metrics(self._comparison.limit),
            (figures.per_label(), figures.per_size()),
            figures.charts(),
            (self._confusion.result(),),
            self._examples.worst,
            self._examples.best,
            self._notes(),
        )

    def _of_label(self, items: Sequence[Item], name: str, size: Size) -> list[tuple[Item, Form]]:
        """Return the best detections of a label, in descending order of their scores."""
        own = sorted(
            (item for item in items if item["label"] == name),
            key=lambda item: -float(item["confidence"]),
        )
        limit = self._comparison.limit
        self._cut += max(0, len(own) - limit)
        pairs = []
        for item in own[:limit]:
            form = self._comparison.found(item, size)
            if form is None:
                self._left_out[f"detections of type {item['type']}"] += 1
            else:
                pairs.append((item, form))
        return pairs

    def _truth(
        self, annotations: Sequence[Annotation], regions: Sequence[Shape], size: Size
    ) -> _Truth:
        """Return the annotations of labels that are compared; label -1 stands for any label."""
        rows: list[tuple[Form, int, bool, bool]] = []
        for it in annotations:
            label = self._task.label_map.of_dataset.get(it.label)
            if label is None:
                continue
            form = self._comparison.truth(it.shape, label, it.area, size)
            if form is None:
                self._left_out[f"annotations of type {type(it.shape).__name__.lower()}"] += 1
            else:
                ignored = it.crowd or form.ignored
                rows.append((form, self._numbers[label], ignored, it.crowd))
        for region in regions:
            form = self._comparison.truth(region, "", None, size)
            if form is not None:
                rows.append((form, -1, True, True))
        return _Truth(
            [form for form, *_ in rows],
            np.array([label for _, label, _, _ in rows], np.int64),
            np.array([ignored for _, _, ignored, _ in rows], bool),
            np.array([crowd for *_, crowd in rows], bool),
        )

    def _match(self, forms: Sequence[Form], truth: _Truth, chosen: Array) -> Matches:
        """Match the detections of a label with the chosen annotations."""
        others = [truth.forms[place] for place in chosen.tolist()]
        crowd = truth.crowd[chosen]
        overlaps = np.zeros((len(forms), len(others)))
        if forms and others:
            shapes = [it.shape for it in forms], [it.shape for it in others]
            overlaps = self._comparison.overlaps(*shapes, crowd)
        return match(
            overlaps,
            np.array([it.area for it in forms]),
            np.array([it.area for it in others]),
            truth.ignored[chosen],
            crowd,
        )

    def _count(self, number: int, scores: Array, matches: Matches) -> Array:
        """Add a label of an image to the operating points.

        Returns:
            The numbers of right and of wrong detections from the counted threshold on, and of
            missed annotations.
        """
        matched, ignored = unpacked(matches.matched)[0], unpacked(matches.ignored)[0]
        right, wrong = matched & ~ignored, ~matched & ~ignored
        truths = int(matches.truths[0])
        self._points.add(number, scores, right, wrong, truths)
        above = scores >= self._threshold
        hits = int((right & above).sum())
        return np.array([hits, int((wrong & above).sum()), truths - hits])

    def _confuse(self, found: Sequence[tuple[Form, int, float]], truth: _Truth) -> None:
        """Add an image to the confusion matrix."""
        overlaps = np.zeros((len(found), len(truth.forms)))
        if overlaps.size:
            overlaps = self._comparison.overlaps(
                [form.shape for form, _, _ in found],
                [form.shape for form in truth.forms],
                truth.crowd,
            )
        labels = np.array([label for _, label, _ in found], np.int64)
        self._confusion.add(overlaps, labels, truth.labels, truth.ignored)

    def _rank(self, index: int, right: int, wrong: int, missed: int) -> None:
        """Keep an image if it is among the worst or the best."""
        if not right + wrong + missed:
            return
        score = 2 * right / (2 * right + wrong + missed)
        note = f"{right} found, {missed} missed, {wrong} wrong"
        flawed = bool(wrong + missed)
        self._examples.add(index, score, note, flawed, wrong + missed if flawed else right)

    def _notes(self) -> tuple[str, ...]:
        """Return the conventions, and what was left out."""
        left_out = [f"{count} {what} were left out" for what, count in self._left_out.items()]
        cut = (
            [
                f"{self._cut} detections beyond the {self._comparison.limit} best of a label in an "
                "image were left out, as in COCO"
            ]
            if self._cut
            else []
        )
        return (
            f"detections from a confidence of {self._lowest:g} on were asked for; precision, "
            f"recall and F1 hold at {self._thresholds.text()}",
            *self._comparison.notes(),
            *left_out,
            *cut,
        )
