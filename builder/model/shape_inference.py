"""The shapes that a graph's operations lead to, whatever its file declares.

Exporters write down shapes that they were told, tools that edit graphs leave old ones behind, and
some declare nothing but letters. Runtimes go by the operations, so whoever reads outputs must too.
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
"""One entry per axis, None where its size is not known."""

_MOST_OPERATIONS = 20_000
_MOST_BYTES = 8 * 2**20
"""What is looked at: a graph of ten thousand operations takes about a tenth of a second."""


def inferred(proto: "onnx.ModelProto") -> Mapping[str, Shape]:
    """The shapes of tensors as ONNX's shape inference finds them from inputs and weights alone.

    Args:
        proto: the model, which may have lost its weights; see onnx_wire. It is altered: what it
            declares of outputs and of tensors between is lost.

    Returns:
        Name -> shape, for the tensors whose number of axes is known; nothing where the graph is
        too large, or makes no sense to ONNX.
    """
    import onnx

    graph = proto.graph
    if len(graph.node) > _MOST_OPERATIONS or proto.ByteSize() > _MOST_BYTES:
        return {}
    # Functions that call functions can stand for endless operations.
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
        # Its own exceptions, protobuf's, and Python's own: a graph that makes no sense.
        return {}
    return {
        value.name: shape_of(value)
        for value in (*found.value_info, *found.input, *found.output)
        if value.type.tensor_type.HasField("shape")
    }


_PASSING = {
    *("Identity", "Cast", "Pad", "Add", "Sub", "Mul", "Div"),
    *("QuantizeLinear", "DequantizeLinear"),
}
"""Operations between an image and the first layer that leave its axes as they are."""
_MOST_STEPS = 50


def _name_channels(graph: "onnx.GraphProto") -> None:
    """Give inputs of open shape the axes that a convolution of them needs: [?, c, ?, ?]."""
    weights = {item.name: tuple(item.dims) for item in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for value in graph.input:
        kind = value.type.tensor_type
        if kind.HasField("shape") and (len(kind.shape.dim) != 4 or shape_of(value)[1] is not None):
            continue
        waiting = list(readers.get(value.name, []))
        for _ in range(_MOST_STEPS):
            if not waiting:
                break
            node = waiting.pop(0)
            kernel = weights.get(node.input[1], ()) if len(node.input) > 1 else ()
            if node.op_type == "Conv" and len(kernel) == 4:
                groups = [it.i for it in node.attribute if it.name == "group"]
                while len(kind.shape.dim) < 4:
                    kind.shape.dim.add()
                kind.shape.dim[1].dim_value = kernel[1] * (groups[0] if groups else 1)
                break
            if node.op_type in _PASSING and node.output:
                waiting += readers.get(node.output[0], [])


def shape_of(value: "onnx.ValueInfoProto") -> Shape:
    """What an ONNX file says of a tensor's shape; no axes where it says nothing."""
    return tuple(
        size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else None
        for size in value.type.tensor_type.shape.dim
    )


def contradict(declared: Shape, real: Shape) -> bool:
    """Whether a tensor cannot have both shapes; one without axes says nothing."""
    if not declared or not real:
        return False
    return len(declared) != len(real) or any(
        one is not None and other is not None and one != other
        for one, other in zip(declared, real, strict=True)
    )


def settled(declared: Shape, real: Shape) -> Shape:
    """What is known of a tensor that is declared to have one shape and found to have another.

    Where they contradict each other, nothing of what is declared can be relied on.
    """
    if not declared or contradict(declared, real):
        return real
    if not real:
        return declared
    return tuple(one if other is None else other for one, other in zip(declared, real, strict=True))
