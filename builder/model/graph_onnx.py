"""Graphs of ONNX files."""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from builder.diagnostics.errors import ModelError
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.model.graph import MAX_NUMBERS, Graph, Node
from builder.model.onnx_wire import NotOnnx, without_weights
from builder.model.shape_inference import Shape

MODEL_UNREADABLE = Rule(
    "model-unreadable",
    "Unreadable model file",
    "The file is damaged, truncated, or not a model.",
)

if TYPE_CHECKING:
    import onnx


def read_onnx(path: Path) -> "onnx.ModelProto":
    """Read an ONNX file without its weights.

    Raises:
        ModelError: the file cannot be read, or is not an ONNX file.
    """
    import onnx

    try:
        proto: onnx.ModelProto = onnx.ModelProto.FromString(without_weights(path))
        return proto
    except (NotOnnx, OSError) as error:
        reason = str(error)
        cause: Exception = error
    except Exception as error:
        # protobuf's exceptions differ between its implementations.
        reason, cause = str(error), error
    raise ModelError(unreadable_model(path, "ONNX file", reason)) from cause


def unreadable_model(path: Path, expected: str, reason: str) -> Problem:
    """Return the problem of a model file that cannot be read.

    Args:
        path: the file.
        expected: the format that its suffix stands for.
        reason: why it cannot be read, for files of an unknown format.
    """
    # Imported here, since only errors need it.
    from builder.model.file_format import identify

    found = identify(path)
    if found is None:
        what = f"{path.name} is not a valid {expected}: {reason}"
        hint = "download the file again, or export the model again"
    else:
        what = f"{path.name} is not a valid {expected}: the content is that of another format"
        hint = found.hint
    return Problem(
        what, file=path, found=found.name if found else "", hint=hint, rule=MODEL_UNREADABLE
    )


def graph_of(proto: "onnx.ModelProto", shapes: Mapping[str, Shape]) -> Graph:
    """Return the graph of an ONNX model.

    Args:
        proto: the model; weights may be missing.
        shapes: name of a tensor -> its shape; see shape_inference.infer_shapes.
    """
    nodes: list[Node] = []
    tensors: dict[str, onnx.TensorProto] = {}
    graphs = [proto.graph]
    while graphs:
        graph = graphs.pop()
        tensors |= {item.name: item for item in graph.initializer}
        for node in graph.node:
            transposed = False
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value" and node.output:
                    tensors[node.output[0]] = attribute.t
                transposed |= attribute.name == "transB" and bool(attribute.i)
                graphs += [attribute.g, *attribute.graphs] if attribute.ByteSize() else []
            if node.op_type != "Constant":
                nodes.append(Node(node.op_type, tuple(node.input), tuple(node.output), transposed))
    opsets = {item.domain: item.version for item in proto.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx"))
    used = {node.domain for node in proto.graph.node} - {"", "ai.onnx"}
    producer = f"{proto.producer_name} {proto.producer_version}".strip()
    return Graph(
        f"ONNX, opset {opset or 'unknown'}" + (f", by {producer}" if producer else ""),
        opset,
        tuple(sorted(used)),
        {item.key: item.value for item in proto.metadata_props},
        tuple(nodes),
        {name: tuple(tensor.dims) for name, tensor in tensors.items()},
        {name: found for name, it in tensors.items() for found in _numbers(it)},
        shapes,
        proto.ir_version or None,
        {domain: version for domain, version in opsets.items() if domain not in ("", "ai.onnx")},
    )


def _numbers(tensor: "onnx.TensorProto") -> Iterator[tuple[float, ...]]:
    """Yield the numbers of a small tensor, unless they are external data."""
    from onnx import TensorProto, numpy_helper

    if tensor.data_location == TensorProto.EXTERNAL or not 0 < prod(tensor.dims) <= MAX_NUMBERS:
        return
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError):
        return  # The declared size or type is wrong.
    if array.dtype.kind in "iuf":
        yield tuple(map(float, array.ravel()))
