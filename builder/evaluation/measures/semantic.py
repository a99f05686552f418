"""Semantic segmentation: the label of each pixel."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from builder.datasets.annotation import Annotation, Ellipse, LabeledImage, Mask, Polygons, Shape
from builder.evaluation.detector_request import DetectorMeasure, size_of_file
from builder.evaluation.evaluation import Confusion, Result, Table, Value
from builder.evaluation.examples import Examples
from builder.evaluation.figures import figure, mean_figure
from builder.evaluation.measure import Measure, Sample, Task
from builder.evaluation.region import Region
from builder.evaluation.shapes import bitmap_of, rings_of
from builder.run.draw import ring_of
from runtimes.arrays import Array, Size

NAME = "semantic"
"""See Kind."""

TYPE = "detector"
"""See Kind."""

_COLUMNS = ("pixels", "iou", "precision", "recall")

_GOOD = 0.9
"""Mean IoU from which an image is no example of the worst ones."""

LABELS: frozenset[str] = frozenset({"ellipse", "mask", "polygon"})
"""See Kind."""

NEEDS = "masks, polygons or ellipses"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return isinstance(annotation.shape, Polygons | Mask | Ellipse)


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind. Masks of objects and of classes look alike, so that it must be asked for."""
    return False


def start(task: Task) -> Measure:
    """See Kind."""
    return SemanticMeasure(task)


class SemanticMeasure(DetectorMeasure):
    """See Measure: a confusion matrix over the pixels of all images.

    Shapes cover those before them: annotations in their order, items in ascending order of their
    confidence. A pixel without a shape is background. Pixels of crowds and ignored regions do not
    count. Rectangles are not outlines of objects, so they are left out. The function is
    asked with its own threshold.
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task, task.lowest)
        self._names = task.label_map.names
        self._numbers = {name: number for number, name in enumerate(self._names)}
        size = len(self._names) + 1
        self._counts = np.zeros((size, size), np.int64)
        self._left_out: Counter[str] = Counter()
        self._examples = Examples()
        self._index = 0

    def add(self, sample: Sample, answer: Any) -> None:
        """See Measure. A failed image is all background."""
        image = sample.images[0]
        if answer is None:
            answer = {"items": [], "size": size_of_file(image.file.read_bytes())}
        height, width = answer["size"]
        background = len(self._names)
        truth = np.full((height, width), background, np.int64)
        counted = np.ones((height, width), bool)
        for it in image.annotations:
            label = self._task.label_map.of_dataset.get(it.label)
            if it.crowd:
                _paint(counted, _region(it.shape, (height, width)), False)
            elif label is None:
                continue
            elif not compares(it):
                self._left_out[f"annotations of type {type(it.shape).__name__.lower()}"] += 1
            else:
                _paint(truth, _region(it.shape, (height, width)), self._numbers[label])
        for shape in image.ignored:
            _paint(counted, _region(shape, (height, width)), False)
        found = np.full((height, width), background, np.int64)
        for item in sorted(answer["items"], key=lambda item: float(item["confidence"])):
            if item["label"] not in self._numbers:
                continue
            if item["type"] not in ("mask", "polygon", "ellipse"):
                self._left_out[f"detections of type {item['type']}"] += 1
            else:
                _paint(found, _region_of(item, (height, width)), self._numbers[item["label"]])
        size = background + 1
        pairs = truth[counted] * size + found[counted]
        counts = np.bincount(pairs, minlength=size * size).reshape(size, size)
        self._counts += counts
        ious = _ious(counts)
        if not np.isnan(ious[:-1]).all():
            score = float(np.nanmean(ious[:-1]))
            self._examples.add(self._index, score, f"mean IoU {score:.3f}", score < _GOOD)
        self._index += 1

    def result(self) -> Result:
        """See Measure."""
        ious = _ious(self._counts)
        right = self._counts.diagonal()
        names = (*self._names, "background")
        with np.errstate(invalid="ignore", divide="ignore"):
            precision, recall = right / self._counts.sum(axis=0), right / self._counts.sum(axis=1)
        rows: dict[str, tuple[Value, ...]] = {
            name: (
                int(self._counts[number].sum()),
                *(figure(float(it[number])) for it in (ious, precision, recall)),
            )
            for number, name in enumerate(names)
        }
        total = int(self._counts.sum())
        metrics: dict[str, float | None] = {
            "miou": mean_figure(ious[:-1]),
            "miou_with_background": mean_figure(ious),
            "pixel_accuracy": float(right.sum() / total) if total else None,
        }
        counts = tuple(tuple(row) for row in self._counts.tolist())
        return Result(
            metrics,
            (Table("per_class", "Per label", _COLUMNS, rows),),
            confusions=(Confusion("Confusion of pixels", names, names, counts),),
            worst=self._examples.worst,
            best=self._examples.best,
            notes=(
                "the IoU of a label is that of its pixels in all images together",
                *(f"{count} {what} were left out" for what, count in self._left_out.items()),
            ),
        )


def _region(shape: Shape, size: Size) -> Region:
    """Return the pixels of an annotation; none for tags and keypoints."""
    if isinstance(shape, Mask):
        return Region(np.asarray(shape.bitmap) > 0, shape.left, shape.top)
    return Region.inside(rings_of(shape), size)


def _region_of(item: dict[str, Any], size: Size) -> Region:
    """Return the pixels of a mask, polygon or ellipse."""
    if item["type"] == "mask":
        bitmap, left, top = bitmap_of(item)
        return Region(bitmap > 0, left, top)
    return Region.inside([ring_of(item)], size)


def _paint(canvas: Array, region: Region, value: int) -> None:
    """Set the pixels of a region that are inside of a canvas, (H, W)."""
    height, width = canvas.shape
    canvas[region.on_canvas((height, width))] = value


def _ious(counts: Array) -> Array:
    """Return the IoU of each class from a confusion matrix; NaN without pixels on either side."""
    right = counts.diagonal()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(right / (counts.sum(axis=0) + counts.sum(axis=1) - right))
