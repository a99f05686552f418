"""Trackers: success and precision of OTB, in one pass.

Source: Wu et al., Object Tracking Benchmark (2015), and the authors' program: both figures are
means over the tracks, and the first frame, from which the tracker starts, counts.
"""

from array import array
from collections.abc import Iterator, Sequence
from math import hypot
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from builder.datasets.annotation import Annotation, LabeledImage
from builder.diagnostics.errors import DatasetError
from builder.diagnostics.problem import Problem
from builder.evaluation.detector_request import size_of_file
from builder.evaluation.evaluation import Chart, Line, Result, Table, Value
from builder.evaluation.examples import Examples
from builder.evaluation.measure import Measure, Sample, Task, Unanswered
from builder.evaluation.shapes import Bounds, bounds_of
from builder.run.draw import ring_of
from builder.run.function import Function
from builder.run.judge.tracker import judge
from builder.run.predict.tracker import found_shapes, shape_of, types_of
from runtimes import rle
from runtimes.arrays import Array

NAME = "tracks"
"""See Kind."""

TYPE = "tracker"
"""See Kind."""

OVERLAPS = np.linspace(0.0, 1.0, 21)
"""Thresholds of the success plot; the success is the mean over them. A frame counts at thresholds
below its overlap, so that a perfect tracker has 20/21."""

DISTANCE = 20.0
"""Greatest distance of the centers in pixels of a precise frame."""

_COLUMNS = ("tracks", "frames", "success", "precision", "lost")

_GOOD = 0.7
"""Success from which a track is no example of the worst ones."""

LABELS: frozenset[str] = frozenset()
"""See Kind."""

