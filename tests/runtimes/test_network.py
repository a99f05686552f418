from pathlib import Path

import numpy as np
import pytest

from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.network import Network
from runtimes.preprocess.resize import Letterbox, Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.signature import LayoutName
from runtimes.step import Preprocess
from runtimes.view import View
from tests.runtimes import graphs
from tests.runtimes.graphs import Axes

BACKENDS: list[Backend] = [OpenVino(threads=1), OnnxRuntime(device="cpu", threads=1)]

IMAGE = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 3, 6, 8), "nchw"),
        ((1, 6, 8, 3), "nhwc"),
        ((3, 6, 8), "chw"),
        ((6, 8, 3), "hwc"),
        ((1, 3, "height", "width"), "nchw"),
        (("batch", "height", "width", 3), "nhwc"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_the_model_sees_the_pixels_in_its_own_layout_and_type(
    backend: Backend, tmp_path: Path, shape: Axes, layout: LayoutName, dtype: str
) -> None:
    graphs.echo(tmp_path / "echo.onnx", shape=shape, dtype=dtype)
    steps = (Resize((6, 8)), Channels("rgb"), Layout(layout))
    network = Network("echo.onnx", "images", steps).open(backend, tmp_path)
    seen = network.run(IMAGE, Clock()).tensors["seen"]
    # Red, green, blue of a pixel in the upper right, and of one in the lower left.
    for y, x in ((0, 7), (5, 0)):
        found = {
            "nchw": lambda y, x: seen[0, :, y, x],
            "nhwc": lambda y, x: seen[0, y, x, :],
            "chw": lambda y, x: seen[:, y, x],
            "hwc": lambda y, x: seen[y, x, :],
        }[layout](y, x)
        assert found.tolist() == IMAGE[y, x, ::-1].tolist()


@pytest.mark.parametrize("backend", BACKENDS)
def test_steps_run_in_order_and_their_geometry_is_reported(
    backend: Backend, tmp_path: Path
) -> None:
    graphs.echo(tmp_path / "echo.onnx", shape=(1, 3, 16, 16))
    steps: tuple[Preprocess, ...] = (
        Letterbox((16, 16), fill=51),
        Channels("bgr"),
        Normalize(),
        Layout("nchw"),
    )
    outputs = Network("echo.onnx", "images", steps).open(backend, tmp_path).run(IMAGE, Clock())
    # Twice as large, 16 x 12, with two rows above and below.
    assert outputs.view == View((6, 8), (16, 16), Geometry(2, 2, 0, 2))
    seen = outputs.tensors["seen"]
    assert seen.shape == (1, 3, 16, 16)
    np.testing.assert_allclose(seen[0, :, :2], 0.2, atol=1e-6)
    np.testing.assert_allclose(seen[0, :, 14:], 0.2, atol=1e-6)
    # The corner of an enlarged image is the corner of the image.
    np.testing.assert_allclose(seen[0, :, 2, 0], IMAGE[0, 0] / 255, atol=1e-6)


def test_both_stages_are_timed(tmp_path: Path) -> None:
    graphs.echo(tmp_path / "echo.onnx", shape=(1, 3, 6, 8))
    network = Network("echo.onnx", "images", (Resize((6, 8)),)).open(BACKENDS[1], tmp_path)
    clock = Clock()
    network.run(IMAGE, clock)
    assert list(clock.stages) == ["preprocess", "inference"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadModel) as caught:
        Network("model.onnx", "images", ()).open(BACKENDS[0], tmp_path)
    assert str(tmp_path / "model.onnx") in caught.value.what
    assert "missing" in caught.value.what
    assert "build" in caught.value.hint


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_input_that_the_file_does_not_have_is_refused(backend: Backend, tmp_path: Path) -> None:
    graphs.echo(tmp_path / "model.onnx")
    with pytest.raises(BadModel) as caught:
        Network("model.onnx", "pictures", ()).open(backend, tmp_path)
    assert caught.value.what == "model.onnx has no input 'pictures'"
    assert caught.value.found == "images"
    assert "build the function again" in caught.value.hint
