"""The measure of detectors: COCO's average precision, operating points, confusion, examples."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from builder.datasets.annotation import Annotation, Shape
from builder.evaluation.average_precision import RECALLS, Detections
from builder.evaluation.confusion import ConfusionCounts
from builder.evaluation.evaluation import Chart, Line, Result, Table, Value
from builder.evaluation.examples import Examples
from builder.evaluation.figures import figure, mean_figure
from builder.evaluation.matching import AREAS, Matches, match, unpacked
from builder.evaluation.measure import Sample, Task, Unanswered
from builder.evaluation.operating_points import OperatingPoints
from builder.run.function import Function
from builder.run.judge.detector import judge
from builder.run.predict.files import pixels_of
from runtimes.arrays import Array, Size, size_of
from runtimes.errors import BadRequest

LOWEST = 0.001
"""Confidence threshold that is sent, so that the curves are complete. CVAT never sends 0."""

_THRESHOLD = 0.5
"""Threshold of the confusion matrix and the examples if the function has none."""

_LINES = 10
"""Labels with a line of their own in a chart."""

Item = Mapping[str, Any]
"""An item of a detector's reply."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A shape to compare.

    Attributes:
        shape: in the form of the comparison.
        area: in pixels.
        ignored: it counts neither as found nor as missed.
    """

    shape: Any
    area: float
    ignored: bool = False


class Comparison(Protocol):
    """Compares the shapes of detections with those of annotations."""

    @property
    def limit(self) -> int:
        """The most detections per label and image; those with the highest scores are kept."""

    @property
    def needs_size(self) -> bool:
        """Whether the size of the image must be known."""

    def truth(self, shape: Shape, label: str, area: float | None, size: Size) -> Figure | None:
        """Return the shape of an annotation; None if it cannot be compared.

        Args:
            shape: the shape.
            label: the function's label that belongs to it; empty for an ignored region.
            area: see Annotation.area.
            size: height and width of the image; 0, 0 if they are not needed.
        """

    def found(self, item: Item, size: Size) -> Figure | None:
        """Return the shape of a detection; None if it cannot be compared."""

    def overlaps(self, found: Sequence[Any], truth: Sequence[Any], crowd: Array) -> Array:
        """Return the IoU or OKS of each detection with each annotation, (D, G).

        Args:
            found: shapes of D detections.
            truth: shapes of G annotations.
            crowd: (G,) bool; with a crowd, the part of the detection inside of it.
        """

    def notes(self) -> tuple[str, ...]:
        """Return sentences about conventions that a reader of the figures must know."""


@dataclass(frozen=True, slots=True)
class _Truth:
    """The annotations of an image that are compared: their shapes, labels and flags."""

    figures: list[Figure]
    labels: Array
    ignored: Array
    crowd: Array


class DetectionMeasure:
    """Asks a detector for each image of a dataset; see builder.evaluation.measure.Measure."""

    def __init__(self, task: Task, comparison: Comparison) -> None:
        self._task = task
        self._comparison = comparison
        self._names = task.label_map.names
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._threshold = _THRESHOLD if task.threshold is None else task.threshold
        self._lowest = LOWEST if task.lowest is None else task.lowest
        self._detections = Detections(len(self._names))
        self._points = OperatingPoints(len(self._names), self._threshold)
        self._confusion = ConfusionCounts(self._names, self._threshold)
        self._index = 0
        self._left_out: Counter[str] = Counter()
        self._cut = 0
        self._examples = Examples()

    def __len__(self) -> int:
        """See Measure."""
        return len(self._task.dataset)

    def samples(self) -> Iterator[Sample]:
        """See Measure."""
        for image in self._task.dataset:
            yield Sample(image.name, (image,), {"threshold": self._lowest})

    def ask(self, function: Function, sample: Sample) -> object:
        """See Measure and ask_detector."""
        return ask_detector(function, sample, self._lowest, needs_size=self._comparison.needs_size)

    def add(self, sample: Sample, answer: Any) -> None:
        """See Measure."""
        index, self._index = self._index, self._index + 1
        image = sample.images[0]
        if answer is not None:
            size = tuple(answer["size"] or (0, 0))
        else:
            answer = {"items": []}
            size = size_of_file(image.file.read_bytes()) if self._comparison.needs_size else (0, 0)
        truth = self._truth(image.annotations, image.ignored, size)
        found: list[tuple[Figure, int, float]] = []
        counts = np.zeros(3, np.int64)
        for number, name in enumerate(self._names):
            items = self._of_label(answer["items"], name, size)
            chosen = np.flatnonzero((truth.labels == number) | (truth.labels < 0))
            if not items and not (truth.labels == number).any():
                continue
            scores = np.array([float(item["confidence"]) for item, _ in items])
            figures = [figure for _, figure in items]
            matches = self._match(figures, truth, chosen)
            self._detections.add(number, scores, matches)
            counts += self._count(number, scores, matches)
            found += [
                (figure, number, score)
                for figure, score in zip(figures, scores.tolist(), strict=True)
                if score >= self._threshold
            ]
        self._confuse(found, truth)
        self._rank(index, *counts.tolist())

    def result(self) -> Result:
        """See Measure."""
        precisions = [self._detections.precision(number) for number in range(len(self._names))]
        curves = np.array([it.curves for it in precisions])
        truths = self._detections.truths
        own, best = self._points.own(), self._points.best()
        metrics: dict[str, float | None] = {
            "map50_95": mean_figure(curves[:, 0]),
            "map50": mean_figure(curves[:, 0, 0]),
            "map75": mean_figure(curves[:, 0, 5]),
            f"recall_at_{self._comparison.limit}": mean_figure(
                np.array([it.recall[0] for it in precisions])
            ),
            "precision": figure(own.precision),
            "recall": figure(own.recall),
            "f1": figure(own.f1),
            "threshold": self._threshold,
            "best_threshold": best.threshold if best else None,
            "best_f1": best.f1 if best else None,
        }
        labels = {
            name: self._row(number, curves[number, 0]) for number, name in enumerate(self._names)
        }
        sizes: dict[str, tuple[Value, ...]] = {
            name: (
                int(truths[:, number].sum()),
                mean_figure(curves[:, number, 0]),
                mean_figure(curves[:, number]),
            )
            for number, name in enumerate(AREAS)
            if name != "all"
        }
        return Result(
            metrics,
            (
                Table("per_class", "Per label", _COLUMNS, labels),
                Table("per_size", "Per size", _COLUMNS[:3], sizes),
            ),
            self._charts(curves),
            (self._confusion.result(),),
            self._examples.worst,
            self._examples.best,
            self._notes(),
        )

    def _of_label(self, items: Sequence[Item], name: str, size: Size) -> list[tuple[Item, Figure]]:
        """Return the best detections of a label, in descending order of their scores."""
        own = sorted(
            (item for item in items if item["label"] == name),
            key=lambda item: -float(item["confidence"]),
        )
        limit = self._comparison.limit
        self._cut += max(0, len(own) - limit)
        pairs = []
        for item in own[:limit]:
            figure = self._comparison.found(item, size)
            if figure is None:
                self._left_out[f"detections of type {item['type']}"] += 1
            else:
                pairs.append((item, figure))
        return pairs

    def _truth(
        self, annotations: Sequence[Annotation], regions: Sequence[Shape], size: Size
    ) -> _Truth:
        """Return the annotations of labels that are compared; label -1 stands for any label."""
        rows: list[tuple[Figure, int, bool, bool]] = []
        for it in annotations:
            label = self._task.label_map.of_dataset.get(it.label)
            if label is None:
                continue
            figure = self._comparison.truth(it.shape, label, it.area, size)
            if figure is None:
                self._left_out[f"annotations of type {type(it.shape).__name__.lower()}"] += 1
            else:
                ignored = it.crowd or figure.ignored
                rows.append((figure, self._numbers[label], ignored, it.crowd))
        for region in regions:
            figure = self._comparison.truth(region, "", None, size)
            if figure is not None:
                rows.append((figure, -1, True, True))
        return _Truth(
            [figure for figure, *_ in rows],
            np.array([label for _, label, _, _ in rows], np.int64),
            np.array([ignored for _, _, ignored, _ in rows], bool),
            np.array([crowd for *_, crowd in rows], bool),
        )

    def _match(self, figures: Sequence[Figure], truth: _Truth, chosen: Array) -> Matches:
        """Match the detections of a label with the chosen annotations."""
        others = [truth.figures[place] for place in chosen.tolist()]
        crowd = truth.crowd[chosen]
        overlaps = np.zeros((len(figures), len(others)))
        if figures and others:
            shapes = [it.shape for it in figures], [it.shape for it in others]
            overlaps = self._comparison.overlaps(*shapes, crowd)
        return match(
            overlaps,
            np.array([it.area for it in figures]),
            np.array([it.area for it in others]),
            truth.ignored[chosen],
            crowd,
        )

    def _count(self, number: int, scores: Array, matches: Matches) -> Array:
        """Add a label of an image to the operating points.

        Returns:
            The numbers of right and of wrong detections at the function's threshold, and of missed
            annotations.
        """
        matched, ignored = unpacked(matches.matched)[0], unpacked(matches.ignored)[0]
        right, wrong = matched & ~ignored, ~matched & ~ignored
        truths = int(matches.truths[0])
        self._points.add(number, scores, right, wrong, truths)
        above = scores >= self._threshold
        hits = int((right & above).sum())
        return np.array([hits, int((wrong & above).sum()), truths - hits])

    def _confuse(self, found: Sequence[tuple[Figure, int, float]], truth: _Truth) -> None:
        """Add an image to the confusion matrix."""
        overlaps = np.zeros((len(found), len(truth.figures)))
        if overlaps.size:
            overlaps = self._comparison.overlaps(
                [figure.shape for figure, _, _ in found],
                [figure.shape for figure in truth.figures],
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

    def _row(self, number: int, curves: Array) -> tuple[Value, ...]:
        """Return the row of a label."""
        own, best = self._points.own(number), self._points.best(number)
        return (
            int(self._detections.truths[number, 0]),
            mean_figure(curves[0]),
            mean_figure(curves),
            figure(own.precision),
            figure(own.recall),
            best.threshold if best else None,
            best.f1 if best else None,
        )

    def _charts(self, curves: Array) -> tuple[Chart, ...]:
        """Return precision over recall and F1 over the threshold."""
        order = np.argsort(-self._detections.truths[:, 0], kind="stable")
        shown = [it for it in order.tolist() if self._detections.truths[it, 0]][:_LINES]
        at50 = curves[:, 0, 0]
        with np.errstate(invalid="ignore"):
            every = np.nan_to_num(np.nanmean(at50, axis=0)) if shown else np.zeros(len(RECALLS))
        recalls = tuple(RECALLS.tolist())
        grid, overall = self._points.f1()
        thresholds = tuple(grid.tolist())
        return (
            Chart(
                "Precision over recall at overlap 0.5",
                "recall",
                "precision",
                (
                    Line("all", recalls, tuple(every.tolist())),
                    *(Line(self._names[it], recalls, tuple(at50[it].tolist())) for it in shown),
                ),
            ),
            Chart(
                "F1 over the confidence threshold",
                "threshold",
                "F1",
                (
                    Line("all", thresholds, tuple(overall.tolist())),
                    *(
                        Line(self._names[it], thresholds, tuple(self._points.f1(it)[1].tolist()))
                        for it in shown
                    ),
                ),
            ),
        )

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
            f"the function was asked for all detections with a confidence of {self._lowest:g} and "
            f"more; precision, recall and F1 hold at its own threshold, {self._threshold:g}",
            *self._comparison.notes(),
            *left_out,
            *cut,
        )


_COLUMNS = (
    "annotations",
    "map50",
    "map50_95",
    "precision",
    "recall",
    "best_threshold",
    "best_f1",
)


def ask_detector(
    function: Function, sample: Sample, threshold: float | None, *, needs_size: bool
) -> dict[str, Any]:
    """Send an image to a detector.

    Args:
        function: the detector.
        sample: one image.
        threshold: the threshold to send; None sends none.
        needs_size: whether the answer must have the size of the image.

    Returns:
        {"size": [height, width] or null, "items": [...]}; each item has a confidence.

    Raises:
        Unanswered, BuiltError: see Measure.ask.
    """
    try:
        data = sample.images[0].file.read_bytes()
    except OSError as error:
        raise Unanswered(f"cannot be read: {error.strerror or error}", skipped=True) from error
    reply = function(data, **({} if threshold is None else {"threshold": threshold}))
    # With `on_bad_image: empty`, the reply is that of an image without objects.
    unclear = reply.status != 200 or not reply.body
    size = size_of_file(data) if unclear or needs_size else None
    if reply.status != 200:
        raise Unanswered(f"status {reply.status}: {reply.text[:300]}")
    faults = judge(reply.body, function.labels)
    if faults:
        raise Unanswered(f"invalid reply: {faults[0]}")
    if any(item.get("confidence") is None for item in reply.body):
        raise Unanswered("invalid reply: an item has no confidence")
    return {"size": size, "items": reply.body}


def size_of_file(data: bytes) -> Size:
    """Return height and width of an image file.

    Raises:
        Unanswered: it cannot be decoded.
    """
    try:
        return size_of(pixels_of(data))
    except BadRequest as error:
        raise Unanswered(f"cannot be decoded: {error}", skipped=True) from error