NEEDS = "annotations with tracks"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return annotation.track is not None


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind: annotations that belong to tracks."""
    return any(compares(it) for image in first for it in image.annotations)


def start(task: Task) -> Measure:
    """See Kind."""
    return TrackMeasure(task)


class TrackMeasure:
    """See Measure. A sample is a track: the frames from its first to its last visible box.

    The frames of a video are the images of one folder, in the order of the dataset.
    """

    def __init__(self, task: Task) -> None:
        """Find the tracks; this reads all annotations once.

        Raises:
            DatasetError: there are no tracks.
        """
        self._task = task
        # Numbers of the images with the object: 4 bytes per annotation.
        self._tracks: dict[tuple[str, str, int], array[int]] = {}
        self._videos: dict[str, array[int]] = {}
        for index, image in enumerate(task.dataset):
            video = _video(image)
            self._videos.setdefault(video, array("I")).append(index)
            for it in image.annotations:
                if it.track is not None and _is_compared(it, task):
                    key = (video, it.label, it.track)
                    self._tracks.setdefault(key, array("I")).append(index)
        if not self._tracks:
            what = "no annotation belongs to a track"
            hint = "export a video task, with tracks"
            raise DatasetError(Problem(what, file=task.dataset.path, hint=hint))
        self._sums: dict[str, Array] = {}
        self._curve = np.zeros(len(OVERLAPS))
        self._examples = Examples()
        self._index = 0

    def __len__(self) -> int:
        """See Measure."""
        return len(self._tracks)

    def samples(self) -> Iterator[Sample]:
        """See Measure."""
        for (video, label, track), seen in self._tracks.items():
            images = self._videos[video]
            frames = []
            for index in images[images.index(seen[0]) : images.index(seen[-1]) + 1]:
                image = self._task.dataset[index]
                own = tuple(
                    it
                    for it in image.annotations
                    if (it.label, it.track) == (label, track) and _is_compared(it, self._task)
                )
                frames.append(LabeledImage(image.name, image.file, own[:1]))
            name = f"{f'{video}, ' if video else ''}{label} {track}"
            yield Sample(name, tuple(frames), {"box": _box(frames[0])})

    def ask(self, function: Function, sample: Sample) -> object:
        """See Measure. The answer is x1, y1, x2, y2 for each frame, null where it is lost."""
        types = types_of(function)
        shape_type = "rectangle" if "rectangle" in types else types[0]
        box = _box(sample.images[0])
        sent: dict[str, Any] = {"shapes": [shape_of(box, shape_type)], "states": []}
        boxes: list[list[float] | None] = []
        for image in sample.images:
            try:
                data = image.file.read_bytes()
            except OSError as error:
                reason = f"{image.name}: cannot be read: {error.strerror or error}"
                raise Unanswered(reason, skipped=True) from error
            reply = function(data, **sent)
            if reply.status != 200:
                size_of_file(data)
                raise Unanswered(f"{image.name}: status {reply.status}: {reply.text[:300]}")
            faults = judge(reply.body, [shape_type])
            if faults:
                raise Unanswered(f"{image.name}: invalid reply: {faults[0]}")
            (shape,) = found_shapes(reply.body)
            boxes.append(None if shape is None else _bounds_of_reply(shape))
            sent = {"shapes": [None], "states": reply.body["states"]}
        return boxes

    def add(self, sample: Sample, answer: Any) -> None:
        """See Measure. A failed track is lost in every frame."""
        boxes = answer or [None] * len(sample.images)
        rows = [
            _compared(found, bounds_of(image.annotations[0].shape))
            for found, image in zip(boxes, sample.images, strict=True)
            if image.annotations
        ]
        ious, gaps = np.array(rows).T
        curve = (ious[:, None] > OVERLAPS).mean(axis=0)
        success, precision = float(curve.mean()), float((gaps <= DISTANCE).mean())
        lost = sum(found is None for found in boxes)
        label = next(image.annotations[0].label for image in sample.images)
        row = np.array([1, len(rows), success, precision, lost], np.float64)
        self._sums[label] = self._sums.get(label, np.zeros(len(row))) + row
        self._curve += curve
        note = f"success {success:.3f}, precision {precision:.3f}, lost in {lost} frames"
        self._examples.add(self._index, success, note, success < _GOOD, len(rows))
        self._index += 1

    def result(self) -> Result:
        """See Measure."""
        total = sum(self._sums.values(), np.zeros(len(_COLUMNS)))
        tracks = max(total[0], 1.0)
        metrics: dict[str, float | None] = {
            "success": float(total[2] / tracks),
            "precision20": float(total[3] / tracks),
        }
        rows: dict[str, tuple[Value, ...]] = {
            label: (int(row[0]), int(row[1]), row[2] / row[0], row[3] / row[0], int(row[4]))
            for label, row in sorted(self._sums.items())
        }
        line = Line("all tracks", tuple(OVERLAPS.tolist()), tuple((self._curve / tracks).tolist()))
        return Result(
            metrics,
            (Table("per_class", "Per label", _COLUMNS, rows),),
            (Chart("Frames with a larger overlap", "overlap", "share of the frames", (line,)),),
            worst=self._examples.worst,
            best=self._examples.best,
            notes=(
                "success and precision are those of OTB, means over the tracks; a lost object has "
                "an overlap of 0",
            ),
        )


def worst_frame(
    frames: Sequence[LabeledImage], boxes: Sequence[Sequence[float] | None]
) -> tuple[LabeledImage, Sequence[float] | None]:
    """Return the frame of a track with the smallest overlap, and the box that was found in it.

    Args:
        frames: the frames; those without the object are passed over.
        boxes: the answer of TrackMeasure.ask.
    """
    pairs = [it for it in zip(frames, boxes, strict=True) if it[0].annotations]
    return min(pairs, key=lambda it: _compared(it[1], bounds_of(it[0].annotations[0].shape))[0])


def _is_compared(annotation: Annotation, task: Task) -> bool:
    """Return whether an annotation has a label that is compared, and a box."""
    return annotation.label in task.label_map.of_dataset and bounds_of(annotation.shape) is not None


def _video(image: LabeledImage) -> str:
    """Return the folder of an image in the dataset; empty for the top folder."""
    parent = str(PurePosixPath(image.name).parent)
    return "" if parent == "." else parent


def _box(image: LabeledImage) -> Bounds:
    """Return the box of the only annotation of a frame."""
    box = bounds_of(image.annotations[0].shape)
    assert box is not None
    return box


def _bounds_of_reply(shape: dict[str, Any]) -> list[float]:
    """Return the bounding box of a shape of a tracker's reply."""
    if shape["type"] == "mask":
        bitmap, left, top = rle.decode(shape["points"])
        rows, columns = np.nonzero(bitmap)
        x1, y1, x2, y2 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        return [float(left + x1), float(top + y1), float(left + x2), float(top + y2)]
    points = ring_of(shape)
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def _compared(found: Sequence[float] | None, truth: Bounds | None) -> tuple[float, float]:
    """Return the IoU of two boxes and the distance of their centers."""
    assert truth is not None
    if found is None:
        return 0.0, float("inf")
    width = min(found[2], truth[2]) - max(found[0], truth[0])
    height = min(found[3], truth[3]) - max(found[1], truth[1])
    shared = max(width, 0.0) * max(height, 0.0)
    either = sum((it[2] - it[0]) * (it[3] - it[1]) for it in (found, truth)) - shared
    x, y = ((found[it] + found[it + 2] - truth[it] - truth[it + 2]) / 2 for it in (0, 1))
    return shared / either if either > 0 else 0.0, hypot(x, y)
