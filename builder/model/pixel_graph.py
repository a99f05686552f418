"""ONNX operations that compute a model's image input from pixels."""

import numpy as np

from runtimes.arrays import Array
from runtimes.signature import LayoutName, Tensor

OLDEST_OPSET = 7
"""Oldest opset in which the operations exist in this form: since then, `Mul` and `Add` broadcast as
numpy does."""


def pixel_graph(
    pixels: Tensor, values: Tensor, layout: LayoutName, factor: Array, offset: Array
) -> bytes | None:
    """Return the operations: value = pixel * factor + offset, as Frame.tensor computes it.

    The operations are Cast, Mul, Add, Cast and Transpose, without those that change nothing.

    Args:
        pixels: the new input, uint8 with the channels last. The names of all other new tensors
            begin with its name.
        values: the image input of the model.
        layout: of `values`.
        factor, offset: (C,) float32, by channel.

    Returns:
        A serialized GraphProto with the new input and the operations. None if there is nothing to
        compute, or if the operations would be slower than numpy.
    """
    changes = {
        op: numbers
        for op, numbers, unchanged in (("Mul", factor, 1), ("Add", offset, 0))
        if (numbers != unchanged).any()
    }
    is_uniform = all(np.ptp(numbers) == 0 for numbers in changes.values())
    channels_first, width = "chw" in layout, pixels.shape[-2] or 0
    # Transposing at the end is better: OpenVINO then needs half the time. For one number for each
    # channel, however, ONNX Runtime needs 15 times as long, unless a whole row is given.
    transposes_early = not is_uniform and not width
    if transposes_early and not channels_first:
        return None

    def constant(numbers: Array) -> Array:
        if is_uniform:
            return np.asarray(numbers[0])
        return numbers.reshape(-1, 1, 1) if transposes_early else np.tile(numbers, (width, 1))

    operations: list[tuple[str, str | Array | tuple[int, ...]]] = [
        (op, constant(numbers)) for op, numbers in changes.items()
    ]
    if changes:
        operations.insert(0, ("Cast", "float32"))
    if values.dtype != ("float32" if changes else "uint8"):
        operations.append(("Cast", values.dtype))
    if channels_first:
        place = 1 if transposes_early else len(operations)
        operations.insert(place, ("Transpose", (2, 0, 1) if len(layout) == 3 else (0, 3, 1, 2)))
    return _serialized(pixels, values, operations) if operations else None


def _serialized(
    pixels: Tensor, values: Tensor, operations: list[tuple[str, str | Array | tuple[int, ...]]]
) -> bytes:
    """Return operations that follow one another as a GraphProto.

    Args:
        pixels, values: see pixel_graph.
        operations: type and parameter: an element type, the constant operand, or the order of axes.
    """
    from onnx import NodeProto, helper, numpy_helper

    nodes: list[NodeProto] = []
    names = [pixels.name, *(f"{pixels.name}/{number}" for number in range(1, len(operations)))]
    for (op, given), before, after in zip(
        operations, names, [*names[1:], values.name], strict=True
    ):
        if isinstance(given, str):
            element = helper.np_dtype_to_tensor_dtype(np.dtype(given))
            nodes.append(helper.make_node(op, [before], [after], to=element))
        elif isinstance(given, tuple):
            nodes.append(helper.make_node(op, [before], [after], perm=given))
        else:
            # A constant that is no initializer needs no input of the graph in old files.
            operand, value = f"{pixels.name}/{op}", numpy_helper.from_array(given)
            nodes.append(helper.make_node("Constant", [], [operand], value=value))
            nodes.append(helper.make_node(op, [before, operand], [after]))
    element = helper.np_dtype_to_tensor_dtype(np.dtype(pixels.dtype))
    taken = helper.make_tensor_value_info(pixels.name, element, pixels.shape)
    graph = helper.make_graph(nodes, "", [taken], [])
    graph.ClearField("name")
    return bytes(graph.SerializeToString(deterministic=True))
