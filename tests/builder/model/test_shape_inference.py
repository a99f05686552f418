"""Shapes by a graph's operations, against shapes that a person works out."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from builder.model.graph_onnx import read_onnx
from builder.model.onnx_wire import without_weights
from builder.model.shape_inference import Shape, infer_shapes, merge_shapes, shapes_conflict
from tests import zoo


def model(
    nodes: list[onnx.NodeProto],
    given: list[int | str | None] | None,
    weights: dict[str, np.ndarray] | None = None,
    **more: object,
) -> onnx.ModelProto:
    """A graph from `x` to `y`, whose shape it does not declare."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, **more)


def test_shapes_are_inferred_from_the_input_without_the_weights(tmp_path: Path) -> None:
    kernel = np.zeros((16, 3, 3, 3), np.float32)
    proto = model(
        [
            # (64 + 2 - 3) // 2 + 1 = 32
            helper.make_node("Conv", ["x", "w"], ["a"], strides=[2, 2], pads=[1, 1, 1, 1]),
            helper.make_node("Reshape", ["a", "sizes"], ["b"]),
            helper.make_node("Transpose", ["b"], ["y"], perm=[0, 2, 1]),
        ],
        [1, 3, 64, 64],
        {"w": kernel, "sizes": np.array([0, 16, -1])},
    )
    onnx.save_model(proto, tmp_path / "m.onnx")
    assert kernel.tobytes() not in without_weights(tmp_path / "m.onnx")
    found = infer_shapes(read_onnx(tmp_path / "m.onnx"))
    assert found["a"] == (1, 16, 32, 32)
    assert found["b"] == (1, 16, 1024)
    assert found["y"] == (1, 1024, 16)


def test_sizes_computed_from_shapes_are_inferred() -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"]),
        helper.make_node("Concat", ["n", "rest"], ["sizes"], axis=0),
        helper.make_node("Reshape", ["x", "sizes"], ["y"]),
    ]
    weights = {"first": np.array([0]), "rest": np.array([7, 84])}
    assert infer_shapes(model(nodes, [1, 588], weights))["y"] == (1, 7, 84)
    assert infer_shapes(model(nodes, ["n", 588], weights))["y"] == (None, 7, 84)


def test_declared_shapes_of_intermediate_tensors_are_ignored() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]
    proto = model(nodes, [1, 7])
    proto.graph.value_info.append(helper.make_tensor_value_info("a", TensorProto.FLOAT, [7, 1]))
    assert infer_shapes(proto)["y"] == (1, 7)


@pytest.mark.parametrize("size", [0, -1])
def test_invalid_sizes_leave_an_axis_open(size: int) -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])], [size, 7])
    assert infer_shapes(proto)["y"] == (None, 7)


@pytest.mark.parametrize("given", [None, ["n", "c", "h", "w"]])
def test_an_open_input_gets_the_channels_of_its_first_layer(
    given: list[int | str | None] | None,
) -> None:
    nodes = [
        helper.make_node("Sub", ["x", "mean"], ["a"]),
        helper.make_node("Conv", ["a", "w"], ["y"], group=2),
    ]
    weights = {"mean": np.zeros(1, np.float32), "w": np.zeros((8, 3, 1, 1), np.float32)}
    found = infer_shapes(model(nodes, given, weights))
    # Two groups of three channels.
    assert found["x"] == (None, 6, None, None)
    assert found["y"] == (None, 8, None, None)


def test_an_input_that_is_transposed_before_its_first_layer_stays_open() -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["a", "w"], ["y"]),
    ]
    weights = {"w": np.zeros((8, 3, 1, 1), np.float32)}
    assert infer_shapes(model(nodes, ["n", "h", "w", "c"], weights))["x"] == (None,) * 4


def test_sizes_computed_from_values_are_unknown() -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["sizes"], to=TensorProto.INT64),
        helper.make_node("Expand", ["w", "sizes"], ["y"]),
    ]
    assert "y" not in infer_shapes(model(nodes, ["n"], {"w": np.zeros((1, 7), np.float32)}))


def test_an_invalid_graph_has_no_shapes() -> None:
    nodes = [helper.make_node("Gather", ["absent"], ["y"], axis=99)]
    assert "y" not in infer_shapes(model(nodes, [1, 7]))
    assert infer_shapes(onnx.ModelProto()) == {}


def test_too_large_graphs_have_no_shapes() -> None:
    chain = [helper.make_node("Relu", ["x"], ["y"])] * 20_001
    assert infer_shapes(model(chain, [1])) == {}
    long = model([helper.make_node("Relu", ["x"], ["y"], doc_string="x" * 9_000_000)], [1])
    assert infer_shapes(long) == {}


def test_nested_functions_are_not_expanded() -> None:
    # Each calls the next twice: 2 ** 60 operations.
    opsets = [helper.make_opsetid("own", 1), helper.make_opsetid("", 17)]

    def twice(number: int) -> onnx.FunctionProto:
        called = f"f{number + 1}"
        calls = [
            helper.make_node(called, ["p"], ["q"], domain="own"),
            helper.make_node(called, ["q"], ["r"], domain="own"),
        ]
        return helper.make_function("own", f"f{number}", ["p"], ["r"], calls, opsets)

    last = helper.make_node("Relu", ["p"], ["r"])
    functions = [twice(number) for number in range(60)]
    functions.append(helper.make_function("own", "f60", ["p"], ["r"], [last], opsets))
    nodes = [helper.make_node("f0", ["x"], ["y"], domain="own")]
    assert "y" not in infer_shapes(model(nodes, [1], functions=functions))


@pytest.mark.parametrize(
    "name", ["yolov8", "yolov8_obb", "rtdetr", "semantic_numbers", "pixellink"]
)
def test_inferred_shapes_are_those_of_a_run(tmp_path: Path, name: str) -> None:
    import onnxruntime

    file = getattr(zoo, name)(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(file)
    (image,) = session.get_inputs()
    given = session.run(None, {image.name: np.zeros(image.shape, np.float32)})
    found = infer_shapes(read_onnx(file))
    for output, array in zip(session.get_outputs(), given, strict=True):
        assert found[output.name] == array.shape


SHAPES: list[tuple[Shape, Shape, bool, Shape]] = [
    ((1, 84, 8400), (1, 84, 8400), False, (1, 84, 8400)),
    ((1, None, None), (1, 84, None), False, (1, 84, None)),
    ((1, 84, 8400), (None, 84, None), False, (1, 84, 8400)),
    # What is wrong in one place is believed in none.
    ((1, 84, 8400), (None, None, 84), True, (None, None, 84)),
    ((84, 8400), (None, None, None), True, (None, None, None)),
    ((), (1, 84), False, (1, 84)),
    ((1, 84), (), False, (1, 84)),
]


@pytest.mark.parametrize(("declared", "real", "wrong", "known"), SHAPES)
def test_real_sizes_take_precedence_over_declared_ones(
    declared: Shape, real: Shape, wrong: bool, known: Shape
) -> None:
    assert shapes_conflict(declared, real) is wrong
    assert merge_shapes(declared, real) == known
