"""Finished rows of YOLO models that do their own suppression: no `nms` after them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, take
from runtimes.decoders.yolo import KeypointShape, keypoint_shape, keypoints_of
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import PrototypeMasks
from runtimes.rotated import bounds
from runtimes.signature import Signature, Tensor
from runtimes.step import Capability, Decoder
from runtimes.view import View

_MOST_ROWS = 1000
"""No finished head has more rows; a raw one has thousands of candidates."""


def _bind_rows(name: str | None, signature: Signature, task: str, columns: int | None) -> Tensor:
    """The output with [1, rows, columns].

    Raises:
        BadModel: it is of another task or layout.
    """
    tensor = signature.output(name, rank=(3,), role="[1, rows, values] of finished detections")
    check_task(signature, tensor, task)
    if len(tensor.shape) != 3 or (columns is not None and tensor.shape[2] not in (columns, None)):
        raise BadModel(
            f"the output {tensor} does not hold finished detections of {columns or 'some'} values",
            where="output",
            allowed=f"[1, rows, {columns or 'values'}]",
            fault=Fault.OUTPUT_LAYOUT,
        )
    return tensor


def _above(rows: Array, columns: int, threshold: float, step: str) -> Array:
    """The rows, (M, columns), whose score (the fifth value) exceeds the threshold.

    Padding rows have score 0.

    Raises:
        BadModel: `rows` is not [1, rows, columns].
    """
    if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[2] != columns:
        raise BadModel(
            f"`{step}` decodes [1, rows, {columns}], got {list(rows.shape)}", where="output"
        )
    return np.asarray(rows[0, rows[0, :, 4] > threshold])


@dataclass(frozen=True, slots=True)
class YoloEnd2end(Decoder):
    """Finished rows, one a detection: YOLOv10, YOLO26, exports with NMS inside. No `nms` after it.

    [1, rows, 6 or more] holds x1, y1, x2, y2, score, class, ...; [rows, 7], as YOLOv7 exports it,
    holds image, x1, y1, x2, y2, class, score. CenterNet with its decoding inside is the same.

    Example:
        - yolo_end2end: output0
    """

    output: str | None = None
    """The output's name. Default: the only one with two or three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "YoloEnd2end":
        """See Decoder.bind."""
        tensor = signature.output(
            self.output, rank=(2, 3), role="[1, rows, 6] or [rows, 7] of finished detections"
        )
        task = signature.metadata.get("task", "detect")
        # Masks and keypoints come after the class, so they can be left alone; an angle cannot.
        check_task(signature, tensor, task if task in ("segment", "pose") else "detect")
        columns = tensor.shape[-1]
        wrong = columns is not None and (columns != 7 if len(tensor.shape) == 2 else columns < 6)
        if wrong:
            raise BadModel(
                f"the output {tensor} does not hold finished detections",
                where="output",
                allowed="[1, rows, 6 or more] or [rows, 7]",
                hint="raw outputs are decoded by `yolo` or `yolo_objectness`, followed by `nms`",
                fault=Fault.OUTPUT_LAYOUT,
            )
        if columns is not None and len(tensor.shape) == 3:
            rows = tensor.shape[1] or 0
            # A raw head of v8 has as many rows as there are values for each candidate.
            if rows > _MOST_ROWS or (columns > rows and rows == 4 + classes.least):
                right = "yolo_objectness" if rows > columns else "yolo"
                raise BadModel(
                    f"the output {tensor} is a raw head, not finished detections",
                    where="output",
                    allowed="[1, rows, 6 or more] or [rows, 7]",
                    hint=f"decode it with `{right}`, followed by `nms`",
                    fault=Fault.OUTPUT_LAYOUT,
                )
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """Take the rows whose score exceeds the threshold; padding rows have score 0."""
        rows = take(outputs, self.output)
        if rows.ndim == 3 and rows.shape[0] == 1 and rows.shape[2] >= 6:
            boxes, scores, classes = rows[0, :, :4], rows[0, :, 4], rows[0, :, 5]
        elif rows.ndim == 2 and rows.shape[1] == 7:
            boxes, scores, classes = rows[:, 1:5], rows[:, 6], rows[:, 5]
        else:
            raise BadModel(
                f"`yolo_end2end` decodes [1, rows, 6 or more] or [rows, 7], got {list(rows.shape)}",
                where="output",
            )
        kept = np.flatnonzero(scores > threshold)
        return Instances.of(boxes[kept], scores[kept], classes[kept], rows=kept)


