"""Foreground segmentation: salient objects, people, backgrounds to remove."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import probabilities, sigmoid, take
from runtimes.decoders.regions import foreground, instances_of
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Capability, Count, Decoder, Fraction
from runtimes.view import View


def _single(tensor: Tensor) -> bool:
    """Return whether an output can hold one value per pixel."""
    shape = tensor.shape
    if len(shape) not in (3, 4) or shape[0] not in (1, None):
        return False
    if np.dtype(tensor.dtype).kind != "f":
        return False
    return len(shape) == 3 or 1 in (shape[1], shape[3]) or None in (shape[1], shape[3])


@dataclass(frozen=True, slots=True)
class Saliency(Decoder):
    """Foreground probability of each pixel: U2-Net, ISNet, person segmentation.

    The output is [1, 1, h, w], [1, h, w, 1] or [1, h, w]. The instances have class 0. The score is
    the mean foreground probability of the pixels.

    Example:
        - saliency: {per: component, activation: sigmoid}
    """

    space: ClassVar[Literal["input", "image"]] = "image"

    output: str | None = None
    """Name of the output. Default: the first output with one channel; models with side outputs have
    their final output first."""
    per: Literal["image", "component"] = "image"
    """One instance per `image`, or per connected `component` of the foreground."""
    activation: Literal["none", "sigmoid"] = "none"
    """Activation that converts the output to probabilities: `none` if it is in the graph, `sigmoid`
    for logits."""
    normalize: bool = False
    """Stretch the values of each image to the range 0 to 1, as U2-Net's own code does. Every image
    then has a foreground."""
    level: Fraction = 0.5
    """Probability above which a pixel belongs to the foreground."""
    min_area: Count = 16
    """Minimum area of an instance, in pixels of the image."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "Saliency":
        """See Decoder.bind."""
        fitting = [tensor for tensor in signature.outputs if _single(tensor)]
        if self.output is None and fitting:
            tensor = fitting[0]
        else:
            tensor = signature.output(self.output, rank=(3, 4), role="[1, 1, height, width]")
        if not _single(tensor):
            raise BadModel(
                f"the output {tensor} does not hold one value per pixel",
                where="output",
                allowed="floats [1, 1, h, w], [1, h, w, 1] or [1, h, w]",
                hint="use `semantic` for maps of several classes",
                fault=Fault.OUTPUT_LAYOUT,
            )
        classes.check(1, str(tensor))
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        values = take(outputs, self.output)
        shape = values.shape
        single = values.ndim == 3 or (values.ndim == 4 and 1 in (shape[1], shape[3]))
        if not single or shape[0] != 1 or not values.size:
            raise BadModel(
                f"`{self.name()}` decodes [1, 1, h, w], [1, h, w, 1] or [1, h, w], "
                f"got {list(shape)}",
                where="output",
            )
        first = values.ndim == 4 and shape[1] == 1
        plane = values.reshape(shape[2:] if first else shape[1:3]).astype(np.float32)
        if self.activation == "sigmoid":
            plane = sigmoid(plane)
        if self.normalize:
            least, most = float(plane.min()), float(plane.max())
            plane = (plane - least) / (most - least) if most > least else np.zeros_like(plane)
        plane = probabilities(plane, "none", self.name())
        class_map, confidence = foreground(plane, self.level, view, self.name())
        return instances_of(
            class_map,
            confidence,
            background=None,
            components=self.per == "component",
            min_area=self.min_area,
            threshold=threshold,
        )
