"""Image classification: one score per class."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import check_task, probabilities, softmax, take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View


def _declared_classes(tensor: Tensor) -> int | None:
    """Return the number of classes of the output, or None for a dynamic axis.

    Raises:
        BadModel: the output has more than one score per class.
    """
    shape = tensor.shape
    batch, sizes = (shape[0], shape[1:]) if len(shape) > 1 else (1, shape)
    long = [size for size in sizes if size is not None and size != 1]
    if batch not in (1, None) or len(long) > 1 or not sizes:
        raise BadModel(
            f"the output {tensor} does not hold one score per class",
            where="output",
            allowed="[1, classes], [classes] or [1, classes, 1, 1]",
            hint="check that the step fits the model",
            fault=Fault.OUTPUT_LAYOUT,
        )
    if long:
        return long[0]
    return None if None in sizes else 1


@dataclass(frozen=True, slots=True)
class Classify(Decoder):
    """Class scores of the whole image: [1, classes], [classes] or [1, classes, 1, 1].

    Each class above the threshold becomes an instance with the image as its box. For the class with
    the highest score only, follow it with `top_k: 1`.

    Example:
        - classify: {activation: softmax}
    """

    space: ClassVar[Literal["input", "image"]] = "image"

    output: str | None = None
    """Name of the output. Default: the only output with one, two or four axes."""
    activation: Literal["none", "softmax", "sigmoid"] = "none"
    """Activation that converts the output to probabilities: `none` if it is in the graph
    (Ultralytics), `softmax` for logits of exclusive classes (most other models), `sigmoid` for
    logits of independent classes."""

    def bind(self, signature: Signature, classes: Classes) -> "Classify":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(1, 2, 4), role="[1, classes]")
        check_task(signature, tensor, "classify")
        found = _declared_classes(tensor)
        if found is not None:
            classes.check(found, str(tensor))
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The box of each instance is the image."""
        values = take(outputs, self.output)
        if values.ndim == 0 or values.size != max(values.shape) or values.shape[1:].count(0):
            raise BadModel(
                f"`{self.name()}` decodes [1, classes], got {list(values.shape)}", where="output"
            )
        values = values.reshape(-1)
        if self.activation == "softmax":
            scores = softmax(values, axis=0)
        else:
            scores = probabilities(values, self.activation, self.name())
        kept = np.flatnonzero(scores > threshold)
        height, width = view.image
        return Instances.of(np.tile([0, 0, width, height], (len(kept), 1)), scores[kept], kept)
