"""Operations in front of a model, compared with loops over pixels, in both runtimes."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from builder.model.onnx_wire import with_input_replaced
from builder.model.pixel_graph import pixel_graph
from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.signature import LayoutName, Tensor
from tests.grids import grid
from tests.runtimes import graphs

BACKENDS: dict[str, Backend] = {"onnxruntime": OnnxRuntime("cpu"), "openvino": OpenVino()}
HEIGHT, WIDTH = 3, 5

CHANGES: dict[str, tuple[list[float], list[float]]] = {
    "none": ([1], [0]),
    "0 to 1": ([1 / 255], [0]),
    "-1 to 1": ([1 / 127.5], [-1]),
    "offset alone": ([1], [-127.5]),
    "ImageNet": (
        [1 / 255 / it for it in (0.229, 0.224, 0.225)],
        [-2.1179, -2.0357, -1.8044],
    ),
    "means alone": ([1, 1, 1], [-123.675, -116.28, -103.53]),
}
"""Factor and offset, for all channels or for each."""


def picture(channels: int) -> Array:
    return np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)


def looped(pixels: Array, factor: list[float], offset: list[float], layout: LayoutName) -> Array:
    """The values of one pixel after the other, in float64."""
    height, width, count = pixels.shape
    hwc, chw = np.zeros((height, width, count)), np.zeros((count, height, width))
    for y in range(height):
        for x in range(width):
            for channel in range(count):
                times, plus = factor[channel % len(factor)], offset[channel % len(offset)]
                hwc[y, x, channel] = float(pixels[y, x, channel]) * times + plus
                chw[channel, y, x] = hwc[y, x, channel]
    values = chw if "chw" in layout else hwc
    return values[None] if "n" in layout else values


def folded(
    path: Path,
    layout: LayoutName,
    change: str,
    *,
    channels: int = 3,
    dtype: str = "float32",
    is_open: bool = False,
) -> bytes | None:
    """A model that returns its input as float32, behind the operations."""
    known: list[int | str] = ["height", "width"] if is_open else [HEIGHT, WIDTH]
    axes = [channels, *known] if "chw" in layout else [*known, channels]
    axes = [1, *axes] if "n" in layout else axes
    graphs.echo(path, shape=axes, dtype=dtype)
    sizes = [None, None] if is_open else [HEIGHT, WIDTH]
    taken = (1, *sizes, channels) if "n" in layout else (*sizes, channels)
    factor, offset = (np.resize(it, channels).astype(np.float32) for it in CHANGES[change])
    front = pixel_graph(
        Tensor("pixels", taken, "uint8"), Tensor("images", (), dtype), layout, factor, offset
    )
    return None if front is None else with_input_replaced(path.read_bytes(), "images", front)


def check(
    path: Path,
    backend: str,
    layout: LayoutName,
    change: str,
    *,
    channels: int = 3,
    dtype: str = "float32",
    is_open: bool = False,
) -> None:
    """The values are those of the loop, within the rounding of their type."""
    content = folded(path, layout, change, channels=channels, dtype=dtype, is_open=is_open)
    assert content is not None
    onnx.checker.check_model(content, full_check=True)
    path.write_bytes(content)
    session = BACKENDS[backend].open(path)
    pixels = picture(channels)
    given = pixels[None] if "n" in layout else pixels
    seen = session.run({"pixels": given})["seen"]
    factor, offset = CHANGES[change]
    tolerance = 1e-3 if dtype == "float16" else 1e-6
    expected = looped(pixels, factor, offset, layout)
    np.testing.assert_allclose(seen, expected, rtol=tolerance, atol=tolerance)


@grid(
    ("backend", BACKENDS),
    ("layout", ["nchw", "nhwc", "chw", "hwc"]),
    ("change", [it for it in CHANGES if it != "none"]),
    ("dtype", ["float32", "float16"]),
)
def test_values_are_those_of_a_loop(
    backend: str, layout: LayoutName, change: str, dtype: str, tmp_path: Path
) -> None:
    check(tmp_path / "model.onnx", backend, layout, change, dtype=dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("change", ["none", "0 to 1", "ImageNet"])
def test_open_sizes(backend: str, change: str, tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", backend, "nchw", change, is_open=True)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_gray(backend: str, layout: LayoutName, tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", backend, layout, "-1 to 1", channels=1)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_types_without_normalization(backend: str, dtype: str, tmp_path: Path) -> None:
    check(tmp_path / "model.onnx", backend, "nchw", "none", dtype=dtype)


def test_nothing_to_compute(tmp_path: Path) -> None:
    assert folded(tmp_path / "model.onnx", "nhwc", "none", dtype="uint8") is None


def test_numbers_by_channel_over_an_open_width_with_channels_last(tmp_path: Path) -> None:
    assert folded(tmp_path / "model.onnx", "nhwc", "ImageNet", is_open=True) is None


def test_operations_that_change_nothing_are_left_out(tmp_path: Path) -> None:
    content = folded(tmp_path / "model.onnx", "nchw", "0 to 1")
    assert content is not None
    ops = [node.op_type for node in onnx.ModelProto.FromString(content).graph.node]
    assert ops == ["Cast", "Constant", "Mul", "Transpose", "Identity"]
