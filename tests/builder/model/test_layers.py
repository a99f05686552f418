import onnx
from onnx import helper

from builder.model.layers import behind_layers, is_layer, read_by

node = helper.make_node


def graph(*nodes: onnx.NodeProto) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), "graph", [], [])


def test_operations_behind_the_last_layer() -> None:
    made = graph(
        node("Relu", ["x"], ["a"]),
        node("Conv", ["a", "w"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("Conv", ["c", "v"], ["d"]),
        node("Sigmoid", ["d"], ["scores"]),
        node("Shape", ["b"], ["size"]),
        node("Add", ["d", "size"], ["boxes"]),
    )
    assert behind_layers(made) == {3, 4, 5, 6}


def test_each_of_two_heads_ends_with_its_own_layer() -> None:
    made = graph(
        node("Conv", ["x", "w"], ["a"]),
        node("Gemm", ["a", "v"], ["b"]),
        node("MatMul", ["a", "u"], ["c"]),
        node("Concat", ["b", "c"], ["d"], axis=0),
    )
    assert behind_layers(made) == {1, 2, 3}


def test_a_custom_operation_counts_as_a_layer() -> None:
    fused = node("FusedConv", ["a"], ["b"], domain="com.microsoft")
    assert is_layer(fused)
    assert behind_layers(graph(node("Relu", ["x"], ["a"]), fused)) == {1}


def test_a_layer_reads_through_a_subgraph() -> None:
    inner = helper.make_graph(
        [node("Neg", ["outer"], ["given"])],
        "then",
        [],
        [helper.make_tensor_value_info("given", onnx.TensorProto.FLOAT, None)],
    )
    branch = node("If", ["condition"], ["a"], then_branch=inner, else_branch=inner)
    assert read_by(branch) == {"condition", "outer", "given"}
    made = graph(node("Relu", ["x"], ["outer"]), branch, node("MatMul", ["a", "w"], ["b"]))
    assert behind_layers(made) == {2}
