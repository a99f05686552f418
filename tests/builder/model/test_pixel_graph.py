"""Operations in front of an ONNX graph, compared with loops over pixels, in both runtimes."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from builder.model.onnx_wire import with_input_replaced
from builder.model.pixel_graph import pixel_graph
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.signature import LayoutName
from tests.builder.model.pixel_values import CHANGES, echo, given, looped, operations_of, picture
from tests.grids import grid

BACKENDS: dict[str, Backend] = {"onnxruntime": OnnxRuntime("cpu"), "openvino": OpenVino()}


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
    echo(path, layout, channels=channels, dtype=dtype, is_open=is_open)
    pixels, operations = operations_of(
        "pixels", layout, change, channels=channels, dtype=dtype, is_open=is_open
    )
    front = pixel_graph(pixels, "images", operations)
    content = with_input_replaced(path.read_bytes(), "images", front)
    onnx.checker.check_model(content, full_check=True)
    path.write_bytes(content)
    session = BACKENDS[backend].open(path)
    seen = session.run({"pixels": given(picture(channels), layout)})["seen"]
    tolerance = 1e-3 if dtype == "float16" else 1e-6
    expected = looped(picture(channels), change, layout)
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
