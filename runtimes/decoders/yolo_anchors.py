"""Raw output of YOLOv3, YOLOv4 and YOLOv5 without anchor decoding."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, sigmoid, span_outside_unit, take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder, Positive
from runtimes.view import View

Anchor: TypeAlias = tuple[Positive, Positive]
"""Width and height of an anchor box, in pixels of the model's input."""

_BOX = 5
"""Number of values of a candidate before its classes: x, y, width, height, objectness."""


@dataclass(frozen=True, slots=True)
class YoloAnchors(Decoder):
    """Raw output of YOLOv3, YOLOv4 and YOLOv5: one output per stride. Follow it with `nms`.

    An output is [1, A * (5 + classes), h, w], [1, h, w, A * (5 + classes)],
    [1, A, h, w, 5 + classes] or [1, h, w, A, 5 + classes], with A anchors per cell. Outputs are
    matched to anchors by the size of their grids. For models that decode the boxes in the graph,
    use `yolo_objectness`. Sources: Redmon and Farhadi, "YOLOv3: An Incremental Improvement", 2018;
    Bochkovskiy et al., "YOLOv4: Optimal Speed and Accuracy of Object Detection", 2020;
    github.com/AlexeyAB/darknet and github.com/ultralytics/yolov5.

    Example:
        - yolo_anchors:   # YOLOv4
            anchors:
              - [[12, 16], [19, 36], [40, 28]]
              - [[36, 75], [76, 55], [72, 146]]
              - [[142, 110], [192, 243], [459, 401]]
            scale_xy: [1.2, 1.1, 1.05]
    """

    outputs: tuple[str, ...] | None = None
    """Names of the outputs, in any order. Default: all outputs with four or five axes."""
    anchors: tuple[tuple[Anchor, ...], ...] = (
        ((10, 13), (16, 30), (33, 23)),
        ((30, 61), (62, 45), (59, 119)),
        ((116, 90), (156, 198), (373, 326)),
    )
    """Width and height of each anchor in pixels of the model's input: one list of pairs per stride,
    smallest stride first. Default: the anchors of YOLOv3 and YOLOv5 for COCO; YOLOv4 has others."""
    form: Literal["v3", "v5"] = "v3"
    """Formula of the box, with the sigmoid s. `v3` (also YOLOv4): x = (s(x) + cell) * stride and
    width = exp(width) * anchor. `v5`: x = (2 s(x) - 0.5 + cell) * stride and width =
    (2 s(width))^2 * anchor."""
    scale_xy: tuple[Positive, ...] | None = None
    """Scale k of x and y, one number per stride, smallest stride first: x = (k s(x) - (k - 1) / 2 +
    cell) * stride. Darknet's `scale_x_y`: [1.2, 1.1, 1.05] for YOLOv4. Default: 1 for `v3`, 2 for
    `v5`."""
    activated: bool = False
    """Whether the sigmoid of x, y, objectness and classes (`v5`: also of width and height) is in
    the graph."""

    def bind(self, signature: Signature, classes: Classes) -> "YoloAnchors":
        """See Decoder.bind."""
        each = self._check_fields()
        tensors = self._heads(signature)
        for tensor in tensors:
            check_task(signature, tensor, "detect")
            counts = _class_counts(tensor.shape, each)
            if not counts:
                raise BadModel(
                    f"the output {tensor} does not hold candidates of {each} anchors",
                    where="outputs",
                    allowed=_layouts(each),
                    hint="set `anchors` to the model's anchors",
                    fault=Fault.OUTPUT_LAYOUT,
                )
            known = [count for count in counts if count is not None]
            if len(known) == len(counts):
                found = classes.least if classes.least in known else max(known)
                counted = f"{each} anchors x (5 for box and objectness + {found})"
                classes.check(found, f"{tensor}: {each * (_BOX + found)} values a cell = {counted}")
        return replace(self, outputs=tuple(tensor.name for tensor in tensors))

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The score is objectness times the highest class score."""
        given = [take(outputs, name) for name in self.outputs or ()]
        if len(given) != len(self.anchors):
            raise BadModel(
                f"{len(given)} outputs cannot be matched to the anchors of {len(self.anchors)} "
                "strides",
                where="outputs",
            )
        heads = [_by_anchor(values, len(self.anchors[0]), view.input) for values in given]
        heads.sort(key=lambda head: -head.shape[1])
        reach = self.scale_xy or (1.0 if self.form == "v3" else 2.0,) * len(heads)
        parts = [
            self._decode(head, np.array(anchors), scale, view.input[0] // head.shape[1], threshold)
            for head, anchors, scale in zip(heads, self.anchors, reach, strict=True)
        ]
        boxes, scores, numbers = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Instances.of(boxes, scores, numbers)

    def _check_fields(self) -> int:
        """Return the number of anchors per cell.

        Raises:
            BadModel: it is 0 or differs between strides, or `scale_xy` has another length.
        """
        counts = [len(of_stride) for of_stride in self.anchors]
        if not counts or not counts[0] or len(set(counts)) > 1:
            raise BadModel(
                "each stride needs the same number of anchors, and at least one",
                where="anchors",
                found=f"{counts} anchors" if counts else "no strides",
                allowed="such as [[[10, 14], [23, 27], [37, 58]], [[81, 82], [135, 169], "
                "[344, 319]]]",
                fault=Fault.STRIDES,
            )
        if self.scale_xy is not None and len(self.scale_xy) != len(counts):
            raise BadModel(
                f"{len(self.scale_xy)} numbers are given for {len(counts)} strides",
                where="scale_xy",
                found=str(list(self.scale_xy)),
                allowed=f"{len(counts)} numbers, one for each list of `anchors`",
                fault=Fault.STRIDES,
            )
        return counts[0]

    def _heads(self, signature: Signature) -> list[Tensor]:
        """Return the outputs, one for each stride.

        Raises:
            BadModel: the number of outputs differs from that of strides, or a name is wrong.
        """
        if self.outputs is None:
            found = [tensor for tensor in signature.outputs if len(tensor.shape) in (4, 5)]
        else:
            found = [signature.output(name, rank=(4, 5), role="") for name in self.outputs]
        if len(found) != len(self.anchors) or len({tensor.name for tensor in found}) != len(found):
            raise BadModel(
                f"{len(found)} outputs could hold candidates; one for each of the "
                f"{len(self.anchors)} strides of `anchors` is needed",
                where="outputs",
                found=", ".join(str(tensor) for tensor in signature.outputs),
                allowed=f"{len(self.anchors)} outputs {_layouts(len(self.anchors[0]))}",
                hint="give the model's `anchors`, or name the outputs: `outputs: [NAME, ...]`; "
                "`yolo_objectness` is for [1, candidates, 5 + classes]",
                fault=Fault.OUTPUT_MISSING,
            )
        return found

    def _decode(
        self, head: Array, anchors: Array, scale: float, stride: int, threshold: float
    ) -> tuple[Array, Array, Array]:
        """Return boxes (M, 4), scores (M,) and classes (M,) of one stride.

        Args:
            head: (A, h, w, 5 + classes).
            anchors: (A, 2) widths and heights.
            scale: the scale of x and y; see `scale_xy`.
            stride: the size of a cell in pixels of the input.
            threshold: 0..1.

        Raises:
            BadModel: `activated` is set and the objectness is not in 0..1.
        """
        # The threshold is rounded to the precision of the scores.
        limit = np.float32(head.dtype.type(threshold) if self.activated else threshold)
        objectness = self._probability(head[..., 4])
        if self.activated:
            _check_probabilities(objectness)
        place = np.nonzero(objectness > limit)
        values = head[place]
        with np.errstate(invalid="ignore"):  # infinity times 0 is NaN, which exceeds no threshold
            scores = self._probability(values[:, _BOX:]) * objectness[place][:, None]
        best = scores.max(axis=1)
        kept = best > limit
        anchor, row, column = (numbers[kept] for numbers in place)
        middle = self._probability(values[kept, :2]).astype(np.float64)
        cells = np.stack([column, row], axis=1)
        with np.errstate(over="ignore", invalid="ignore"):  # Instances.of drops what overflows
            center = (scale * middle - (scale - 1) / 2 + cells) * stride
            if self.form == "v3":
                factor = np.exp(values[kept, 2:4].astype(np.float64))
            else:
                factor = (2 * self._probability(values[kept, 2:4]).astype(np.float64)) ** 2
            half = factor * anchors[anchor] / 2
            boxes = np.concatenate([center - half, center + half], axis=1)
        return boxes, best[kept], scores[kept].argmax(axis=1)

    def _probability(self, values: Array) -> Array:
        """Return probabilities as float32, applying the sigmoid if it is not in the graph."""
        return values.astype(np.float32) if self.activated else sigmoid(values)


def _layouts(each: int) -> str:
    """Return the possible layouts of an output with `each` anchors per cell, for messages."""
    return (
        f"[1, {each} * (5 + classes), h, w], [1, h, w, {each} * (5 + classes)], "
        f"[1, {each}, h, w, 5 + classes] or [1, h, w, {each}, 5 + classes]"
    )


def _class_counts(shape: tuple[int | None, ...], each: int) -> list[int | None]:
    """Return the number of classes in each possible layout of an output; None if not known."""
    if len(shape) not in (4, 5) or shape[0] not in (1, None):
        return []
    if len(shape) == 5:
        values = shape[4]
        if each not in (shape[1], shape[3]) and None not in (shape[1], shape[3]):
            return []
        found = [None if values is None else values - _BOX]
    else:
        found = [
            None if channels is None else channels // each - _BOX
            for channels in (shape[1], shape[3])
            if channels is None or channels % each == 0
        ]
    return [count for count in found if count is None or count > 0]


def _by_anchor(values: Array, each: int, size: Size) -> Array:
    """Return an output as (A, h, w, 5 + classes), without a copy if possible.

    If its shape allows several layouts, the one with square cells that fill the model's input of
    `size` is used.

    Raises:
        BadModel: no layout fits.
    """
    shape = values.shape
    options: list[Array] = []
    if values.ndim == 5 and shape[0] == 1 and shape[4] > _BOX:
        if shape[1] == each:
            options.append(values[0])
        if shape[3] == each:
            options.append(values[0].transpose(2, 0, 1, 3))
    elif values.ndim == 4 and shape[0] == 1:
        _, first, middle, last = shape
        if first % each == 0 and first // each > _BOX:
            split = values.reshape(each, first // each, middle, last)
            options.append(split.transpose(0, 2, 3, 1))
        if last % each == 0 and last // each > _BOX:
            split = values.reshape(first, middle, each, last // each)
            options.append(split.transpose(2, 0, 1, 3))
    if not options:
        raise BadModel(
            f"`yolo_anchors` decodes {_layouts(each)}, got {list(shape)}", where="outputs"
        )
    for option in options:
        _, height, width, _ = option.shape
        stride = size[0] // height if height else 0
        if stride and (height * stride, width * stride) == size:
            return option
    _, height, width, _ = options[0].shape
    raise BadModel(
        f"a grid of {height}x{width} cells does not divide the model's input of {size[0]}x{size[1]}"
        " into squares",
        where="outputs",
        found=str(list(shape)),
        allowed=_layouts(each),
    )


def _check_probabilities(values: Array) -> None:
    """Check that objectness is in 0..1.

    Raises:
        BadModel: it is not.
    """
    span = span_outside_unit(values)
    if span:
        raise BadModel(
            "the model's values are not probabilities, which `yolo_anchors` expects",
            where="activated",
            found=f"objectness {span}",
            allowed="values from 0 to 1",
            hint="remove `activated` if the sigmoid is not in the graph",
        )
