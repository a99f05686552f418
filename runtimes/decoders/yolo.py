"""Raw output of YOLOv8 and later versions: boxes, masks, keypoints, oriented boxes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, corners, exceeding, take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.masks import PrototypeMasks
from runtimes.rotated import bounds
from runtimes.signature import Signature, Tensor
from runtimes.step import Capability, Count, Decoder
from runtimes.view import View

KeypointShape = tuple[Count, Count]
"""The number of keypoints, and of values per keypoint: 2 (x, y) or 3 (x, y, confidence)."""


def keypoint_shape(
    given: KeypointShape | None, signature: Signature, values: int | None
) -> KeypointShape:
    """Return the shape of the keypoints: the manifest's, otherwise the metadata's.

    Args:
        given: from the manifest.
        signature: the model's.
        values: the number of values that the output has for keypoints, or None if it is not known.

    Raises:
        BadModel: the shape is not known, or does not fit the output.
    """
    if given is None:
        text = signature.metadata.get("kpt_shape", "")
        written = re.fullmatch(r"[\[(]\s*([1-9][0-9]{0,3})\s*,\s*([23])\s*[\])]", text)
        if written is None:
            raise BadModel(
                "the number of keypoints is not in the model's metadata",
                where="kpt_shape",
                allowed="[number of keypoints, values per keypoint: 2 or 3]",
                hint="add `kpt_shape: [17, 3]`, with the model's own numbers",
                fault=Fault.KEYPOINT_COUNT,
            )
        given = (int(written[1]), int(written[2]))
    count, each = given
    if each not in (2, 3) or values not in (None, count * each):
        room = "" if values is None else f"; the output has {values} values for keypoints"
        raise BadModel(
            f"{count} keypoints with {each} values each do not fit the model{room}",
            where="kpt_shape",
            found=str(list(given)),
            allowed="as many values as the model has, 2 (x, y) or 3 (x, y, confidence) each",
            fault=Fault.KEYPOINT_COUNT,
        )
    return given


def as_keypoints(values: Array, shape: KeypointShape) -> Array:
    """Reshape (N, K * D) values to (N, K, 3); the confidence is 1 if D is 2."""
    points = values.reshape(len(values), *shape)
    if shape[1] == 2:
        points = np.concatenate([points, np.ones_like(points[..., :1])], axis=2)
    return points


def _bind_rows(
    name: str | None, signature: Signature, classes: Classes, task: str, step: str
) -> tuple[Tensor, int | None]:
    """Return the output of a raw head and its number of values per candidate, if it is known.

    Raises:
        BadModel: the output has another layout or task.
    """
    tensor = signature.output(name, rank=(3,), role="[1, 4 + classes + ..., candidates]")
    check_task(signature, tensor, task)
    if len(tensor.shape) != 3:
        raise BadModel(
            f"the output {tensor} does not hold candidates of `{step}`",
            where="output",
            allowed="an output with 3 axes",
            fault=Fault.OUTPUT_LAYOUT,
        )
    rows, columns = tensor.shape[1], tensor.shape[2]
    many_classes = rows == 4 + classes.least
    if rows is not None and columns is not None and 4 < columns < rows and not many_classes:
        raise BadModel(
            f"the output {tensor} has candidates in rows; `{step}` decodes candidates in columns",
            hint="`yolo_objectness` is for [1, candidates, 5 + classes] (v5, v6, v7), "
            "`yolo_end2end` for [1, 300, 6] (v10, 26, exports with nms=True)",
            fault=Fault.OUTPUT_LAYOUT,
        )
    return tensor, rows


def _check_classes(
    classes: Classes, tensor: Tensor, rows: int | None, extra: int, what: str
) -> None:
    """Compare the number of classes, `rows` without the box and `extra` values, with the labels.

    Args:
        classes: of the labels.
        tensor: the output.
        rows: its number of values per candidate, if it is known.
        extra: the number of values per candidate besides box and classes.
        what: the meaning of those values, for messages.

    Raises:
        BadModel: the numbers differ.
    """
    if rows is not None:
        beside = f" + {extra} {what}" if extra else ""
        if rows <= 4 + extra:
            raise BadModel(
                f"the output {tensor} has {rows} channels, and none is left for classes: 4 for the "
                f"box{beside}",
                where="output",
                found=f"{rows} channels",
                allowed=f"{5 + extra} channels or more",
                hint="check that the step fits the model",
                fault=Fault.OUTPUT_LAYOUT,
            )
        classes.check(
            rows - 4 - extra,
            f"{tensor}: {rows} channels = 4 for the box{beside} + {rows - 4 - extra}",
        )


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Candidates above the threshold.

    Attributes:
        boxes: (M, 4) center x, center y, width, height, pixels of the model's input.
        scores: (M,).
        classes: (M,).
        extras: (M, E) further values of the head.
    """

    boxes: Array
    scores: Array
    classes: Array
    extras: Array


