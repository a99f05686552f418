from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from builder.model.half_precision import LARGEST, SMALLEST, in_half_precision
from builder.model.rounding import open_rounding
from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend

node = helper.make_node
RANDOM = np.random.default_rng(0)
WEIGHTS = RANDOM.normal(0, 1, (8, 6)).astype(np.float32)
MORE = RANDOM.normal(0, 1, (6, 4)).astype(np.float32)
VALUES = RANDOM.normal(0, 3, (5, 8)).astype(np.float32)


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, Array],
    *,
    shape: Sequence[int] = (5, 8),
    opset: int = 17,
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A model of float32 with the input `x` and the output `y`."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["d"] * len(shape))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(it, 1) for it in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def network(*behind: onnx.NodeProto) -> onnx.ModelProto:
    """Two layers with a Relu between them, and operations behind, from `b` to `y`."""
    return model(
        [
            node("MatMul", ["x", "w"], ["a"]),
            node("Relu", ["a"], ["r"]),
            node("MatMul", ["r", "v"], ["b" if behind else "y"]),
            *behind,
        ],
        {"w": WEIGHTS, "v": MORE, "offset": np.full(1, 1000.3, np.float32)},
    )


def saved(folder: Path, made: onnx.ModelProto) -> Path:
    onnx.checker.check_model(made, full_check=True)
    path = folder / "model.onnx"
    onnx.save(made, path)
    return path


def half(values: Array) -> Array:
    return values.astype(np.float16).astype(np.float32)


def computed(values: Array) -> Array:
    """Both layers, rounded by numpy after each operation."""
    first = half(np.maximum(half(half(values) @ half(WEIGHTS)), 0))
    return half(first @ half(MORE))


def types(made: onnx.ModelProto) -> dict[str, int]:
    """The types of all tensors, as ONNX infers them."""
    graph = onnx.shape_inference.infer_shapes(made, strict_mode=True).graph
    values = (*graph.input, *graph.output, *graph.value_info)
    return {it.name: it.type.tensor_type.elem_type for it in values}


def test_results_are_those_of_numpy_in_half_precision(tmp_path: Path) -> None:
    session = open_rounding(saved(tmp_path, in_half_precision(network())))
    (found,) = session.run({"x": VALUES}).values()
    # Sums in another order can be rounded to another number, one unit in the last place away.
    size = float(abs(found).max())
    assert found == pytest.approx(computed(VALUES), abs=2**-10 * size)
    exact = np.maximum(VALUES @ WEIGHTS, 0) @ MORE
    assert 2**-13 * size < abs(found - exact).max() < 2**-8 * size


@pytest.mark.parametrize("backend", [OpenVino(), OnnxRuntime("cpu")])
def test_inputs_and_outputs_stay_float32_in_both_runtimes(backend: Backend, tmp_path: Path) -> None:
    session = backend.open(saved(tmp_path, in_half_precision(network())))
    tensors = {it.name: it.dtype for it in (*session.signature.inputs, *session.signature.outputs)}
    # In OpenVINO, an input or output can have further names.
    assert (tensors["x"], tensors["y"]) == ("float32", "float32")
    found = session.run({"x": VALUES})["y"]
    assert found == pytest.approx(computed(VALUES), rel=0.01, abs=0.05)


def test_operations_behind_the_last_layer_stay_in_single_precision(tmp_path: Path) -> None:
    made = in_half_precision(network(node("Add", ["b", "offset"], ["y"])))
    assert types(made)["b"] == TensorProto.FLOAT
    (found,) = open_rounding(saved(tmp_path, made)).run({"x": VALUES}).values()
    # In half precision, numbers near 1000 are half a unit apart.
    assert found == pytest.approx(computed(VALUES) + np.float32(1000.3), abs=0.02)


def test_infinite_values_show(tmp_path: Path) -> None:
    large = np.full((5, 8), 60000, np.float32)
    (found,) = (
        open_rounding(saved(tmp_path, in_half_precision(network()))).run({"x": large}).values()
    )
    assert not np.isfinite(found).all()
    session = OnnxRuntime("cpu").open(tmp_path / "model.onnx")
    (hidden,) = session.run({"x": large}).values()
    assert np.isfinite(hidden).all(), "the CPU provider rounds now: remove builder.model.rounding"


def test_weights_are_halved_and_those_that_both_read_are_kept() -> None:
    made = in_half_precision(
        model(
            [
                node("MatMul", ["x", "w"], ["a"]),
                node("Mul", ["a", "factor"], ["m"]),
                node("MatMul", ["m", "v"], ["b"]),
                node("Mul", ["b", "factor"], ["y"]),
            ],
            {"w": WEIGHTS, "v": MORE, "factor": np.array([0.1], np.float32)},
        )
    )
    found = {it.name: numpy_helper.to_array(it) for it in made.graph.initializer}
    assert {name: it.dtype.name for name, it in found.items()} == {
        "factor": "float32",
        "factor_half": "float16",
        "w_half": "float16",
        "v_half": "float16",
    }
    assert (found["w_half"] == WEIGHTS.astype(np.float16)).all()


