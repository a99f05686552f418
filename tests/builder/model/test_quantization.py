from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from builder.model.quantization import quantized
from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend

pytestmark = pytest.mark.slow

node = helper.make_node
RANDOM = np.random.default_rng(0)
FIRST = RANDOM.normal(0, 1, (4, 3, 3, 3)).astype(np.float32)
LAST = RANDOM.normal(0, 1, (2, 4, 1, 1)).astype(np.float32)


def model() -> onnx.ModelProto:
    """Two convolutions with a Relu between them."""
    graph = helper.make_graph(
        [
            node("Conv", ["x", "first"], ["a"]),
            node("Relu", ["a"], ["r"]),
            node("Conv", ["r", "last"], ["y"]),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2, 6, 6])],
        [numpy_helper.from_array(FIRST, "first"), numpy_helper.from_array(LAST, "last")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    made.producer_name = "pytorch"
    helper.set_model_props(made, {"names": "{0: 'cat'}"})
    return made


def image(seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0, 1, (1, 3, 8, 8)).astype(np.float32)


def feeds() -> Iterator[dict[str, Array]]:
    return ({"x": image(seed)} for seed in range(20))


def convolved(values: Array, weights: Array) -> Array:
    """A convolution without padding, by a loop over the places of the result."""
    size = weights.shape[2]
    height, width = (it - size + 1 for it in values.shape[2:])
    found = np.zeros((1, len(weights), height, width))
    for y in range(height):
        for x in range(width):
            part = values[0, :, y : y + size, x : x + size]
            found[0, :, y, x] = (weights * part).sum(axis=(1, 2, 3))
    return found


def stepped(values: Array, low: float, high: float, steps: int) -> Array:
    """Values rounded to one of `steps` + 1 numbers, of which one is 0."""
    scale = (max(high, 0) - min(low, 0)) / steps
    zero = round(-min(low, 0) / scale)
    return np.asarray((np.round(values / scale + zero).clip(0, steps) - zero) * scale)


def expected(values: Array, *, with_outputs: bool) -> Array:
    """The result with the input and the first weights in few steps, and maybe the first result."""
    weights = np.stack([np.round(it / abs(it).max() * 64) * abs(it).max() / 64 for it in FIRST])
    images = [image(seed) for seed in range(20)]
    low, high = min(it.min() for it in images), max(it.max() for it in images)
    first = convolved(stepped(values, low, high, 255), weights)
    if with_outputs:
        sums = [convolved(it, FIRST) for it in images]
        first = stepped(first, min(it.min() for it in sums), max(it.max() for it in sums), 255)
    return convolved(np.maximum(first, 0), LAST)


@pytest.mark.parametrize("backend", [OpenVino(), OnnxRuntime("cpu")])
@pytest.mark.parametrize("with_outputs", [False, True])
def test_results_are_those_of_a_loop_with_rounded_numbers(
    backend: Backend, with_outputs: bool, tmp_path: Path
) -> None:
    onnx.save(quantized(model(), feeds(), with_outputs=with_outputs), tmp_path / "model.onnx")
    session = backend.open(tmp_path / "model.onnx")
    values = image(100)
    (found,) = session.run({"x": values}).values()
    exact = convolved(np.maximum(convolved(values, FIRST), 0), LAST)
    size = abs(exact).max()
    reference = expected(values, with_outputs=with_outputs)
    # A sum that lies between two steps may be rounded to either.
    assert abs(found - reference).max() < 0.015 * size
    assert np.median(abs(found - reference)) < 1e-5 * size
    assert 0.002 * size < abs(found - exact).max() < 0.05 * size


def test_all_layers_but_the_last_have_integer_weights() -> None:
    made = quantized(model(), feeds(), with_outputs=True)
    weights = {it.name: numpy_helper.to_array(it) for it in made.graph.initializer}
    assert "first" not in weights
    assert (weights["last"] == LAST).all()
    (integers,) = (it for it in weights.values() if it.shape == FIRST.shape)
    assert integers.dtype == np.int8
    # 7 bits, of which each channel uses all.
    assert abs(integers.astype(int)).max(axis=(1, 2, 3)).tolist() == [64] * 4


def test_the_same_calibration_gives_the_same_bytes() -> None:
    one, other = (quantized(model(), feeds(), with_outputs=True) for _ in range(2))
    assert one.SerializeToString(deterministic=True) == other.SerializeToString(deterministic=True)


def test_signature_and_metadata_stay() -> None:
    given = model()
    before = given.SerializeToString()
    made = quantized(given, feeds(), with_outputs=True)
    assert given.SerializeToString() == before
    assert (made.graph.input, made.graph.output) == (given.graph.input, given.graph.output)
    assert [(it.key, it.value) for it in made.metadata_props] == [("names", "{0: 'cat'}")]
    assert made.producer_name == "pytorch"


@pytest.mark.parametrize("backend", [OpenVino(), OnnxRuntime("cpu")])
def test_models_before_opset_13_have_one_scale_for_all_channels(
    backend: Backend, tmp_path: Path
) -> None:
    old = model()
    old.opset_import[0].version = 11
    made = quantized(old, feeds(), with_outputs=False)
    scales = {it.name: numpy_helper.to_array(it) for it in made.graph.initializer}
    assert scales["first_scale"].size == 1
    onnx.save(made, tmp_path / "model.onnx")
    values = image(100)
    (found,) = backend.open(tmp_path / "model.onnx").run({"x": values}).values()
    exact = convolved(np.maximum(convolved(values, FIRST), 0), LAST)
    assert abs(found - exact).max() < 0.05 * abs(exact).max()


@pytest.mark.parametrize("backend", [OpenVino(), OnnxRuntime("cpu")])
def test_products_with_a_stack_of_matrices_stay_in_single_precision(
    backend: Backend, tmp_path: Path
) -> None:
    weights = {
        "stack": RANDOM.normal(0, 1, (3, 8, 5)).astype(np.float32),
        "matrix": RANDOM.normal(0, 1, (5, 4)).astype(np.float32),
        "last": RANDOM.normal(0, 1, (4, 2)).astype(np.float32),
    }
    graph = helper.make_graph(
        [
            node("MatMul", ["x", "stack"], ["a"]),
            node("MatMul", ["a", "matrix"], ["b"]),
            node("MatMul", ["b", "last"], ["y"]),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 8, 2])],
        [numpy_helper.from_array(it, name) for name, it in weights.items()],
    )
    given = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    made = quantized(given, feeds(), with_outputs=False)
    names = {it.name for it in made.graph.initializer}
    assert {"stack", "last", "matrix_quantized"} <= names
    onnx.save(made, tmp_path / "model.onnx")
    values = image(100)
    (found,) = backend.open(tmp_path / "model.onnx").run({"x": values}).values()
    exact = values @ weights["stack"] @ weights["matrix"] @ weights["last"]
    assert abs(found - exact).max() < 0.05 * abs(exact).max()


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    quantized(model(), feeds(), with_outputs=True)
    assert capfd.readouterr() == ("", "")
