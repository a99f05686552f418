from pathlib import Path

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from tests.grids import grid
from tests.runtimes import graphs
from tests.runtimes.graphs import Axes

BACKENDS: list[Backend] = [OpenVino(threads=1), OnnxRuntime(device="cpu", threads=1)]


def both(file: Path, inputs: dict[str, Array]) -> list[dict[str, Array]]:
    return [backend.open(file).run(inputs) for backend in BACKENDS]


def convolved(image: Array, weights: Array, bias: Array) -> Array:
    """max(0, convolution) of (3, H, W) without padding, one product after the other."""
    kinds, channels, rows, columns = weights.shape
    height, width = image.shape[1] - rows + 1, image.shape[2] - columns + 1
    result = np.zeros((kinds, height, width))
    for kind in range(kinds):
        for y in range(height):
            for x in range(width):
                total = float(bias[kind])
                for channel in range(channels):
                    for row in range(rows):
                        for column in range(columns):
                            weight = float(weights[kind, channel, row, column])
                            total += weight * float(image[channel, y + row, x + column])
                result[kind, y, x] = max(0.0, total)
    return result


@pytest.mark.parametrize("shape", [(1, 3, 7, 9), (1, 3, "height", "width")])
def test_a_convolution_matches_a_loop(tmp_path: Path, shape: Axes) -> None:
    rng = np.random.default_rng(1)
    weights, bias = rng.normal(size=(2, 3, 3, 3)), rng.normal(size=2)
    file = graphs.convolution(tmp_path / "model.onnx", weights, bias, shape=shape)
    image = rng.random((1, 3, 7, 9), np.float32)
    wanted = convolved(image[0], weights, bias)
    assert (wanted > 0).any()
    assert (wanted == 0).any()
    for outputs in both(file, {"images": image}):
        assert set(outputs) == {"features", "means"}
        np.testing.assert_allclose(outputs["features"][0], wanted, atol=1e-5)
        np.testing.assert_allclose(outputs["means"][0, :, 0, 0], wanted.mean((1, 2)), atol=1e-5)


def test_a_dynamic_size_may_change_between_runs(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    weights, bias = rng.normal(size=(2, 3, 3, 3)), rng.normal(size=2)
    file = graphs.convolution(
        tmp_path / "model.onnx", weights, bias, shape=(1, 3, "height", "width")
    )
    for backend in BACKENDS:
        session = backend.open(file)
        for height, width in ((5, 6), (4, 9), (5, 6)):
            image = rng.random((1, 3, height, width), np.float32)
            found = session.run({"images": image})["features"][0]
            np.testing.assert_allclose(found, convolved(image[0], weights, bias), atol=1e-5)


@grid(
    ("shape", [(1, 3, 8, 8), (1, 8, 8, 3), (3, 8, 8)]),
    ("dtype", ["float32", "float16", "uint8"]),
    ("output_dtype", ["float32", "float16"]),
)
def test_a_constant_output_does_not_depend_on_the_image(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, output_dtype: str
) -> None:
    # All of them are exact in half precision.
    known = np.array([[[0.5, -2, 1024], [0.25, 640, 0]]], np.float32)
    file = graphs.constant(
        tmp_path / "model.onnx", known, shape=shape, dtype=dtype, output_dtype=output_dtype
    )
    image = np.random.default_rng(4).integers(0, 256, shape).astype(dtype)
    for outputs in both(file, {"images": image}):
        assert outputs["output0"].dtype == np.dtype(output_dtype)
        np.testing.assert_array_equal(outputs["output0"], known)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_returned(tmp_path: Path, bad: float) -> None:
    known = np.array([[[1, bad, 3]]], np.float32)
    file = graphs.constant(tmp_path / "model.onnx", known)
    for outputs in both(file, {"images": np.ones((1, 3, 64, 64), np.float32)}):
        np.testing.assert_array_equal(outputs["output0"], known)


def test_inputs_and_outputs_are_matched_by_name(tmp_path: Path) -> None:
    file = graphs.two_inputs(tmp_path / "model.onnx")
    image = np.random.default_rng(6).random((1, 3, 8, 8), np.float32)
    for outputs in both(file, {"weight": np.array([3], np.float32), "images": image}):
        np.testing.assert_array_equal(outputs["same"], image)
        np.testing.assert_allclose(outputs["product"], image * 3, rtol=1e-6)


def test_both_have_the_same_signature_except_order_and_metadata(tmp_path: Path) -> None:
    file = graphs.two_inputs(tmp_path / "model.onnx")
    first, second = (backend.open(file).signature for backend in BACKENDS)
    assert set(first.inputs) == set(second.inputs)
    assert set(first.outputs) == set(second.outputs)
    assert {tensor.name for tensor in first.inputs} == {"images", "weight"}
    assert {tensor.name for tensor in first.outputs} == {"product", "same"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_runs_are_independent(tmp_path: Path, backend: Backend) -> None:
    session = backend.open(graphs.echo(tmp_path / "model.onnx", shape=(1, 3, 8, 8)))
    for value in (1.0, 2.0, 0.0):
        image = np.full((1, 3, 8, 8), value, np.float32)
        assert (session.run({"images": image})["seen"] == value).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_only_outputs_that_are_read_are_fetched(tmp_path: Path, backend: Backend) -> None:
    session = backend.open(graphs.two_inputs(tmp_path / "model.onnx"))
    image = np.random.default_rng(6).random((1, 3, 8, 8), np.float32)
    inputs = {"weight": np.array([3], np.float32), "images": image}
    for names, wanted in (
        (["product", "letterbox"], {"product"}),
        (["same"], {"same"}),
        (["letterbox"], {"product", "same"}),
        ([], {"product", "same"}),
    ):
        session.read(names)
        found = session.run(inputs)
        assert found.keys() == wanted
        if "same" in wanted:
            np.testing.assert_array_equal(found["same"], image)
        if "product" in wanted:
            np.testing.assert_allclose(found["product"], image * 3, rtol=1e-6)
