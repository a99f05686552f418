"""The operations that compute a model's image input from pixels."""

from typing import Literal, NamedTuple

import numpy as np

from runtimes.arrays import Array
from runtimes.signature import LayoutName, Tensor


class Operation(NamedTuple):
    """An operation, under ONNX's name, with one input that is not constant.

    Attributes:
        type: its type.
        given: the element type of the result, the constant operand, or the order of the axes.
    """

    type: Literal["Cast", "Mul", "Add", "Transpose"]
    given: str | Array | tuple[int, ...]


def pixel_operations(
    pixels: Tensor, dtype: str, layout: LayoutName, factor: Array, offset: Array
) -> tuple[Operation, ...]:
    """Return the operations, in order: value = pixel * factor + offset, as in Frame.tensor.

    They are Cast, Mul, Add, Cast and Transpose, without those that change nothing.

    Args:
        pixels: the new input, uint8 with the channels last.
        dtype: of the model's image input.
        layout: of the model's image input.
        factor, offset: (C,) float32, by channel.

    Returns:
        Nothing if there is nothing to compute, or if numpy is faster.
    """
    numbers = {"Mul": factor, "Add": offset}
    changes: list[Literal["Mul", "Add"]] = []
    if (factor != 1).any():
        changes.append("Mul")
    if (offset != 0).any():
        changes.append("Add")
    is_uniform = all(np.ptp(numbers[it]) == 0 for it in changes)
    channels_first, width = "chw" in layout, pixels.shape[-2] or 0
    # Transposing at the end is better: OpenVINO then needs half the time. For one number for each
    # channel, however, ONNX Runtime needs 15 times as long, unless a whole row is given.
    transposes_early = not is_uniform and not width
    if transposes_early and not channels_first:
        return ()

    def constant(values: Array) -> Array:
        if is_uniform:
            return np.asarray(values[0])
        return values.reshape(-1, 1, 1) if transposes_early else np.tile(values, (width, 1))

    found = [Operation(it, constant(numbers[it])) for it in changes]
    if changes:
        found.insert(0, Operation("Cast", "float32"))
    if dtype != ("float32" if changes else "uint8"):
        found.append(Operation("Cast", dtype))
    if channels_first:
        axes = (2, 0, 1) if len(layout) == 3 else (0, 3, 1, 2)
        found.insert(1 if transposes_early else len(found), Operation("Transpose", axes))
    return tuple(found)
