"""Layers of ONNX graphs: the operations with weights, and those that come behind all of them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN"})
"""Operations that do nearly all of a network's arithmetic."""


def is_layer(node: "onnx.NodeProto") -> bool:
    """Return whether an operation is a layer; one of a custom domain may be a fused layer."""
    return node.op_type in LAYERS or node.domain not in ("", "ai.onnx")


def behind_layers(graph: "onnx.GraphProto") -> set[int]:
    """Return the positions of the operations whose results no layer reads, directly or not.

    The last layers are among them.
    """
    reaching: set[str] = set()
    behind = set()
    for place in range(len(graph.node) - 1, -1, -1):
        node = graph.node[place]
        if reaching.isdisjoint(node.output):
            behind.add(place)
        else:
            reaching.update(read_by(node))
        if is_layer(node):
            reaching.update(node.input)
    return behind


def read_by(node: "onnx.NodeProto") -> set[str]:
    """Return the names of the tensors that a node and its subgraphs read."""
    names = set(node.input)
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            names.update(it.name for it in graph.output)
            for inner in graph.node:
                names |= read_by(inner)
    return names
