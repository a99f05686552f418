"""Interactors: the IoU after simulated clicks, and the number of clicks that an IoU needs."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from builder.datasets.annotation import (
    Annotation,
    Ellipse,
    LabeledImage,
    Mask,
    Polygons,
    Shape,
)
from builder.evaluation.clicks import Click, next_click
from builder.evaluation.detector_request import size_of_file
from builder.evaluation.evaluation import Result, Table, Value
from builder.evaluation.examples import Examples
from builder.evaluation.measure import Measure, Sample, Task, Unanswered
from builder.evaluation.region import Region
from builder.evaluation.shapes import rings_of
from builder.run.function import Function
from builder.run.judge.interactor import judge
from builder.run.predict.interactor import masks_of
from runtimes.arrays import Array, Size

NAME = "clicks"
"""See Kind."""

TYPE = "interactor"
"""See Kind."""

LIMIT = 20
"""Most clicks per object, as in RITM; an object that needs more counts with this number."""

TARGETS = {"noc85": 0.85, "noc90": 0.9}
"""Metric -> the IoU that is counted up to."""

STEPS = 5
"""Number of clicks after which the IoU is reported, from 1."""

_COLUMNS = ("objects", *(f"iou{step + 1}" for step in range(STEPS)), *TARGETS)

LABELS: frozenset[str] = frozenset()
"""See Kind."""

NEEDS = "masks, polygons or ellipses"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return isinstance(annotation.shape, Polygons | Mask | Ellipse)


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind: annotations with outlines."""
    return any(compares(it) for image in first for it in image.annotations)


def start(task: Task) -> Measure:
    """See Kind."""
    return ClickMeasure(task)


