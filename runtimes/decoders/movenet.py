"""MoveNet: keypoints of one person, or of up to six people."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.heatmap import one_pose
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Capability, Decoder, Fraction
from runtimes.view import View

_BOX = 5
"""Number of values after a person's keypoints: ymin, xmin, ymax, xmax, score."""


@dataclass(frozen=True, slots=True)
class Movenet(Decoder):
    """MoveNet SinglePose: [1, 1, 17, 3] of y, x, confidence in 0..1 of the model's input.

    The result is one instance of class 0. Source: tfhub.dev/google/movenet/singlepose.

    Example:
        - movenet: {visible: 0.2}
    """

    output: str | None = None
    """Name of the output. Default: the only output with four axes."""
    visible: Fraction = 0.3
    """Confidence above which a keypoint is included in the instance's box."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Movenet":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(4,), role="[1, 1, 17, 3]")
        shape = tensor.shape
        if len(shape) != 4 or {shape[0], shape[1]} - {1, None} or shape[3] not in (3, None):
            raise BadModel(
                f"the output {tensor} does not hold the keypoints of one person",
                where="output",
                allowed="[1, 1, keypoints, 3]",
                hint="use `movenet_multi` for [1, 6, 56], `heatmap` for [1, keypoints, h, w]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        classes.check(1, f"{tensor}: one person")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        values = take(outputs, self.output)
        if values.ndim != 4 or values.shape[:2] != (1, 1) or values.shape[3] != 3:
            raise BadModel(
                f"`{self.name()}` decodes [1, 1, keypoints, 3], got {list(values.shape)}",
                where="output",
            )
        if not values.size:
            raise BadModel("the output has no keypoints", where="output")
        return one_pose(_points(values[0], view)[0], self.visible, threshold)


@dataclass(frozen=True, slots=True)
class MovenetMulti(Decoder):
    """MoveNet MultiPose: [1, 6, 56], keypoints and a box for each of up to six people.

    A row is y, x, confidence of each keypoint, then ymin, xmin, ymax, xmax and the person's score,
    in 0..1 of the model's input. The instances have class 0. Source:
    tfhub.dev/google/movenet/multipose.

    Example:
        - movenet_multi
    """

    output: str | None = None
    """Name of the output. Default: the only output with three axes."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "MovenetMulti":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(3,), role="[1, 6, 56]")
        shape = tensor.shape
        columns = shape[-1]
        wrong = columns is not None and (columns <= _BOX or (columns - _BOX) % 3 != 0)
        if len(shape) != 3 or shape[0] not in (1, None) or wrong:
            raise BadModel(
                f"the output {tensor} does not hold keypoints and a box for each person",
                where="output",
                allowed="[1, people, 3 * keypoints + 5]",
                hint="use `movenet` for [1, 1, 17, 3]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        classes.check(1, f"{tensor}: people")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        values = take(outputs, self.output)
        columns = values.shape[-1] if values.ndim == 3 else 0
        if values.ndim != 3 or len(values) != 1 or columns <= _BOX or (columns - _BOX) % 3:
            raise BadModel(
                f"`{self.name()}` decodes [1, people, 3 * keypoints + 5], got {list(values.shape)}",
                where="output",
            )
        rows = values[0, values[0, :, -1] > threshold]
        height, width = view.input
        boxes = rows[:, [-4, -5, -2, -3]].astype(np.float64) * [width, height, width, height]
        points = _points(rows[:, :-_BOX].reshape(len(rows), columns // 3 - 1, 3), view)
        return Instances.of(boxes, rows[:, -1], np.zeros(len(rows)), keypoints=points)


def _points(values: Array, view: View) -> Array:
    """Convert (N, K, 3) y, x in 0..1, confidence to x, y in pixels of the input, confidence."""
    height, width = view.input
    return np.asarray(values[..., [1, 0, 2]].astype(np.float64) * [width, height, 1])