def _candidates(rows: Array, extra: int, threshold: float, step: str) -> _Candidates:
    """Return the candidates whose highest class score exceeds the threshold.

    Args:
        rows: (1, 4 + classes + extra, N).
        extra: the number of values after the classes of each candidate.
        threshold: 0..1.
        step: the step's name, for the message.

    Raises:
        BadModel: `rows` has another shape.
    """
    if rows.ndim != 3 or rows.shape[0] != 1 or rows.shape[1] < 5 + extra:
        layout = f"[1, 4 + classes{f' + {extra}' if extra else ''}, candidates]"
        raise BadModel(f"`{step}` decodes {layout}, got {list(rows.shape)}", where="output")
    end = rows.shape[1] - extra
    scores = rows[0, 4:end]
    # All scores are compared with the threshold, everything else is for the few that are kept.
    kept = np.flatnonzero(exceeding(scores, threshold).any(axis=0))
    scores = scores[:, kept]
    return _Candidates(
        rows[0, :4, kept], scores.max(axis=0), scores.argmax(axis=0), rows[0, end:, kept]
    )


@dataclass(frozen=True, slots=True)
class Yolo(Decoder):
    """Raw output of YOLOv8, 9, 11 and 12: [1, 4 + classes, candidates]. Follow it with `nms`.

    v10 and 26 have the same output if they are exported without their end-to-end head.

    Example:
        - yolo: output0
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""

    def bind(self, signature: Signature, classes: Classes) -> "Yolo":
        """See Decoder.bind."""
        tensor, rows = _bind_rows(self.output, signature, classes, "detect", self.name())
        _check_classes(classes, tensor, rows, 0, "")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        found = _candidates(take(outputs, self.output), 0, threshold, self.name())
        return Instances.of(corners(found.boxes), found.scores, found.classes)


@dataclass(frozen=True, slots=True)
class YoloSegment(Decoder):
    """Raw output of YOLO instance segmentation. Follow it with `nms`.

    Boxes with mask coefficients, [1, 4 + classes + 32, candidates], and mask prototypes,
    [1, 32, height / 4, width / 4].

    Example:
        - yolo_segment: {output: output0, prototypes: output1}
    """

    output: str | None = None
    """Name of the output with the boxes. Default: the only output with three axes."""
    prototypes: str | None = None
    """Name of the output with the prototypes. Default: the only output with four axes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "YoloSegment":
        """See Decoder.bind."""
        tensor, rows = _bind_rows(self.output, signature, classes, "segment", self.name())
        maps = signature.output(self.prototypes, rank=(4,), role="[1, 32, height, width]")
        if maps.shape[1] is not None:
            _check_classes(classes, tensor, rows, maps.shape[1], "mask coefficients")
        return replace(self, output=tensor.name, prototypes=maps.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        maps = take(outputs, self.prototypes)[0]
        rows = take(outputs, self.output)
        found = _candidates(rows, len(maps), threshold, self.name())
        masks = PrototypeMasks.over(found.extras, maps, view.input)
        return Instances.of(corners(found.boxes), found.scores, found.classes, masks=masks)


@dataclass(frozen=True, slots=True)
class YoloPose(Decoder):
    """Raw output of YOLO pose. Follow it with `nms`.

    The output is [1, 4 + classes + keypoints * values, candidates].

    Example:
        - yolo_pose: {kpt_shape: [17, 3]}
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

    def bind(self, signature: Signature, classes: Classes) -> "YoloPose":
        """See Decoder.bind."""
        tensor, rows = _bind_rows(self.output, signature, classes, "pose", self.name())
        shape = keypoint_shape(self.kpt_shape, signature, None)
        _check_classes(classes, tensor, rows, shape[0] * shape[1], "for keypoints")
        return replace(self, output=tensor.name, kpt_shape=shape)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        shape = self.kpt_shape or (0, 0)
        rows = take(outputs, self.output)
        found = _candidates(rows, shape[0] * shape[1], threshold, self.name())
        points = as_keypoints(found.extras, shape)
        return Instances.of(corners(found.boxes), found.scores, found.classes, keypoints=points)


@dataclass(frozen=True, slots=True)
class YoloObb(Decoder):
    """Raw output of YOLO OBB (oriented boxes). Follow it with `nms`.

    The output is [1, 4 + classes + 1, candidates]; the last value is the angle.

    Example:
        - yolo_obb
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "YoloObb":
        """See Decoder.bind."""
        tensor, rows = _bind_rows(self.output, signature, classes, "obb", self.name())
        _check_classes(classes, tensor, rows, 1, "for the angle")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        found = _candidates(take(outputs, self.output), 1, threshold, self.name())
        rotated = np.concatenate([found.boxes, found.extras], axis=1)
        return Instances.of(bounds(rotated), found.scores, found.classes, rotated=rotated)