class ClickMeasure:
    """See Measure. A sample is an object with an outline.

    The best mask of a reply counts. Functions that need a box get the object's bounding box.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._box = "startswith_box" in task.annotations
        self._sums: dict[str, Array] = {}
        self._failed = dict.fromkeys(TARGETS, 0)
        self._examples = Examples()
        self._index = 0

    def __len__(self) -> int:
        """See Measure."""
        return sum(
            bool(image.fault) + len(list(self._objects(image))) for image in self._task.dataset
        )

    def samples(self) -> Iterator[Sample]:
        """See Measure."""
        for image in self._task.dataset:
            if image.fault:
                # How many objects it has is not known.
                yield Sample(image.name, (image,))
            for number in self._objects(image):
                chosen = image.annotations[number]
                prompt = {
                    "object": _digest(chosen.shape),
                    "ignored": [_digest(it) for it in image.ignored],
                    "clicks": LIMIT,
                    "box": self._box,
                }
                only = LabeledImage(image.name, image.file, (chosen,), image.ignored)
                yield Sample(f"{image.name}, object {number + 1}", (only,), prompt)

    def ask(self, function: Function, sample: Sample) -> object:
        """See Measure. The answer is the list of the IoU after each click.

        It ends when no error is left, or the highest target is reached after STEPS clicks.
        """
        image = sample.images[0]
        try:
            data = image.file.read_bytes()
        except OSError as error:
            raise Unanswered(f"cannot be read: {error.strerror or error}", skipped=True) from error
        size = size_of_file(data)
        truth = _canvas(image.annotations[0].shape, size)
        counted = np.ones(size, bool)
        for shape in image.ignored:
            counted &= ~_canvas(shape, size)
        if not (truth & counted).any():
            raise Unanswered("the object has no pixel in the image", skipped=True)
        boxes = [_corners(truth)] if self._box else []
        found = np.zeros(size, bool)
        clicks: list[Click] = []
        ious: list[float] = []
        while len(clicks) < LIMIT:
            click = next_click(truth, found, counted, clicks)
            if click is None:
                break
            clicks.append(click)
            reply = function(
                data,
                pos_points=[it.point for it in clicks if it.positive],
                neg_points=[it.point for it in clicks if not it.positive],
                obj_bbox=[point for box in boxes for point in box],
            )
            if reply.status != 200:
                raise Unanswered(f"status {reply.status}: {reply.text[:300]}")
            faults = judge(reply.body, size)
            if faults:
                raise Unanswered(f"invalid reply: {faults[0]}")
            found = _best(reply.body, size)
            shared = int((truth & found & counted).sum())
            ious.append(shared / int(((truth | found) & counted).sum()))
            if len(ious) >= STEPS and max(ious) >= max(TARGETS.values()):
                break
        return ious

    def add(self, sample: Sample, answer: Any) -> None:
        """See Measure. A failed object has an IoU of 0 after every click."""
        ious: list[float] = answer or [0.0]
        # After the last click, there is no error, or the figures do not depend on it.
        steps = [ious[min(step, len(ious) - 1)] for step in range(STEPS)]
        counts = []
        for name, target in TARGETS.items():
            needed = next((number for number, it in enumerate(ious, 1) if it >= target), None)
            self._failed[name] += needed is None
            counts.append(LIMIT if needed is None else needed)
        label = sample.images[0].annotations[0].label
        row = np.array([1.0, *steps, *counts])
        self._sums[label] = self._sums.get(label, np.zeros(len(row))) + row
        note = f"IoU {steps[0]:.3f} after one click, {steps[-1]:.3f} after {STEPS}"
        self._examples.add(self._index, steps[-1], note, steps[-1] < max(TARGETS.values()))
        self._index += 1

    def result(self) -> Result:
        """See Measure."""
        total = sum(self._sums.values(), np.zeros(len(_COLUMNS)))
        objects = max(total[0], 1.0)
        metrics: dict[str, float | None] = dict(
            zip(_COLUMNS[1:], (total[1:] / objects).tolist(), strict=True)
        )
        for name, failed in self._failed.items():
            metrics[f"{name}_failed"] = failed / objects
        rows: dict[str, tuple[Value, ...]] = {
            label: (int(row[0]), *(row[1:] / row[0]).tolist())
            for label, row in sorted(self._sums.items())
        }
        box = "; each request has the object's bounding box" if self._box else ""
        note = (
            "clicks are simulated as in RITM; an object that does not reach an IoU counts with "
            f"{LIMIT} clicks{box}"
        )
        return Result(
            metrics,
            (Table("per_class", "Per label", _COLUMNS, rows),),
            worst=self._examples.worst,
            best=self._examples.best,
            notes=(note,),
        )

    def _objects(self, image: LabeledImage) -> Iterator[int]:
        """Yield the numbers of the annotations that are clicked."""
        for number, it in enumerate(image.annotations):
            if it.label in self._task.label_map.of_dataset and compares(it) and not it.crowd:
                yield number


def _canvas(shape: Shape, size: Size) -> Array:
    """Return the pixels of a shape in an image, (H, W) bool."""
    region = (
        Region(np.asarray(shape.bitmap) > 0, shape.left, shape.top)
        if isinstance(shape, Mask)
        else Region.inside(rings_of(shape), size)
    )
    return region.on_canvas(size)


def _best(reply: dict[str, Any], size: Size) -> Array:
    """Return the pixels of the best mask of a valid reply, the first one, (H, W) bool."""
    for mask in masks_of(reply)[:1]:
        return Region(mask.bitmap > 0, mask.left, mask.top).on_canvas(size)
    return np.zeros(size, bool)


def _corners(bitmap: Array) -> list[list[float]]:
    """Return the bounding box of the pixels, as two points."""
    rows, columns = np.flatnonzero(bitmap.any(axis=1)), np.flatnonzero(bitmap.any(axis=0))
    low = [float(columns[0]), float(rows[0])]
    return [low, [float(columns[-1] + 1), float(rows[-1] + 1)]]


def _digest(shape: Shape) -> str:
    """Return the SHA-256 of a shape."""
    digest = hashlib.sha256(type(shape).__name__.encode())
    if isinstance(shape, Mask):
        digest.update(repr((shape.bitmap.shape, shape.left, shape.top)).encode())
        digest.update(np.packbits(np.asarray(shape.bitmap) > 0).tobytes())
    else:
        digest.update(repr(shape).encode())
    return digest.hexdigest()
