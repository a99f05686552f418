"""Regression of keypoints: the coordinates of one face, hand or person per image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.heatmap import one_pose
from runtimes.decoders.outputs import probabilities, take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor, listed
from runtimes.step import Capability, Count, Decoder
from runtimes.view import View

_MOST_UNIT = 4.0
"""Coordinates relative to the input are within it, or not far from it."""
_LEAST_PIXELS = 1.5
"""Coordinates in pixels exceed it."""


@dataclass(frozen=True, slots=True)
class Keypoints(Decoder):
    """Coordinates of the keypoints of one face, hand or person: [1, 2 K], [1, 3 K] or [1, K, 2].

    The image should show one object; for the objects of a detector, use it under `then`. The
    values are x, y of the first keypoint, x, y of the second one, and so on, or three values for
    each: PFLD, MediaPipe's face mesh and hands, InsightFace, OpenVINO's landmark models. The result
    is one instance of class 0, whose box encloses the keypoints. Its score is that of `score`, or
    the mean confidence of the keypoints, or 1.

    Example:
        - keypoints: {kpt_shape: [68, 2], unit: fraction}
    """

    output: str | None = None
    """Name of the output. Default: the only output with more than three values."""
    kpt_shape: tuple[Count, Count] | None = None
    """Number of keypoints, and of values per keypoint: 2 or 3. Default: from an output
    [1, K, 2] or [1, K, 3], or from a number of values that only 2 or only 3 divides."""
    unit: Literal["pixels", "fraction", "signed"] = "pixels"
    """Unit of the coordinates: `pixels` of the model's input, `fraction` for 0..1, `signed` for
    -1..1 from the left or upper side of the input to the other one."""
    third: Literal["depth", "confidence"] = "depth"
    """Third value of a keypoint: its `depth`, which is dropped, or its `confidence` in 0..1."""
    score: str | None = None
    """Name of the output with the score of the object, if the model has one."""
    activation: Literal["none", "sigmoid"] = "none"
    """Activation that converts the score of the object to a probability: `none` if it is in the
    graph."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    @property
    def keypoint_count(self) -> int | None:
        """See Decoder.keypoint_count."""
        return self.kpt_shape[0] if self.kpt_shape else None

    def bind(self, signature: Signature, classes: Classes) -> "Keypoints":
        """See Decoder.bind."""
        tensor = self._output(signature)
        shape = self.kpt_shape or _shape_of(tensor)
        length = length_of(tensor)
        if shape[1] not in (2, 3) or length not in (None, prod(shape)):
            raise BadModel(
                f"{shape[0]} keypoints with {shape[1]} values each do not fit the output {tensor}",
                where="kpt_shape",
                found=str(list(shape)),
                allowed="as many values as the output has, 2 (x, y) or 3 for each keypoint",
                fault=Fault.KEYPOINT_COUNT,
            )
        if self.score is not None:
            signature.output(self.score, rank=(0, 1, 2, 3, 4), role="the score of the object")
        classes.check(1, f"{tensor}: one object")
        return replace(self, output=tensor.name, kpt_shape=shape)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        values = take(outputs, self.output)
        shape = self.kpt_shape or (0, 0)
        if values.size != prod(shape) or not values.size:
            raise BadModel(
                f"`{self.name()}` decodes {prod(shape)} values of {shape[0]} keypoints, got "
                f"{list(values.shape)}",
                where="kpt_shape",
            )
        table = values.reshape(shape).astype(np.float64)
        points = np.ones((shape[0], 3))
        points[:, :2] = self._pixels(table[:, :2], view)
        if shape[1] == 3 and self.third == "confidence":
            points[:, 2] = probabilities(table[:, 2], "none", self.name())
        if self.score is None:
            return one_pose(points, 0.0, threshold)
        found = one_pose(points, 0.0, -1.0)
        score = take(outputs, self.score)
        if score.size != 1:
            raise BadModel(
                f"`{self.name()}` reads one score, got {list(score.shape)}", where="score"
            )
        chance = probabilities(score.reshape(1), self.activation, self.name())
        scored = replace(found, scores=chance.astype(np.float64)[: len(found)])
        return scored.take(chance[: len(found)].astype(np.float32) > threshold)

    def _pixels(self, places: Array, view: View) -> Array:
        """Return (K, 2) coordinates in pixels of the model's input.

        Raises:
            BadModel: the values do not have the unit.
        """
        most = float(np.abs(places).max(initial=0)) if np.isfinite(places).all() else 0.0
        if (self.unit == "pixels" and 0 < most <= _LEAST_PIXELS) or (
            self.unit != "pixels" and most > _MOST_UNIT
        ):
            raise BadModel(
                f"the coordinates of the keypoints are not in the unit `{self.unit}`",
                where="unit",
                found=f"values from {places.min():.4g} to {places.max():.4g}",
                allowed="`pixels` of the model's input, `fraction` for 0..1, `signed` for -1..1",
            )
        size = np.array(view.input[::-1], np.float64)
        if self.unit == "fraction":
            return places * size
        return (places + 1) / 2 * size if self.unit == "signed" else places

    def _output(self, signature: Signature) -> Tensor:
        """Return the output with the coordinates.

        Raises:
            BadModel: the name is wrong, or several outputs have more than three values.
        """
        if self.output is not None:
            return signature.output(self.output, rank=(), role="")
        long = [
            it for it in signature.outputs if (length_of(it) or 4) > 3 and it.name != self.score
        ]
        if len(long) != 1:
            raise BadModel(
                f"{len(long)} outputs could hold the coordinates of keypoints; one is needed",
                where="output",
                found=listed(signature.outputs),
                allowed="[1, 2 K], [1, 3 K], [1, K, 2] or [1, K, 3]",
                hint="name it: `output: NAME`" if long else "check that the step fits the model",
                fault=Fault.OUTPUT_AMBIGUOUS if long else Fault.OUTPUT_MISSING,
            )
        return long[0]


def length_of(tensor: Tensor) -> int | None:
    """Return the number of values of an output for one image; None if it is not known."""
    sizes = [1 if axis == 0 and size is None else size for axis, size in enumerate(tensor.shape)]
    known = [size for size in sizes if size is not None]
    return prod(known) if len(known) == len(sizes) else None


def _shape_of(tensor: Tensor) -> tuple[int, int]:
    """Return the number of keypoints, and of values of each.

    Raises:
        BadModel: the output does not tell.
    """
    length, last = length_of(tensor), tensor.shape[-1] if tensor.shape else None
    if length is not None and len(tensor.shape) == 3 and last in (2, 3):
        return length // last, last
    each = [it for it in (2, 3) if length is not None and length % it == 0]
    if len(each) != 1 or length is None:
        number = "an unknown number of" if length is None else str(length)
        raise BadModel(
            f"the output {tensor} has {number} values, so the number of keypoints is not known",
            where="kpt_shape",
            allowed="[number of keypoints, values per keypoint: 2 or 3]",
            hint="add `kpt_shape: [21, 3]`, with the model's own numbers",
            fault=Fault.KEYPOINT_COUNT,
        )
    return length // each[0], each[0]
