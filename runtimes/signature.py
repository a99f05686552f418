"""The inputs and outputs of a model: names, shapes and types, as declared or as loaded."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runtimes.arrays import Size
from runtimes.errors import BadModel, Fault

LayoutName: TypeAlias = Literal["nchw", "nhwc", "chw", "hwc"]

_AXES: dict[str, tuple[int, int, int]] = {
    "nchw": (2, 3, 1),
    "nhwc": (1, 2, 3),
    "chw": (1, 2, 0),
    "hwc": (0, 1, 2),
}
"""Layout -> the indexes of the axes height, width and channels."""

PIXEL_TYPES = (
    *("float32", "float16", "float64"),
    *("uint8", "uint16", "uint32", "uint64", "int16", "int32", "int64"),
)
"""The element types that can hold all pixel values 0..255."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One named input or output.

    Attributes:
        name: its name in the graph.
        shape: one entry per axis; None for a dynamic axis.
        dtype: numpy's name of the element type, such as "float32".
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name} [{sizes}] {self.dtype}"


def listed(tensors: Iterable[Tensor]) -> str:
    """Return tensors as text for a message."""
    return ", ".join(str(tensor) for tensor in tensors) or "none"


def absent(
    name: str,
    tensors: Iterable[Tensor],
    role: Literal["input", "output"],
    where: str,
    whose: str = "the model",
) -> BadModel:
    """Return the error for a tensor name that a model does not have.

    Args:
        name: the name in the manifest.
        tensors: the model's inputs or outputs.
        role: which of the two they are.
        where: the step's key that holds the name.
        whose: the model, for the message.
    """
    there = tuple(tensors)
    close = difflib.get_close_matches(name, [tensor.name for tensor in there], n=1)
    return BadModel(
        f"{whose} has no {role} called '{name}'",
        where=where,
        found=name,
        allowed=listed(there),
        hint=f"did you mean '{close[0]}'?" if close else "",
        fault=Fault.INPUT_UNKNOWN if role == "input" else Fault.OUTPUT_UNKNOWN,
    )


def fits(given: Tensor, taken: Tensor) -> bool:
    """Return whether an output's shape fits an input, which may have more leading axes of 1."""
    if not given.shape or not taken.shape:
        return True  # the shape is not declared
    more = len(taken.shape) - len(given.shape)
    return (
        more >= 0
        and all(size in (1, None) for size in taken.shape[:more])
        and all(
            None in (one, other) or one == other
            for one, other in zip(given.shape, taken.shape[more:], strict=True)
        )
    )


@dataclass(frozen=True, slots=True)
class Signature:
    """All inputs and outputs of a model, and the metadata in its file."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def output(self, name: str | None, *, rank: tuple[int, ...], role: str) -> Tensor:
        """Return the output called `name`, or the only one of a fitting rank.

        Args:
            name: the name in the manifest, or None to search by `rank`.
            rank: the allowed numbers of axes.
            role: the content of the output, for the message.

        Raises:
            BadModel: no output fits, or several do.
        """
        if name is not None:
            for tensor in self.outputs:
                if tensor.name == name:
                    return tensor
            raise absent(name, self.outputs, "output", "output")
        fitting = [tensor for tensor in self.outputs if len(tensor.shape) in rank]
        if len(fitting) != 1:
            ranks = " or ".join(str(number) for number in rank)
            hint = "name it: `output: NAME`" if fitting else "check that the step fits the model"
            if [len(it.shape) for it in fitting] == [3, 3] and any(
                it.shape[2] == 4 for it in fitting
            ):
                hint += "; for boxes and scores in two outputs, use `boxes_and_scores`"
            raise BadModel(
                f"{len(fitting)} outputs could hold {role}; one with {ranks} axes is needed",
                where="output",
                found=listed(self.outputs),
                allowed=f"one output with {ranks} axes",
                hint=hint,
                fault=Fault.OUTPUT_AMBIGUOUS if fitting else Fault.OUTPUT_MISSING,
            )
        return fitting[0]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The image input of a model.

    Attributes:
        name: the tensor's name.
        dtype: "float32", "float16" or "uint8" for most models.
        layout: the order of the axes.
        height, width, channels: sizes; None for dynamic axes.
        trained: height and width of the training images according to the metadata, or None.
    """

    name: str
    dtype: str
    layout: LayoutName
    height: int | None
    width: int | None
    channels: int | None
    trained: Size | None = None

    @classmethod
    def of(cls, tensor: Tensor, layout: LayoutName | None = None) -> "ImageInput":
        """Assign the axes of `tensor` according to `layout`, or according to its shape.

        The channel axis is the one of size 1 or 3. If both or neither fit, channels come first, as
        in most exporters.

        Raises:
            BadModel: the tensor cannot hold one image in this layout.
        """
        rank = len(tensor.shape)
        if rank not in (3, 4):
            raise BadModel(
                f"the input {tensor} cannot hold an image: it has {rank} axes",
                found=str(tensor),
                allowed="3 axes (one image) or 4 (a batch of images)",
                fault=Fault.MODEL_INPUTS,
            )
        if tensor.dtype not in PIXEL_TYPES:
            raise BadModel(
                f"the input {tensor} is of a type to which no image can be converted",
                found=tensor.dtype,
                allowed=", ".join(PIXEL_TYPES),
                fault=Fault.INPUT_VALUES,
            )
        hint = "remove the layout: it is read from the input's shape" if layout else ""
        if layout is None:
            last, first = tensor.shape[-1], tensor.shape[-3]
            channels_last = last in (1, 3) and first not in (1, 3)
            if rank == 4:
                layout = "nhwc" if channels_last else "nchw"
            else:
                layout = "hwc" if channels_last else "chw"
        if len(layout) != rank:
            raise BadModel(
                f"layout {layout} has {len(layout)} axes, but the input {tensor} has {rank}",
                found=layout,
                allowed=" or ".join(name for name in _AXES if len(name) == rank),
                hint=hint,
                fault=Fault.INPUT_LAYOUT,
            )
        height, width, channels = (tensor.shape[axis] for axis in _AXES[layout])
        if channels not in (1, 3, None):
            raise BadModel(
                f"the input {tensor} has {channels} channels in layout {layout}",
                found=layout,
                allowed="1 channel (gray) or 3 (color)",
                hint=hint,
                fault=Fault.INPUT_LAYOUT,
            )
        if rank == 4 and tensor.shape[0] not in (1, None):
            raise BadModel(
                f"the input {tensor} takes {tensor.shape[0]} images at once",
                found=str(tensor),
                allowed="batch size 1, or a dynamic one",
                hint="export the model again with batch size 1",
                fault=Fault.INPUT_BATCH,
            )
        return cls(tensor.name, tensor.dtype, layout, height, width, channels)

    @property
    def batched(self) -> bool:
        """Whether the first axis is the batch."""
        return len(self.layout) == 4
