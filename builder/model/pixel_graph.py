"""Operations in front of an ONNX graph, which compute its image input from pixels."""

from collections.abc import Sequence

import numpy as np

from builder.model.pixel_operations import Operation
from runtimes.signature import Tensor

OLDEST_OPSET = 7
"""Oldest opset in which the operations exist in this form: since then, `Mul` and `Add` broadcast as
numpy does."""


def pixel_graph(pixels: Tensor, name: str, operations: Sequence[Operation]) -> bytes:
    """Return a serialized GraphProto with a new input and the operations on it.

    Args:
        pixels: the new input. The names of all other new tensors begin with its name.
        name: of the input that is computed.
        operations: see pixel_operations.
    """
    from onnx import NodeProto, helper, numpy_helper

    def element(dtype: str) -> int:
        return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    nodes: list[NodeProto] = []
    names = [f"{pixels.name}/{number}" for number in range(1, len(operations))]
    befores, afters = [pixels.name, *names], [*names, name]
    for (op, given), before, after in zip(operations, befores, afters, strict=True):
        if isinstance(given, str):
            nodes.append(helper.make_node(op, [before], [after], to=element(given)))
        elif isinstance(given, tuple):
            nodes.append(helper.make_node(op, [before], [after], perm=given))
        else:
            # Unlike an initializer, a Constant needs no input of the graph in old files.
            operand, value = f"{pixels.name}/{op}", numpy_helper.from_array(given)
            nodes.append(helper.make_node("Constant", [], [operand], value=value))
            nodes.append(helper.make_node(op, [before, operand], [after]))
    taken = helper.make_tensor_value_info(pixels.name, element(pixels.dtype), pixels.shape)
    graph = helper.make_graph(nodes, "", [taken], [])
    graph.ClearField("name")
    return bytes(graph.SerializeToString(deterministic=True))
