"""The evidence by which families are recognized: tensors, operations, metadata, outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from builder.diagnostics.errors import ManifestError
from builder.families.ultralytics import UltralyticsMetadata
from builder.model.file import Model
from builder.model.graph import Graph
from builder.model.hugging_face import class_count
from builder.model.label_metadata import from_metadata
from builder.model.metadata import image_size
from runtimes.arrays import Array, Size
from runtimes.errors import FunctionError
from runtimes.network import EXTRA_INPUTS
from runtimes.signature import ImageInput, Signature, Tensor

Pattern: TypeAlias = tuple[int | str | None, ...]
"""A shape: numbers; letters for sizes that are equal wherever the letter occurs; None for any."""

_FEWEST_FEATURES = 16
"""Channels of a layer; maps of results have fewer."""


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
        varied_outputs: the same for an image of gradients, edges and noise.
        labels: the number of labels that the user gives, or in the metadata, or in Hugging Face's
            config.json beside the model; None if unknown.
        size: height and width of that image, or of the model's input where it is fixed.
        only_size: the same, where the input's size is open but the model failed at another size.
    """

    signature: Signature
    graph: Graph
    image: ImageInput | None
    ultralytics: UltralyticsMetadata
    blank_outputs: Mapping[str, Array] = field(default_factory=dict)
    varied_outputs: Mapping[str, Array] = field(default_factory=dict)
    labels: int | None = None
    size: Size | None = None
    only_size: Size | None = None

    @classmethod
    def of(cls, model: Model, labels: int | None = None) -> "Evidence":
        """Collect the evidence in the file, without running the model.

        Args:
            model: the model.
            labels: the number of labels that the user gives for it.
        """
        signature, metadata = model.signature, model.signature.metadata
        image = _image_input(signature)
        size = None
        if image is not None:
            trained = image_size(metadata)
            image = replace(image, trained=trained)
            height = image.height or (trained[0] if trained else None)
            width = image.width or (trained[1] if trained else None)
            size = (height, width) if height and width else None
        ultralytics = UltralyticsMetadata.of(metadata)
        labels = labels or _label_count(model)
        return cls(signature, model.graph, image, ultralytics, size=size, labels=labels)

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

    def names_outputs(self, *words: str) -> bool:
        """Whether each word is part of the name of an output."""
        names = [tensor.name.lower() for tensor in self.outputs]
        return all(any(word in name for name in names) for word in words)

    def cell_count(self, strides: Sequence[int]) -> int | None:
        """Return the number of cells of grids with these strides over the input, in pixels."""
        if self.size is None:
            return None
        height, width = self.size
        return sum(-(-height // stride) * -(-width // stride) for stride in strides)

    def values(self, tensor: Tensor) -> list[Array]:
        """Return an output's values for each image that the model was run on."""
        runs = (self.blank_outputs, self.varied_outputs)
        return [run[tensor.name] for run in runs if tensor.name in run]

    def is_fraction(self, tensor: Tensor) -> bool | None:
        """Whether an output's values lie in 0..1; None if the model was not run."""
        return are_fractions(self.values(tensor))


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


def _label_count(model: Model) -> int | None:
    """Return the number of labels in the metadata or config.json; None without valid labels."""
    try:
        return len(from_metadata(model.signature.metadata, Path("model"))) or None
    except ManifestError:
        return class_count(model.files[model.name]) if model.files else None


def are_fractions(arrays: Sequence[Array]) -> bool | None:
    """Whether all values are finite and in 0..1; None without floating-point values."""
    found = [array for array in arrays if array.size and array.dtype.kind == "f"]
    if not found:
        return None
    return all(array.min() >= -0.001 and array.max() <= 1.001 for array in found)


def is_integer(tensor: Tensor) -> bool:
    """Whether a tensor has integers."""
    return tensor.dtype.startswith(("int", "uint"))


def is_feature_map(tensor: Tensor) -> bool:
    """Whether an output has the many channels of a layer's features, as ISNet's further outputs."""
    shape = tensor.shape
    return len(shape) == 4 and shape[1] is not None and shape[1] >= _FEWEST_FEATURES


def _named(tensors: Sequence[Tensor], words: Sequence[str]) -> Tensor | None:
    """Return the first tensor whose name contains the first word that any name contains."""
    return next((it for word in words for it in tensors if word in it.name.lower()), None)


def _image_input(signature: Signature) -> ImageInput | None:
    """Return the only input that can take an image."""
    others = [tensor for tensor in signature.inputs if tensor.name not in EXTRA_INPUTS]
    if len(others) != 1:
        return None
    try:
        return ImageInput.of(others[0])
    except FunctionError:
        return None
