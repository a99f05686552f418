from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from runtimes.arrays import Array, Size
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend, Session
from runtimes.clock import Clock
from runtimes.decoders.classify import Classify
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.network import MAX_BATCH, Network, OpenNetwork, Outputs, extra_input
from runtimes.picture import Picture
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.text import ResizeHeight, ResizeMultiple
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.signature import LayoutName, Signature, Tensor
from runtimes.step import Preprocess
from runtimes.view import View
from tests.grids import grid
from tests.runtimes import graphs
from tests.runtimes.graphs import Axes
from tests.test_deploy_layout_end_to_end import deploy_model

BACKENDS: list[Backend] = [OpenVino(threads=1), OnnxRuntime(device="cpu", threads=1)]

IMAGE = np.random.default_rng(3).integers(0, 256, (6, 8, 3), dtype=np.uint8)


@grid(
    ("backend", BACKENDS),
    (
        ("shape", "layout"),
        [
            ((1, 3, 6, 8), "nchw"),
            ((1, 6, 8, 3), "nhwc"),
            ((3, 6, 8), "chw"),
            ((6, 8, 3), "hwc"),
            ((1, 3, "height", "width"), "nchw"),
            (("batch", "height", "width", 3), "nhwc"),
        ],
    ),
    ("dtype", ["float32", "float16", "uint8"]),
)
def test_the_input_has_the_layout_and_type_of_the_model(
    backend: Backend, tmp_path: Path, shape: Axes, layout: LayoutName, dtype: str
) -> None:
    graphs.echo(tmp_path / "echo.onnx", shape=shape, dtype=dtype)
    steps = (Resize((6, 8)), Channels("rgb"), Layout(layout))
    network = Network("echo.onnx", "images", steps).open(backend, tmp_path)
    seen = network.run(Picture.whole(IMAGE), Clock()).tensors["seen"]
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
    outputs = (
        Network("echo.onnx", "images", steps)
        .open(backend, tmp_path)
        .run(Picture.whole(IMAGE), Clock())
    )
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
    network.run(Picture.whole(IMAGE), clock)
    assert list(clock.stages) == ["preprocess", "inference"]


def test_a_missing_model_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadModel) as caught:
        Network("model.onnx", "images", ()).open(BACKENDS[0], tmp_path)
    assert str(tmp_path / "model.onnx") in caught.value.what
    assert "missing" in caught.value.what
    assert "build" in caught.value.hint


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_input_that_the_model_lacks_is_refused(backend: Backend, tmp_path: Path) -> None:
    graphs.echo(tmp_path / "model.onnx")
    with pytest.raises(BadModel) as caught:
        Network("model.onnx", "pictures", ()).open(backend, tmp_path)
    assert caught.value.what == "model.onnx has no input 'pictures'"
    assert caught.value.found == "images"
    assert "build the function again" in caught.value.hint


Window = tuple[int, int, int, int]
WIDTH, HEIGHT = 60, 50
PHOTO = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
WINDOWS: list[Window] = [(0, 0, 60, 50), (10, 5, 18, 13), (40, 20, 60, 24), (59, 49, 60, 50)]
"""The whole, a square of the input's size, a wide one at the border, and one pixel."""


class Counting:
    """A session that records the batch size and the size inputs of each run."""

    device = ""
    warning = ""

    def __init__(self, session: Session) -> None:
        self.batches: list[int] = []
        self._session = session

    @property
    def signature(self) -> Signature:
        return self._session.signature

    def read(self, names: Iterable[str]) -> None:
        raise NotImplementedError

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        self.batches.append(len(inputs["images"]))
        return self._session.run(inputs)


def opened(
    backend: Backend, folder: Path, shape: Axes, *steps: Preprocess
) -> tuple[OpenNetwork, Counting]:
    """A model that returns its inputs."""
    graphs.echo(folder / "echo.onnx", shape=shape)
    session = Counting(backend.open(folder / "echo.onnx"))
    bound = (*steps, Channels("rgb"), Layout("nchw"))
    return OpenNetwork(Network("echo.onnx", "images", bound), session), session


