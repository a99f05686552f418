"""Output of YOLO models with an end-to-end head or with NMS in the graph."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, take
from runtimes.decoders.yolo import KeypointShape, as_keypoints, keypoint_shape
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import PrototypeMasks
from runtimes.rotated import bounds
from runtimes.signature import Signature, Tensor
from runtimes.step import Capability, Decoder
from runtimes.view import View

_MOST_ROWS = 1000
"""Maximum number of rows of an end-to-end head; raw heads have thousands of candidates."""


def _bind_rows(name: str | None, signature: Signature, task: str, columns: int | None) -> Tensor:
    """Return the output with [1, rows, columns].

    Raises:
        BadModel: it has another task or layout.
    """
    tensor = signature.output(name, rank=(3,), role="[1, rows, values] of final detections")
    check_task(signature, tensor, task)
    if len(tensor.shape) != 3 or (columns is not None and tensor.shape[2] not in (columns, None)):
        raise BadModel(
            f"the output {tensor} does not hold final detections of {columns or 'some'} values",
            where="output",
            allowed=f"[1, rows, {columns or 'values'}]",
            fault=Fault.OUTPUT_LAYOUT,
        )
    return tensor


def _above(rows: Array, columns: int, threshold: float, step: str) -> Array:
    """Return the rows, (M, columns), whose score (the fifth value) exceeds the threshold.

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
    """Final detections: YOLOv10, YOLO26, and exports with NMS in the graph. Needs no `nms`.

    A row of [1, rows, 6 or more] is x1, y1, x2, y2, score, class, ...; a row of [rows, 7], from
    YOLOv7, is image, x1, y1, x2, y2, class, score. CenterNet with decoding in the graph has the
    same output.

    Example:
        - yolo_end2end: output0
    """

    output: str | None = None
    """Name of the output. Default: the only output with two or three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "YoloEnd2end":
        """See Decoder.bind."""
        tensor = signature.output(
            self.output, rank=(2, 3), role="[1, rows, 6] or [rows, 7] of final detections"
        )
        task = signature.metadata.get("task", "detect")
        # Mask coefficients and keypoints follow the class and can be ignored; an angle cannot.
        check_task(signature, tensor, task if task in ("segment", "pose") else "detect")
        columns = tensor.shape[-1]
        wrong = columns is not None and (columns != 7 if len(tensor.shape) == 2 else columns < 6)
        if wrong:
            raise BadModel(
                f"the output {tensor} does not hold final detections",
                where="output",
                allowed="[1, rows, 6 or more] or [rows, 7]",
                hint="for raw outputs, use `yolo` or `yolo_objectness`, followed by `nms`",
                fault=Fault.OUTPUT_LAYOUT,
            )
        if len(tensor.shape) == 2 and "flat_predictions" in tensor.name:
            raise BadModel(
                f"the rows of SuperGradients' {tensor} end in score and class, not in class and "
                "score",
                where="output",
                allowed="[1, rows, 6 or more] or [rows, 7]",
                hint="use `detection_rows: [image, x1, y1, x2, y2, score, class]`",
                fault=Fault.OUTPUT_LAYOUT,
            )
        if columns is not None and len(tensor.shape) == 3:
            rows = tensor.shape[1] or 0
            # A raw head of YOLOv8 has one row per value of a candidate.
            if rows > _MOST_ROWS or (columns > rows and rows == 4 + classes.least):
                right = "yolo_objectness" if rows > columns else "yolo"
                raise BadModel(
                    f"the output {tensor} holds raw candidates, not final detections",
                    where="output",
                    allowed="[1, rows, 6 or more] or [rows, 7]",
                    hint=f"use `{right}`, followed by `nms`",
                    fault=Fault.OUTPUT_LAYOUT,
                )
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. Padding rows have score 0."""
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
    """Final detections with masks. Needs no `nms`.

    A row of [1, rows, 6 + 32] is x1, y1, x2, y2, score, class, 32 mask coefficients. The mask
    prototypes are [1, 32, height / 4, width / 4].

    Example:
        - yolo_end2end_segment: {output: output0, prototypes: output1}
    """

    output: str | None = None
    """Name of the output with the rows. Default: the only output with three axes."""
    prototypes: str | None = None
    """Name of the output with the prototypes. Default: the only output with four axes."""

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
    """Final detections with keypoints. Needs no `nms`.

    A row of [1, rows, 6 + keypoints * values] is x1, y1, x2, y2, score, class, keypoints.

    Example:
        - yolo_end2end_pose: {kpt_shape: [17, 3]}
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""
    kpt_shape: KeypointShape | None = None
    """Number of keypoints, and of values per keypoint: 2 (x, y) or 3 (x, y, confidence). Default:
    read from the model's metadata."""

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
        points = as_keypoints(rows[:, 6:], shape)
        return Instances.of(rows[:, :4], rows[:, 4], rows[:, 5], keypoints=points)


@dataclass(frozen=True, slots=True)
class YoloEnd2endObb(Decoder):
    """Final oriented boxes. Needs no `nms`.

    A row of [1, rows, 7] is center x, center y, width, height, score, class, angle.

    Example:
        - yolo_end2end_obb
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "YoloEnd2endObb":
        """See Decoder.bind."""
        return replace(self, output=_bind_rows(self.output, signature, "obb", 7).name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        rows = _above(take(outputs, self.output), 7, threshold, self.name())
        rotated = np.concatenate([rows[:, :4], rows[:, 6:]], axis=1)
        return Instances.of(bounds(rotated), rows[:, 4], rows[:, 5], rotated=rotated)
