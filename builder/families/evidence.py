"""The evidence by which families are recognized: tensors, operations, metadata, outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from builder.families.ultralytics import UltralyticsMetadata
from builder.model.file import Model
from builder.model.graph import Graph
from builder.model.metadata import image_size
from runtimes.arrays import Array, Size
from runtimes.errors import FunctionError
from runtimes.network import SIZE_INPUTS
from runtimes.signature import ImageInput, Signature, Tensor

Pattern: TypeAlias = tuple[int | str | None, ...]
"""A shape: numbers; letters for sizes that are equal wherever the letter occurs; None for any."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a model before its family is.

    Attributes:
        signature: inputs, outputs and metadata; the outputs have their real shapes where the model
            was run.
        graph: its operations.
        image: the input that takes the image, if exactly one can.
        ultralytics: the metadata of Ultralytics' exports.
        blank_outputs: name -> output for a blank image; empty where the model was not run.
        size: height and width of that image, or of the model's input where it is fixed.
        only_size: the same, where the input's size is open but the model failed at another size.
    """

    signature: Signature
    graph: Graph
    image: ImageInput | None
    ultralytics: UltralyticsMetadata
    blank_outputs: Mapping[str, Array] = field(default_factory=dict)
    size: Size | None = None
    only_size: Size | None = None

    @classmethod
    def of(cls, model: Model) -> "Evidence":
        """Collect the evidence in the file, without running the model."""
        signature, metadata = model.signature, model.signature.metadata
        image = _image_input(signature)
        size = None
        if image is not None:
            trained = image_size(metadata)
            image = replace(image, trained=trained)
            height = image.height or (trained[0] if trained else None)
            width = image.width or (trained[1] if trained else None)
            size = (height, width) if height and width else None
        return cls(signature, model.graph, image, UltralyticsMetadata.of(metadata), size=size)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The outputs."""
        return self.signature.outputs

    def outputs_of_rank(self, *ranks: int) -> list[Tensor]:
        """Return the outputs with one of these numbers of axes."""
        return [tensor for tensor in self.outputs if len(tensor.shape) in ranks]

    def input_named(self, *words: str) -> Tensor | None:
        """Return the first input whose name contains one of the words."""
        return _named(self.signature.inputs, words)

    def output_named(self, *words: str) -> Tensor | None:
        """Return the first output whose name contains one of the words."""
        return _named(self.signature.outputs, words)

    def cell_count(self, strides: Sequence[int]) -> int | None:
        """Return the number of cells of grids with these strides over the input, in pixels."""
        if self.size is None:
            return None
        height, width = self.size
        return sum(-(-height // stride) * -(-width // stride) for stride in strides)

    def is_fraction(self, tensor: Tensor) -> bool | None:
        """Whether an output's values lie in 0..1; None if the model was not run."""
        values = self.blank_outputs.get(tensor.name)
        if values is None or not values.size or values.dtype.kind != "f":
            return None
        return bool(values.min() >= -0.001 and values.max() <= 1.001)


def fits(tensor: Tensor, *patterns: Pattern) -> bool:
    """Whether a tensor can have one of the shapes. Sizes that the graph leaves open fit any."""
    return any(_fits(tensor.shape, pattern) for pattern in patterns)


def _fits(shape: Sequence[int | None], pattern: Pattern) -> bool:
    """Whether a shape fits a pattern."""
    if len(shape) != len(pattern):
        return False
    letters: dict[str, int] = {}
    for size, wanted in zip(shape, pattern, strict=True):
        if size is None or wanted is None:
            continue
        expected = letters.setdefault(wanted, size) if isinstance(wanted, str) else wanted
        if expected != size:
            return False
    return True


def is_integer(tensor: Tensor) -> bool:
    """Whether a tensor has integers."""
    return tensor.dtype.startswith(("int", "uint"))


def _named(tensors: Sequence[Tensor], words: Sequence[str]) -> Tensor | None:
    """Return the first tensor whose name contains the first word that any name contains."""
    return next((it for word in words for it in tensors if word in it.name.lower()), None)


def _image_input(signature: Signature) -> ImageInput | None:
    """Return the only input that can take an image."""
    others = [tensor for tensor in signature.inputs if tensor.name not in SIZE_INPUTS]
    if len(others) != 1:
        return None
    try:
        return ImageInput.of(others[0])
    except FunctionError:
        return None