def squares(count: int) -> list[Window]:
    """Crops of PHOTO of 8 by 8 pixels, all different."""
    return [(n % 50, n % 41, n % 50 + 8, n % 41 + 8) for n in range(count)]


def planes(window: Window) -> Array:
    """The NCHW RGB input for a crop of PHOTO without resizing."""
    left, top, right, bottom = window
    return PHOTO[top:bottom, left:right, ::-1].transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("count", [0, 1, 2, MAX_BATCH, MAX_BATCH + 1, 2 * MAX_BATCH + 3])
@pytest.mark.parametrize("batch", [1, "n"])
def test_crops_are_run_in_order_and_in_batches(
    backend: Backend, tmp_path: Path, batch: int | str, count: int
) -> None:
    network, session = opened(backend, tmp_path, (batch, 3, 8, 8), Resize((8, 8)))
    windows = squares(count)
    found = list(network.run_crops(PHOTO, windows, Clock()))
    assert len(found) == count
    for window, outputs in zip(windows, found, strict=True):
        assert outputs.tensors["seen"].shape == (1, 3, 8, 8)
        assert (outputs.tensors["seen"] == planes(window)).all()
    assert sum(session.batches) == count
    if batch == 1:
        assert session.batches == [1] * count
    else:
        full, rest = divmod(count, MAX_BATCH)
        assert session.batches == [MAX_BATCH] * full + [rest] * bool(rest)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(1, 3, 16, 16), ("n", 3, 16, 16), (3, 16, 16)])
@pytest.mark.parametrize("step", [Letterbox((16, 16)), Resize((16, 16))])
def test_a_crop_is_preprocessed_like_an_image(
    backend: Backend, tmp_path: Path, shape: Axes, step: Preprocess
) -> None:
    graphs.echo(tmp_path / "echo.onnx", shape=shape)
    steps = (step, Channels("rgb"), Normalize(), Layout("chw" if len(shape) == 3 else "nchw"))
    network = Network("echo.onnx", "images", steps).open(backend, tmp_path)
    together = list(network.run_crops(PHOTO, WINDOWS, Clock()))
    assert len(together) == len(WINDOWS)
    for (left, top, right, bottom), outputs in zip(WINDOWS, together, strict=True):
        alone = network.run(Picture.whole(PHOTO[top:bottom, left:right]), Clock())
        np.testing.assert_array_equal(outputs.tensors["seen"], alone.tensors["seen"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, "n"])
def test_crops_with_inputs_of_different_sizes_are_run_separately(
    backend: Backend, tmp_path: Path, batch: int | str
) -> None:
    shape = (batch, 3, "height", "width")
    network, _ = opened(backend, tmp_path, shape, Letterbox((32, 32), stride=16))
    found = list(network.run_crops(PHOTO, WINDOWS, Clock()))
    # 32 x 27 and 32 x 6 are padded up to the next 16; the others are squares.
    assert [outputs.view.input for outputs in found] == [(32, 32), (32, 32), (16, 32), (32, 32)]
    for (left, top, right, bottom), outputs in zip(WINDOWS, found, strict=True):
        alone = network.run(Picture.whole(PHOTO[top:bottom, left:right]), Clock())
        np.testing.assert_array_equal(outputs.tensors["seen"], alone.tensors["seen"])


def shown(outputs: Outputs) -> list[list[float]]:
    """The corners of the model's input in the image."""
    height, width = outputs.view.input
    corners = np.array([[0, 0], [width, height]], np.float64)
    places: list[list[float]] = outputs.view.geometry.inverse.points(corners).tolist()
    return places


