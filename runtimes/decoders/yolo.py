"""Decoders of YOLO models' boxes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Classes, Decoder


def _corners(boxes: Array) -> Array:
    """(N, 4) centre x, centre y, width, height -> (N, 4) x1 y1 x2 y2."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def _output(outputs: Mapping[str, Array], name: str | None) -> Array:
    """The output called `name`.

    Raises:
        BadModel: it is not among the outputs.
    """
    if name is None or name not in outputs:
        raise BadModel(
            f"the model gave no output '{name}'",
            where="output",
            found=", ".join(outputs),
        )
    return outputs[name]


def _refuse_other_task(signature: Signature, tensor: Tensor, *, extra: tuple[str, ...]) -> None:
    """Stop where the file's own metadata says that it is no detector of upright boxes.

    A 3-class detector and a 2-class oriented-box model have the same output shape; only the task
    in Ultralytics' metadata tells them apart.

    Raises:
        BadModel: the metadata name a task other than "detect" or one of `extra`.
    """
    task = signature.metadata.get("task", "detect")
    if task not in ("detect", *extra):
        raise BadModel(
            f"the model's metadata say `task: {task}`; this step decodes detectors",
            found=str(tensor),
            allowed="a model exported with task detect",
        )


@dataclass(frozen=True, slots=True)
class Yolo(Decoder):
    """Raw output of YOLOv8, 9, 11 and 12: [1, 4 + classes, candidates]. Follow it with `nms`.

    v10 and 26 have the same output when they are exported without their end-to-end head.
    """

    output: str | None = None
    """The output's name. Default: the only one with three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "Yolo":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(3,), role="[1, 4 + classes, candidates]")
        _refuse_other_task(signature, tensor, extra=())
        rows, columns = tensor.shape[1], tensor.shape[2]
        if rows is not None and columns is not None and columns < rows and columns > 4:
            raise BadModel(
                f"the output {tensor} has candidates in rows; `yolo` decodes candidates in columns",
                hint="`yolo_objectness` is for [1, candidates, 5 + classes] (v5, v6, v7), "
                "`yolo_end2end` for [1, 300, 6] (v10, 26, exports with nms=True)",
            )
        if rows is not None:
            classes.check(rows - 4, f"{tensor}: {rows} channels = 4 for the box + {rows - 4}")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], size: Size, threshold: float) -> Instances:
        """Take the best class of each candidate whose score exceeds the threshold."""
        rows = _output(outputs, self.output)
        if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[1] < 5:
            raise BadModel(
                f"`yolo` decodes [1, 4 + classes, candidates], got {list(rows.shape)}",
                where="output",
            )
        boxes, scores = rows[0, :4], rows[0, 4:]
        kept = np.flatnonzero(scores.max(axis=0) > threshold)
        scores = scores[:, kept]
        return Instances.of(_corners(boxes[:, kept].T), scores.max(axis=0), scores.argmax(axis=0))


@dataclass(frozen=True, slots=True)
class YoloObjectness(Decoder):
    """Raw output of YOLOv5, 6 and 7: [1, candidates, 5 + classes]. Follow it with `nms`.

    The fifth value says how sure the model is that there is any object at all.
    """

    output: str | None = None
    """The output's name. Default: the only one with three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "YoloObjectness":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(3,), role="[1, candidates, 5 + classes]")
        _refuse_other_task(signature, tensor, extra=())
        rows, columns = tensor.shape[1], tensor.shape[2]
        if rows is not None and columns is not None and rows < columns and rows > 4:
            raise BadModel(
                f"the output {tensor} has candidates in columns; `yolo_objectness` decodes "
                "candidates in rows",
                hint="`yolo` is for [1, 4 + classes, candidates] (v8, 9, 11, 12)",
            )
        if columns is not None:
            classes.check(
                columns - 5,
                f"{tensor}: {columns} columns = 5 for box and objectness + {columns - 5}",
            )
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], size: Size, threshold: float) -> Instances:
        """Take the best class of each candidate; its score is objectness x class score."""
        rows = _output(outputs, self.output)
        if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] < 6:
            raise BadModel(
                f"`yolo_objectness` decodes [1, candidates, 5 + classes], got {list(rows.shape)}",
                where="output",
            )
        sure = rows[0, rows[0, :, 4] > threshold]
        scores = sure[:, 5:] * sure[:, 4:5]
        best = scores.max(axis=1, initial=0)
        kept = best > threshold
        return Instances.of(_corners(sure[kept, :4]), best[kept], scores[kept].argmax(axis=1))


@dataclass(frozen=True, slots=True)
class YoloEnd2end(Decoder):
    """Finished rows, one a detection: YOLOv10, YOLO26, exports with NMS inside. No `nms` after it.

    [1, rows, 6 or more] holds x1, y1, x2, y2, score, class, ...; [rows, 7], as YOLOv7 exports it,
    holds image, x1, y1, x2, y2, class, score.
    """

    output: str | None = None
    """The output's name. Default: the only one with two or three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "YoloEnd2end":
        """See Decoder.bind."""
        tensor = signature.output(
            self.output, rank=(2, 3), role="[1, rows, 6] or [rows, 7] of finished detections"
        )
        _refuse_other_task(signature, tensor, extra=("segment", "pose"))
        columns = tensor.shape[-1]
        wrong = columns is not None and (columns != 7 if len(tensor.shape) == 2 else columns < 6)
        if wrong:
            raise BadModel(
                f"the output {tensor} does not hold finished detections",
                where="output",
                allowed="[1, rows, 6 or more] or [rows, 7]",
                hint="raw outputs are decoded by `yolo` or `yolo_objectness`, followed by `nms`",
            )
        if columns is not None and len(tensor.shape) == 3:
            rows = tensor.shape[1] or 0
            # No finished head has more rows than these; a raw one has thousands of candidates,
            # or as many rows as there are values for each of them.
            if rows > 1000 or (columns > rows and rows == 4 + classes.least):
                right = "yolo_objectness" if rows > columns else "yolo"
                raise BadModel(
                    f"the output {tensor} is a raw head, not finished detections",
                    where="output",
                    allowed="[1, rows, 6 or more] or [rows, 7]",
                    hint=f"decode it with `{right}`, followed by `nms`",
                )
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], size: Size, threshold: float) -> Instances:
        """Take the rows whose score exceeds the threshold; padding rows have score 0."""
        rows = _output(outputs, self.output)
        if rows.ndim == 3 and rows.shape[0] == 1 and rows.shape[2] >= 6:
            boxes, scores, classes = rows[0, :, :4], rows[0, :, 4], rows[0, :, 5]
        elif rows.ndim == 2 and rows.shape[1] == 7:
            boxes, scores, classes = rows[:, 1:5], rows[:, 6], rows[:, 5]
        else:
            raise BadModel(
                f"`yolo_end2end` decodes [1, rows, 6 or more] or [rows, 7], got {list(rows.shape)}",
                where="output",
            )
        kept = scores > threshold
        return Instances.of(boxes[kept], scores[kept], classes[kept])
