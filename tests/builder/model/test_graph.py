import pytest

from builder.model.graph import Graph, Node


def graph_of(*nodes: Node, weights: dict[str, tuple[int, ...]] | None = None) -> Graph:
    return Graph("test", 17, (), {}, nodes, weights or {})


def test_the_base_of_a_tensor_is_before_reshaping_and_casting() -> None:
    graph = graph_of(
        Node("Sigmoid", ("x",), ("s",)),
        Node("Reshape", ("s", "shape"), ("r",)),
        Node("Cast", ("r",), ("y",)),
    )
    assert graph.base("y") == "s"
    assert graph.last_op("y") == "Sigmoid"
    assert graph.last_op("x") == ""


def test_parts_of_nested_concats_are_in_order() -> None:
    graph = graph_of(
        Node("Mul", ("a", "b"), ("boxes",)),
        Node("Sigmoid", ("c",), ("scores",)),
        Node("Concat", ("boxes", "scores"), ("inner",)),
        Node("Concat", ("inner", "points"), ("outer",)),
        Node("Transpose", ("outer",), ("y",)),
    )
    assert graph.parts("y") == ("boxes", "scores", "points")
    assert graph.last_ops("y") == ("Mul", "Sigmoid", "")


def test_the_activation_of_a_layer_with_a_bias_is_none_and_of_constants_unknown() -> None:
    graph = graph_of(
        Node("MatMul", ("x", "w"), ("m",)),
        Node("Add", ("bias", "m"), ("logits",)),
        Node("Softmax", ("logits",), ("p",)),
        Node("Add", ("c", "d"), ("known",)),
    )
    assert graph.activation("logits") == "none"
    assert graph.activation("p") == "softmax"
    assert graph.activation("known") is None


def test_the_channel_count_of_a_tensor_is_read_from_the_weights() -> None:
    graph = graph_of(
        Node("Conv", ("x", "w"), ("a",)),
        Node("Gemm", ("x", "g"), ("b",), transposed=True),
        Node("Gemm", ("x", "g"), ("c",)),
        Node("Add", ("bias", "c"), ("d",)),
        Node("ConvTranspose", ("x", "w"), ("e",)),
        weights={"w": (8, 3, 1, 1), "g": (91, 1024), "bias": (1024,)},
    )
    assert [graph.channel_count(name) for name in "abcdex"] == [8, 91, 1024, 1024, 3, None]


def test_classes_are_counted_at_the_scores_and_not_at_gates() -> None:
    graph = graph_of(
        Node("Conv", ("x", "w64"), ("a",)),
        Node("Sigmoid", ("a",), ("gate",)),
        Node("Mul", ("a", "gate"), ("silu",)),
        Node("Conv", ("silu", "w5"), ("b",)),
        Node("Sigmoid", ("b",), ("scores",)),
        Node("TopK", ("scores", "k"), ("best", "places")),
        weights={"w64": (64, 3, 3, 3), "w5": (5, 64, 1, 1)},
    )
    assert graph.class_count("best", "Sigmoid") == 5
    assert graph.class_count("silu", "Sigmoid") is None


def test_cyclic_graphs_end_no_query_in_a_loop() -> None:
    graph = graph_of(
        Node("Reshape", ("b",), ("a",)),
        Node("Concat", ("a", "c"), ("b",)),
        Node("Add", ("d",), ("d",)),
    )
    assert graph.last_op("a") in ("", "Concat")
    graph.parts("a")
    graph.activation("d")
    assert list(graph.upstream("d")) == [graph.nodes[2]]


def test_the_first_operations_of_an_input() -> None:
    graph = graph_of(
        Node("Cast", ("x",), ("a",)),
        Node("Sub", ("a", "mean"), ("b",)),
        Node("Div", ("b", "std"), ("c",)),
        Node("Conv", ("c", "w"), ("d",)),
        Node("Relu", ("d",), ("e",)),
    )
    assert graph.input_ops("x") == ("Sub", "Div")


def test_the_origin_of_gathered_padded_and_scattered_values() -> None:
    graph = graph_of(
        Node("ArgMax", ("x",), ("a",)),
        Node("Gather", ("a", "rows"), ("b",)),
        Node("Sigmoid", ("rows",), ("places",)),
        Node("ConstantOfShape", ("n",), ("zeros",)),
        Node("Where", ("own", "b", "w"), ("c",)),
        Node("Concat", ("c", "zeros"), ("d",)),
        Node("ScatterND", ("zeros", "places", "d"), ("e",)),
        Node("Tile", ("e", "w"), ("f",)),
    )
    assert graph.origins("f") == ((graph.nodes[0], "a"),)


NUMBERS = {
    "two": (2.0,),
    "mean": (10.0, 20.0, 30.0),
    "std": (1.0, 2.0, 4.0),
    "many": (1.0,) * 5,
    "nothing": (0.0,),
}


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ([], ((0,), (1,))),
        ([("Sub", "mean"), ("Div", "std")], ((10, 20, 30), (1, 2, 4))),
        # ((x / 2) - mean) / std = (x - 2 * mean) / (2 * std)
        ([("Div", "two"), ("Sub", "mean"), ("Div", "std")], ((20, 40, 60), (2, 4, 8))),
        # x * 2 + mean = (x + mean / 2) / (1 / 2)
        ([("Mul", "two"), ("Add", "mean")], ((-5, -10, -15), (0.5,) * 3)),
        ([("Sub", "elsewhere")], None),
        ([("Sub", "many")], None),
        ([("Mul", "nothing")], None),
        # Layers begin, and what comes after them is done to other values.
        ([("MaxPool", "two"), ("Sub", "mean")], ((0,), (1,))),
        ([("Sub", "two"), ("Add", "many")], ((2,), (1,))),
    ],
)
def test_the_normalization_of_an_input_is_read_from_the_graph(
    steps: list[tuple[str, str]], known: tuple[tuple[float, ...], ...] | None
) -> None:
    nodes = [
        Node(op, (f"x{place}", by), (f"x{place + 1}",)) for place, (op, by) in enumerate(steps)
    ]
    last = Node("Conv", (f"x{len(steps)}", "w"), ("y",))
    graph = Graph("test", 17, (), {}, (*nodes, last), {}, NUMBERS)
    found = graph.normalization("x0")
    if known is None:
        assert found is None
        return
    assert found is not None
    for numbers, expected in zip(found, known, strict=True):
        assert set(numbers) == set(expected)
        assert len(numbers) in (len(expected), 1)


def test_a_number_minus_the_input_is_no_normalization() -> None:
    graph = Graph("test", 17, (), {}, (Node("Sub", ("two", "x"), ("y",)),), {}, NUMBERS)
    assert graph.normalization("x") is None
