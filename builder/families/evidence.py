"""What is known of a model before anybody says what it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from builder.model.file import Model
from builder.model.graph import Graph
from builder.model.metadata import image_size, literal
from runtimes.arrays import Array, Size
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.errors import FunctionError
from runtimes.network import SIZE_INPUTS
from runtimes.signature import ImageInput, Signature, Tensor

TASKS = ("detect", "segment", "pose", "obb", "classify", "semantic")
"""Ultralytics' names of tasks."""

Pattern: TypeAlias = tuple[int | str | None, ...]
"""A shape: numbers, letters for sizes that must be the same wherever they stand, None for any."""


@dataclass(frozen=True, slots=True)
class Ultralytics:
    """What an Ultralytics export says about itself, as far as it makes sense.

    Attributes:
        task: one of TASKS.
        names: how many classes it names.
        kpt_shape: keypoints and values of each.
        finished: whether it says that it needs no suppression: `end2end`, or `nms` in `args`.
        rtdetr: whether it is an RT-DETR, by its description.
    """

    task: str | None = None
    names: int | None = None
    kpt_shape: tuple[int, int] | None = None
    finished: bool = False
    rtdetr: bool = False

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> "Ultralytics":
        """Read the metadata; what is not what its key says is as good as absent."""
        task = metadata.get("task")
        names = _literal(metadata, "names")
        args = _literal(metadata, "args")
        kpt_shape = _literal(metadata, "kpt_shape")
        points = None
        if (
            isinstance(kpt_shape, list | tuple)
            and len(kpt_shape) == 2
            and all(type(number) is int for number in kpt_shape)
            and 0 < kpt_shape[0] < 10_000
            and kpt_shape[1] in (2, 3)
        ):
            points = (kpt_shape[0], kpt_shape[1])
        return cls(
            task if task in TASKS else None,
            len(names) if isinstance(names, dict | list) and names else None,
            points,
            metadata.get("end2end", "").lower() == "true"
            or (isinstance(args, dict) and args.get("nms") is True),
            re.search("rt-?detr", metadata.get("description", "")[:200], re.IGNORECASE) is not None,
        )


