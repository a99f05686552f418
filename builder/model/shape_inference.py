"""Shape inference: the tensor shapes that a graph computes, independent of the declared shapes.

Declared shapes are unreliable: exporters write assumed shapes, graph editing tools leave outdated
ones, and some files declare symbolic sizes only. Inference runtimes compute shapes from the
operations.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from builder.diagnostics.rule import warning

if TYPE_CHECKING:
    import onnx


DECLARED_SHAPE = warning(
    "declared-shape",
    "Declared output shape is wrong",
    "Functions use the shape that the graph computes; other tools may trust the declaration.",
)

Shape: TypeAlias = tuple[int | None, ...]
"""One size per axis; None if the size is not known."""

_MAX_OPERATIONS = 20_000
_MAX_BYTES = 8 * 2**20
"""Limits of shape inference; ten thousand operations take about a tenth of a second."""


def infer_shapes(proto: "onnx.ModelProto") -> Mapping[str, Shape]:
    """Return the shapes that ONNX's shape inference computes from inputs and weights alone.

    Args:
        proto: the model; weights may be missing, see onnx_wire. The declared shapes of outputs and
            of intermediate tensors are removed from it.

    Returns:
        Name of a tensor -> shape, for tensors with a known number of axes. Empty if the graph is
        too large or invalid.
    """
    import onnx

    graph = proto.graph
    if len(graph.node) > _MAX_OPERATIONS or proto.ByteSize() > _MAX_BYTES:
        return {}
    # Nested function calls can expand to an unlimited number of operations.
    del proto.functions[:]
    del graph.value_info[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    for value in graph.input:
        for size in value.type.tensor_type.shape.dim:
            if size.HasField("dim_value") and size.dim_value <= 0:
                size.ClearField("dim_value")
    _name_channels(graph)
    try:
        found = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    except Exception:
        # Invalid graphs raise exceptions of onnx, of protobuf and of Python.
        return {}
    return {
        value.name: shape_of(value)
        for value in (*found.value_info, *found.input, *found.output)
        if value.type.tensor_type.HasField("shape")
    }


_AXES_KEPT = {
    *("Identity", "Cast", "Pad", "Add", "Sub", "Mul", "Div"),
    *("QuantizeLinear", "DequantizeLinear"),
}
"""Operations between the image and the first layer that keep the order of the axes."""
_MAX_STEPS = 50


def _name_channels(graph: "onnx.GraphProto") -> None:
    """Set the shape of open inputs that a convolution reads: [?, c, ?, ?]."""
    weights = {item.name: tuple(item.dims) for item in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for value in graph.input:
        tensor = value.type.tensor_type
        is_known = len(tensor.shape.dim) != 4 or shape_of(value)[1] is not None
        if tensor.HasField("shape") and is_known:
            continue
        waiting = list(readers.get(value.name, []))
        for _ in range(_MAX_STEPS):
            if not waiting:
                break
            node = waiting.pop(0)
            kernel = weights.get(node.input[1], ()) if len(node.input) > 1 else ()
            if node.op_type == "Conv" and len(kernel) == 4:
                groups = [it.i for it in node.attribute if it.name == "group"]
                while len(tensor.shape.dim) < 4:
                    tensor.shape.dim.add()
                tensor.shape.dim[1].dim_value = kernel[1] * (groups[0] if groups else 1)
                break
            if node.op_type in _AXES_KEPT and node.output:
                waiting += readers.get(node.output[0], [])


def shape_of(value: "onnx.ValueInfoProto") -> Shape:
    """Return the declared shape of a tensor; empty if none is declared."""
    return tuple(
        size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else None
        for size in value.type.tensor_type.shape.dim
    )


def shapes_conflict(declared: Shape, real: Shape) -> bool:
    """Return whether no tensor can have both shapes. An empty shape is unknown."""
    if not declared or not real:
        return False
    return len(declared) != len(real) or any(
        one is not None and other is not None and one != other
        for one, other in zip(declared, real, strict=True)
    )


def merge_shapes(declared: Shape, real: Shape) -> Shape:
    """Return the real shape, with declared sizes for unknown ones.

    If the shapes conflict, the declared one is ignored completely.
    """
    if not declared or shapes_conflict(declared, real):
        return real
    if not real:
        return declared
    return tuple(one if other is None else other for one, other in zip(declared, real, strict=True))