def test_constants_beyond_the_range_are_clipped() -> None:
    values = np.array([1e9, -1e9, 1e-12, -1e-12, 0, np.inf, 2.5, 1], np.float32)
    made = in_half_precision(
        model(
            [
                node("Add", ["x", "c"], ["a"]),
                node("MatMul", ["a", "w"], ["y"]),
            ],
            {"c": values, "w": WEIGHTS},
        )
    )
    (clipped,) = (it for it in made.graph.initializer if it.name == "c_half")
    expected = [LARGEST, -LARGEST, SMALLEST, -SMALLEST, 0, np.inf, 2.5, 1]
    assert numpy_helper.to_array(clipped).astype(float).tolist() == expected


def test_constant_nodes_and_casts_are_converted() -> None:
    value = numpy_helper.from_array(np.array([0.5], np.float32))
    made = in_half_precision(
        model(
            [
                node("Constant", [], ["c"], value=value),
                node("Cast", ["x"], ["i"], to=TensorProto.INT32),
                node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
                node("Mul", ["f", "c"], ["a"]),
                node("MatMul", ["a", "w"], ["y"]),
            ],
            {"w": WEIGHTS},
        )
    )
    assert [it.op_type for it in made.graph.node] == ["Cast", "Cast", "Mul", "MatMul", "Cast"]
    assert types(made)["f_half"] == TensorProto.FLOAT16


def test_the_factors_of_a_resize_stay_float32() -> None:
    made = in_half_precision(
        model(
            [
                node("Conv", ["x", "k"], ["a"]),
                node("Resize", ["a", "", "scales"], ["b"]),
                node("Conv", ["b", "k"], ["y"]),
            ],
            {
                "k": RANDOM.normal(0, 1, (3, 3, 1, 1)).astype(np.float32),
                "scales": np.array([1, 1, 2, 2], np.float32),
            },
            shape=(1, 3, 4, 4),
        )
    )
    onnx.checker.check_model(made, full_check=True)
    resize = next(it for it in made.graph.node if it.op_type == "Resize")
    assert list(resize.input) == ["a_half", "", "scales"]


def test_a_shape_is_read_without_a_conversion() -> None:
    made = in_half_precision(
        model(
            [
                node("MatMul", ["x", "w"], ["a"]),
                node("Shape", ["a"], ["s"]),
                node("Reshape", ["a", "s"], ["b"]),
                node("MatMul", ["b", "v"], ["y"]),
            ],
            {"w": WEIGHTS, "v": MORE},
        )
    )
    operations = [it.op_type for it in made.graph.node]
    assert operations == ["Cast", "MatMul", "Shape", "Reshape", "MatMul", "Cast"]


def test_subgraphs_and_custom_operations_stay_in_single_precision() -> None:
    inner = helper.make_graph(
        [node("Neg", ["a"], ["n"])],
        "branch",
        [],
        [helper.make_tensor_value_info("n", TensorProto.FLOAT, None)],
    )
    branch = node("If", ["yes"], ["c"], then_branch=inner, else_branch=inner)
    custom = node("Unknown", ["c"], ["d"], domain="custom")
    made = in_half_precision(
        model(
            [
                node("MatMul", ["x", "w"], ["a"]),
                branch,
                custom,
                node("MatMul", ["d", "v"], ["y"]),
            ],
            {"w": WEIGHTS, "v": MORE, "yes": np.array(True)},
            domains=["custom"],
        )
    )
    assert branch in made.graph.node
    assert custom in made.graph.node
    # The subgraph reads `a` under its own name, which a Cast in front of it gives.
    order = [it.output[0] for it in made.graph.node]
    assert order.index("a_half") < order.index("a") < order.index("c")


def test_names_that_are_taken_are_not_used() -> None:
    made = in_half_precision(
        model(
            [node("MatMul", ["x", "w"], ["x_half"]), node("MatMul", ["x_half", "v"], ["y"])],
            {"w": WEIGHTS, "v": MORE},
        )
    )
    onnx.checker.check_model(made, full_check=True)
    assert {"x_half_", "x_half_half_"} <= {it.output[0] for it in made.graph.node}


def test_weights_that_are_listed_among_the_inputs_are_replaced_there_as_well() -> None:
    given = network()
    given.ir_version = 3
    for name, shape in (("w", WEIGHTS.shape), ("v", MORE.shape), ("offset", (1,))):
        given.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    made = in_half_precision(given)
    assert [it.name for it in made.graph.input] == ["x"]


def test_metadata_stay_and_the_model_is_not_changed() -> None:
    given = network()
    helper.set_model_props(given, {"names": "{0: 'cat'}"})
    before = given.SerializeToString(deterministic=True)
    made = in_half_precision(given)
    assert given.SerializeToString(deterministic=True) == before
    assert [(it.key, it.value) for it in made.metadata_props] == [("names", "{0: 'cat'}")]
    again = in_half_precision(given)
    assert again.SerializeToString(deterministic=True) == made.SerializeToString(deterministic=True)


def test_a_model_of_integers_keeps_its_operations() -> None:
    made = model(
        [node("Cast", ["x"], ["i"], to=TensorProto.INT32), node("Shape", ["i"], ["y"])], {}
    )
    assert in_half_precision(made).graph.node == made.graph.node