def _literal(metadata: Mapping[str, str], key: str) -> Any:
    """A value that should be a Python literal; None where it is none."""
    try:
        return literal(metadata.get(key, ""))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that families look at.

    Attributes:
        signature: inputs and outputs; the outputs' shapes are the real ones where the model ran.
        graph: its operations.
        image: the input that takes the image, if there is exactly one that can.
        said: by an Ultralytics export.
        values: the outputs for a blank image, where the model was run.
        size: height and width of that image, or of the model's input where it is fixed.
        runs_at: the same, where the input is open and the model did not run at another size.
    """

    signature: Signature
    graph: Graph
    image: ImageInput | None
    said: Ultralytics
    values: Mapping[str, Array] = field(default_factory=dict)
    size: Size | None = None
    runs_at: Size | None = None

    @classmethod
    def of(cls, model: Model) -> "Facts":
        """Gather what the file tells.

        Raises:
            ModelError: it cannot be read.
        """
        graph, signature = model.graph, model.signature
        said = Ultralytics.of(graph.metadata)
        image = _image(signature)
        size = None
        if image is not None:
            trained = image_size(graph.metadata)
            image = replace(image, trained=trained)
            height = image.height or (trained[0] if trained else None)
            width = image.width or (trained[1] if trained else None)
            size = (height, width) if height and width else None
        return cls(signature, graph, image, said, size=size)

    @property
    def open(self) -> bool:
        """Whether the graph leaves an output's size open."""
        return any(None in tensor.shape for tensor in self.signature.outputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The outputs."""
        return self.signature.outputs

    def of_rank(self, *ranks: int) -> list[Tensor]:
        """The outputs with so many axes."""
        return [tensor for tensor in self.outputs if len(tensor.shape) in ranks]

    def input(self, *words: str) -> Tensor | None:
        """The first input whose name holds one of the words."""
        return _named(self.signature.inputs, words)

    def output(self, *words: str) -> Tensor | None:
        """The first output whose name holds one of the words."""
        return _named(self.signature.outputs, words)

    def cells(self, strides: Sequence[int]) -> int | None:
        """How many cells the grids of these strides have over the model's input."""
        if self.size is None:
            return None
        height, width = self.size
        return sum(-(-height // stride) * -(-width // stride) for stride in strides)

    def is_unit(self, tensor: Tensor) -> bool | None:
        """Whether an output's values lie in 0..1; None where it has not been run."""
        values = self.values.get(tensor.name)
        if values is None or not values.size or values.dtype.kind != "f":
            return None
        return bool(values.min() >= -0.001 and values.max() <= 1.001)


def fits(tensor: Tensor, *patterns: Pattern) -> bool:
    """Whether a tensor may have one of the shapes; sizes that the graph leaves open fit any."""
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


def _named(tensors: Sequence[Tensor], words: Sequence[str]) -> Tensor | None:
    return next(
        (it for word in words for it in tensors if word in it.name.lower()),
        None,
    )


def _image(signature: Signature) -> ImageInput | None:
    """The only input that could take an image."""
    others = [tensor for tensor in signature.inputs if tensor.name not in SIZE_INPUTS]
    if len(others) != 1:
        return None
    try:
        return ImageInput.of(others[0])
    except FunctionError:
        return None


_SIZES = (640, 224, 512, 256, 320)
"""What is tried for inputs of any size: some graphs run at one size only."""
_MOST_PIXELS = 4096 * 4096


def observed(model: Model, facts: Facts) -> Facts:
    """The facts with what the model makes of a blank image; the same where it cannot be run."""
    image = facts.image
    if image is None:
        return facts
    backend: Backend = OpenVino() if model.format == "ir" else OnnxRuntime("cpu")
    try:
        session = backend.open(model.files[model.name].resolve())
    except (FunctionError, ImportError):
        return facts
    refused = False
    for side in (None, *_SIZES) if facts.size else _SIZES:
        height, width = facts.size if side is None and facts.size else (side or 0, side or 0)
        height, width = image.height or height, image.width or width
        if height * width > _MOST_PIXELS:
            continue
        axes = {"n": 1, "c": image.channels or 3, "h": height, "w": width}
        kind = np.dtype(image.dtype)
        blank = np.full([axes[axis] for axis in image.layout], 0.5 if kind.kind == "f" else 127)
        sizes = {
            tensor.name: np.array(
                [SIZE_INPUTS[tensor.name]((height, width))], np.dtype(tensor.dtype)
            )
            for tensor in facts.signature.inputs
            if tensor.name in SIZE_INPUTS
        }
        try:
            found = session.run({image.name: blank.astype(kind), **sizes})
        except Exception:
            # Each runtime has its own exceptions.
            refused = True
            continue
        values = {name: np.array(array) for name, array in found.items()}
        outputs = tuple(
            replace(tensor, shape=_real(tensor, values[tensor.name].shape))
            if tensor.name in values
            else tensor
            for tensor in facts.outputs
        )
        return replace(
            facts,
            signature=replace(facts.signature, outputs=outputs),
            values=values,
            size=(height, width),
            runs_at=(height, width) if refused else None,
        )
    return facts


_MOST_BYTES = 400 * 2**20
"""Of a model that is run where nobody asked for it: loading larger ones takes long."""


def as_run(model: Model) -> Model:
    """The model with the shapes that its outputs have for a blank image.

    It stays as it is where it is too large, or cannot be run on an image alone.

    Raises:
        ModelError: it cannot be read.
    """
    if sum(path.stat().st_size for path in model.files.values()) > _MOST_BYTES:
        return model
    seen = observed(model, Facts.of(model))
    return model.with_shapes({it.name: it.shape for it in seen.outputs if it.name in seen.values})


def _real(tensor: Tensor, shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """A shape that was seen; what varies from image to image stays open.

    Detections of a blank image are few or none, so an open first axis says nothing.
    """
    if len(shape) != len(tensor.shape):
        return shape
    return tuple(
        None if declared is None and (size == 0 or (place == 0 and len(shape) < 4)) else size
        for place, (declared, size) in enumerate(zip(tensor.shape, shape, strict=True))
    )