@dataclass(frozen=True, slots=True)
class YoloEnd2endSegment(Decoder):
    """Finished rows with mask coefficients, and prototypes: no `nms` after it.

    [1, rows, 6 + 32]: x1, y1, x2, y2, score, class, coefficients; and [1, 32, height / 4,
    width / 4].

    Example:
        - yolo_end2end_segment: {output: output0, prototypes: output1}
    """

    output: str | None = None
    """The name of the output with the rows. Default: the only one with three axes."""
    prototypes: str | None = None
    """The name of the output with the prototypes. Default: the only one with four axes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "YoloEnd2endSegment":
        """See Decoder.bind."""
        maps = signature.output(self.prototypes, rank=(4,), role="[1, 32, height, width]")
        columns = None if maps.shape[1] is None else 6 + maps.shape[1]
        tensor = _bind_rows(self.output, signature, "segment", columns)
        return replace(self, output=tensor.name, prototypes=maps.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        maps = take(outputs, self.prototypes)[0]
        rows = _above(take(outputs, self.output), 6 + len(maps), threshold, self.name())
        masks = PrototypeMasks.over(rows[:, 6:], maps, view.input)
        return Instances.of(rows[:, :4], rows[:, 4], rows[:, 5], masks=masks)


@dataclass(frozen=True, slots=True)
class YoloEnd2endPose(Decoder):
    """Finished rows with keypoints: [1, rows, 6 + keypoints * values]. No `nms` after it.

    Example:
        - yolo_end2end_pose: {kpt_shape: [17, 3]}
    """

    output: str | None = None
    """The output's name. Default: the only one with three axes."""
    kpt_shape: KeypointShape | None = None
    """How many keypoints, and how many values each has: 2 (x, y) or 3 (x, y, visible). Default:
    what the model's metadata say."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    @property
    def keypoint_count(self) -> int | None:
        """See Decoder.keypoint_count."""
        return self.kpt_shape[0] if self.kpt_shape else None

    def bind(self, signature: Signature, classes: Classes) -> "YoloEnd2endPose":
        """See Decoder.bind."""
        tensor = _bind_rows(self.output, signature, "pose", None)
        values = None if tensor.shape[2] is None else tensor.shape[2] - 6
        shape = keypoint_shape(self.kpt_shape, signature, values)
        return replace(self, output=tensor.name, kpt_shape=shape)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        shape = self.kpt_shape or (0, 0)
        columns = 6 + shape[0] * shape[1]
        rows = _above(take(outputs, self.output), columns, threshold, self.name())
        points = keypoints_of(rows[:, 6:], shape)
        return Instances.of(rows[:, :4], rows[:, 4], rows[:, 5], keypoints=points)


@dataclass(frozen=True, slots=True)
class YoloEnd2endObb(Decoder):
    """Finished oriented boxes: [1, rows, 7]. No `nms` after it.

    A row is centre x, centre y, width, height, score, class, angle.

    Example:
        - yolo_end2end_obb
    """

    output: str | None = None
    """The output's name. Default: the only one with three axes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "YoloEnd2endObb":
        """See Decoder.bind."""
        return replace(self, output=_bind_rows(self.output, signature, "obb", 7).name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        rows = _above(take(outputs, self.output), 7, threshold, self.name())
        rotated = np.concatenate([rows[:, :4], rows[:, 6:]], axis=1)
        return Instances.of(bounds(rotated), rows[:, 4], rows[:, 5], rotated=rotated)