@pytest.mark.parametrize("batch", [1, "n"])
@pytest.mark.parametrize(
    ("step", "places"),
    [
        (
            Resize((16, 16)),
            [[[0, 0], [60, 50]], [[10, 5], [18, 13]], [[40, 20], [60, 24]], [[59, 49], [60, 50]]],
        ),
        # 60 x 50 becomes 16 x 13 with 1 row above and 2 below, 20 x 4 becomes 16 x 3 with 6 and 7.
        (
            Letterbox((16, 16)),
            [
                [[0, -50 / 13], [60, 50 + 100 / 13]],
                [[10, 5], [18, 13]],
                [[40, 20 - 6 * 4 / 3], [60, 24 + 7 * 4 / 3]],
                [[59, 49], [60, 50]],
            ],
        ),
    ],
)
def test_the_geometry_of_a_crop_is_relative_to_the_whole_image(
    tmp_path: Path, step: Preprocess, places: list[list[list[float]]], batch: int | str
) -> None:
    network, _ = opened(BACKENDS[1], tmp_path, (batch, 3, 16, 16), step)
    found = list(network.run_crops(PHOTO, WINDOWS, Clock()))
    for outputs, expected in zip(found, places, strict=True):
        assert outputs.view.image == (HEIGHT, WIDTH)
        assert outputs.view.input == (16, 16)
        np.testing.assert_allclose(shown(outputs), expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("batch", [1, "n"])
def test_the_outputs_of_a_crop_are_copies(
    backend: Backend, tmp_path: Path, batch: int | str
) -> None:
    network, _ = opened(backend, tmp_path, (batch, 3, 8, 8), Resize((8, 8)))
    windows = squares(3)
    results = network.run_crops(PHOTO, windows, Clock())
    first = next(results)
    network.run(Picture.whole(255 - PHOTO[:8, :8]), Clock())
    assert (first.tensors["seen"] == planes(windows[0])).all()
    found = [first, *results]
    again = list(network.run_crops(255 - PHOTO, windows, Clock()))
    for window, outputs, other in zip(windows, found, again, strict=True):
        assert (outputs.tensors["seen"] == planes(window)).all()
        assert (other.tensors["seen"] == 255 - planes(window)).all()
    # Nor does one part's result reach another's.
    found[0].tensors["seen"][:] = -1
    assert (found[1].tensors["seen"] == planes(windows[1])).all()


def test_crops_are_timed_as_their_own_stage(tmp_path: Path) -> None:
    network, _ = opened(BACKENDS[1], tmp_path, ("n", 3, 8, 8), Resize((8, 8)))
    clock = Clock()
    list(network.run_crops(PHOTO, squares(2), clock))
    assert list(clock.stages) == ["crops", "crop inference"]


def sized(path: Path, names: Mapping[str, str]) -> None:
    """`images` [1, 3, 32, 64] and further inputs [1, 2] -> each of those as `NAME_seen`, float32.

    Args:
        path: of the file.
        names: name of an input -> its type.
    """
    kinds = {
        "float32": TensorProto.FLOAT,
        "int32": TensorProto.INT32,
        "int64": TensorProto.INT64,
    }
    nodes = [helper.make_node("ReduceMin", ["images"], ["least"], keepdims=0)]
    nodes.append(helper.make_node("Sub", ["least", "least"], ["nothing"]))
    for name, kind in names.items():
        source = name
        if kind != "float32":
            source = f"{name}_float"
            nodes.append(helper.make_node("Cast", [name], [source], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Add", [source, "nothing"], [f"{name}_seen"]))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "sized",
        [
            value("images", TensorProto.FLOAT, [1, 3, 32, 64]),
            *(value(name, kinds[kind], [1, 2]) for name, kind in names.items()),
        ],
        [value(f"{name}_seen", TensorProto.FLOAT, [1, 2]) for name in names],
    )
    opsets = [helper.make_opsetid("", 17)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("names", "told"),
    [
        # RT-DETR: width and height. PaddleDetection: height and width, and no further scaling.
        ({"orig_target_sizes": "int64"}, {"orig_target_sizes": [[64, 32]]}),
        ({"orig_target_sizes": "int32"}, {"orig_target_sizes": [[64, 32]]}),
        ({"orig_target_sizes": "float32"}, {"orig_target_sizes": [[64, 32]]}),
        (
            {"scale_factor": "float32", "im_shape": "float32"},
            {"scale_factor": [[1, 1]], "im_shape": [[32, 64]]},
        ),
    ],
)
def test_a_size_input_gets_the_size_of_the_models_input(
    backend: Backend, tmp_path: Path, names: dict[str, str], told: dict[str, list[list[float]]]
) -> None:
    sized(tmp_path / "sized.onnx", names)
    steps = (Letterbox((32, 64)), Channels("rgb"), Layout("nchw"))
    network = Network("sized.onnx", "images", steps).open(backend, tmp_path)
    crops = list(network.run_crops(PHOTO, WINDOWS, Clock()))
    # The size of the image itself has no say in it.
    for outputs in (
        network.run(Picture.whole(PHOTO), Clock()),
        network.run(Picture.whole(IMAGE), Clock()),
        *crops,
    ):
        seen = {name: outputs.tensors[f"{name}_seen"].tolist() for name in names}
        assert seen == told


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((1, None, None), (1, 32, 64)),
        ((None, None, None), (1, 32, 64)),
        ((1, 16, 16), (1, 16, 16)),
        ((None, 64, 64), (1, 64, 64)),
    ],
)
@pytest.mark.parametrize("dtype", ["int64", "float32", "bool"])
def test_every_pixel_counts_in_the_mask_of_the_input(
    shape: tuple[int | None, ...], wanted: tuple[int, ...], dtype: str
) -> None:
    mask = extra_input(Tensor("pixel_mask", shape, dtype), (32, 64))
    assert (mask.shape, mask.dtype) == (wanted, np.dtype(dtype))
    assert mask.all()


def test_a_mask_with_other_axes_is_refused() -> None:
    with pytest.raises(BadModel, match="has 2 axes"):
        extra_input(Tensor("pixel_mask", (None, None), "int64"), (32, 64))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("image", [IMAGE, PHOTO])
def test_a_model_with_a_size_input_gives_boxes_in_pixels_of_its_input(
    backend: Backend, tmp_path: Path, image: Array
) -> None:
    deploy_model(tmp_path / "deploy.onnx")
    steps = (Resize((64, 96)), Channels("rgb"), Layout("nchw"))
    tensors = (
        Network("deploy.onnx", "images", steps)
        .open(backend, tmp_path)
        .run(Picture.whole(image), Clock())
        .tensors
    )
    # 0.25, 0.5, 0.75, 0.625 of 96 by 64, and so on.
    assert tensors["boxes"].tolist() == [[[24, 32, 72, 40], [0, 8, 48, 32], [0, 0, 96, 64]]]
    assert tensors["labels"].tolist() == [[1, 0, 1]]
    assert tensors["scores"].tolist() == [[0.5, 0.875, 0.125]]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("output", "read"), [("product", {"product"}), (None, {"product", "same"})]
)
def test_outputs_that_no_step_reads_are_not_fetched(
    backend: Backend, tmp_path: Path, output: str | None, read: set[str]
) -> None:
    graphs.two_inputs(tmp_path / "model.onnx")
    network = Network("model.onnx", "images", ()).open(
        backend, tmp_path, (Classify(output=output),)
    )
    inputs = {"images": np.ones((1, 3, 8, 8), np.float32), "weight": np.ones(1, np.float32)}
    assert network.session.run(inputs).keys() == read


@pytest.mark.parametrize(
    "step",
    [
        Letterbox((48, 64)),
        Letterbox((48, 64), stride=16),
        Resize((24, 20)),
        CenterCrop((24, 24)),
        ResizeMultiple(shortest=64, longest=96),
        ResizeHeight(height=24, width=64),
        Normalize(),
    ],
)
@pytest.mark.parametrize("size", [(40, 60), (60, 40), (7, 90), (33, 33)])
def test_the_content_is_the_image_times_the_scale_of_the_geometry(
    step: Preprocess, size: Size
) -> None:
    frame = step(Frame(np.zeros((*size, 3), np.uint8), Geometry()))
    content = size[0] * frame.geometry.scale_y, size[1] * frame.geometry.scale_x
    assert step.content(size) == pytest.approx(content)
