"""Images of many sizes on a model with a dynamic input size: which shapes reach the sessions."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import orjson
import pytest

from builder.plan.varying_inputs import input_sizes
from runtimes.arrays import Array, Size
from runtimes.backends import onnxruntime_cuda
from runtimes.backends.onnxruntime_cuda import OnnxRuntime, has_nvidia_driver
from runtimes.backends.varying_input import VaryingInput
from runtimes.clock import Clock
from runtimes.decoders.dbnet import Dbnet
from runtimes.decoders.semantic import Semantic
from runtimes.decoders.yolo import Yolo
from runtimes.detector import Detector
from runtimes.errors import BadModel
from runtimes.network import Network
from runtimes.picture import Picture
from runtimes.preprocess.resize import Letterbox
from runtimes.preprocess.text import ResizeMultiple
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.refine.suppress import Nms
from runtimes.shapes.rectangle import Rectangle
from runtimes.shapes.region import Mask
from runtimes.step import Decoder, Preprocess, Refine, Shape
from tests.overlap import iou
from tests.real_models import NUDENET, TEXT
from tests.runtimes import graphs

RNG = np.random.default_rng(50)
SIZES: list[Size] = [(int(h), int(w)) for h, w in RNG.integers(8, 130, (50, 2))]
STRIDE = (Letterbox(size=(64, 64), stride=8), Channels("rgb"), Normalize(), Layout("nchw"))


def network(file: Path, name: str, steps: tuple[Preprocess, ...]) -> tuple[Network, VaryingInput]:
    """A model with an input of any size, and its buckets."""
    found = Network(file.name, name, steps)
    (tensor,) = OnnxRuntime("cpu", 1).open(file).signature.inputs
    sizes = input_sizes(found, tensor)
    assert sizes is not None
    return found, VaryingInput(sizes.usual)


class Gpu:
    """Replaces ONNX Runtime's calls on a machine with an NVIDIA driver; sessions run on the CPU.

    Attributes:
        shapes: for each session the shapes of its runs.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shapes: list[list[tuple[int, ...]]] = []
        self.searches: list[str] = []
        self._start = onnxruntime.InferenceSession
        available = ["CUDAExecutionProvider", "CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime_cuda, "has_nvidia_driver", lambda: True)
        monkeypatch.setattr(onnxruntime_cuda, "IoBinding", self.binding)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
        monkeypatch.setattr(onnxruntime, "InferenceSession", self.session)

    def session(self, model: Path, options: Any, *, providers: list[Any]) -> Any:
        session = self._start(model, options, providers=["CPUExecutionProvider"])
        session.get_providers = lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
        self.searches.append(providers[0][1]["cudnn_conv_algo_search"])
        return session

    def binding(self, session: Any, outputs: Any, device: str) -> Any:
        seen: list[tuple[int, ...]] = []
        self.shapes.append(seen)
        names = [it.name for it in outputs]

        class Binding:
            def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
                seen.append(next(iter(inputs.values())).shape)
                return dict(zip(names, session.run(names, dict(inputs)), strict=True))

        return Binding()


def test_fifty_sizes_reach_the_sessions_as_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = graphs.echo(tmp_path / "model.onnx", shape=(1, 3, "height", "width"))
    found, varying = network(file, "images", STRIDE)
    gpu = Gpu(monkeypatch)
    opened = found.open(OnnxRuntime(varying={"model.onnx": varying}), tmp_path)
    for size in SIZES:
        image = RNG.integers(0, 256, (*size, 3), dtype=np.uint8)
        outputs = opened.run(Picture.whole(image), Clock())
        height, width = outputs.view.input
        assert outputs.tensors["seen"].shape == (1, 3, height, width)
    # Every session sees one shape, from its warm-up to its last run.
    assert [len(set(it)) for it in gpu.shapes] == [1] * len(varying.buckets)
    assert {it[0][2:] for it in gpu.shapes} == set(varying.buckets)
    assert gpu.searches == ["EXHAUSTIVE"] * len(varying.buckets)
    assert sum(map(len, gpu.shapes)) == len(SIZES) + len(varying.buckets)


def test_padding_is_on_the_right_and_below_in_the_color_of_the_letterbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = graphs.echo(tmp_path / "model.onnx", shape=(1, 3, "height", "width"))
    fill = (10, 20, 30)
    steps = (Letterbox((64, 64), fill, stride=8), Channels("rgb"), Normalize(1.0), Layout("nchw"))
    found, varying = network(file, "images", steps)
    plain = found.open(OnnxRuntime("cpu", 1), tmp_path)
    Gpu(monkeypatch)
    padded = found.open(OnnxRuntime(varying={"model.onnx": varying}), tmp_path)
    for size in SIZES:
        picture = Picture.whole(RNG.integers(0, 256, (*size, 3), dtype=np.uint8))
        alone, wide = plain.run(picture, Clock()), padded.run(picture, Clock())
        assert wide.view.geometry == alone.view.geometry
        assert wide.view.input in varying.buckets
        height, width = alone.view.input
        seen = wide.tensors["seen"][0]
        np.testing.assert_array_equal(seen[:, :height, :width], alone.tensors["seen"][0])
        beyond = np.ones(wide.view.input, bool)
        beyond[:height, :width] = False
        assert (seen[:, beyond] == np.array(fill)[:, None]).all()


def test_a_map_of_a_padded_input_is_cropped_to_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The classes of pixels are where the red channel is stronger than the blue one.
    weights = np.zeros((2, 3, 1, 1))
    weights[0, 2], weights[1, 0] = 1, 1
    file = graphs.convolution(
        tmp_path / "model.onnx", weights, np.zeros(2), shape=(1, 3, "height", "width")
    )
    found, varying = network(file, "images", STRIDE)
    decoder = Semantic(output="features", background=None, activation="softmax")
    detector = Detector({0: "blue", 1: "red"}, 0.0, found, decoder, (), (Mask(),))
    plain = detector.start(OnnxRuntime("cpu", 1), tmp_path)
    Gpu(monkeypatch)
    padded = detector.start(OnnxRuntime(varying={"model.onnx": varying}), tmp_path)
    for size in SIZES[:20]:
        image = np.full((*size, 3), (200, 0, 40), np.uint8)
        image[size[0] // 2 :, size[1] // 3 :] = (30, 0, 250)
        replies = [it._detect(Picture.whole(image), 0.0, Clock()) for it in (plain, padded)]
        for one, other in zip(*replies, strict=True):
            assert one["label"] == other["label"]
            assert orjson.dumps(one["mask"]) == orjson.dumps(other["mask"])
            # The confidence is a mean over a part whose border is rounded to pixels of the image.
            assert float(one["confidence"]) == pytest.approx(float(other["confidence"]), abs=5e-3)


def test_a_bucket_that_the_gpu_cannot_run_fails_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = graphs.echo(tmp_path / "model.onnx", shape=(1, 3, "height", "width"))
    found, varying = network(file, "images", STRIDE)
    Gpu(monkeypatch)

    def refused(*_: object) -> None:
        raise RuntimeError("Failed to allocate memory for requested buffer of size 9\nmore")

    monkeypatch.setattr(onnxruntime_cuda.OnnxRuntimeSession, "run", refused)
    with pytest.raises(BadModel) as caught:
        found.open(OnnxRuntime(varying={"model.onnx": varying}), tmp_path)
    height, width = varying.buckets[0]
    assert f"an input of {height}x{width} (height x width), one of 5 buckets" in caught.value.what
    assert caught.value.what.endswith("buffer of size 9")
    assert "`buckets`" in caught.value.hint


def test_nothing_is_padded_on_the_cpu(tmp_path: Path) -> None:
    file = graphs.echo(tmp_path / "model.onnx", shape=(1, 3, "height", "width"))
    found, varying = network(file, "images", STRIDE)
    backend = OnnxRuntime("cuda", allow_cpu_fallback=True, varying={"model.onnx": varying})
    if has_nvidia_driver():
        backend = replace(backend, device="cpu")
    opened = found.open(backend, tmp_path)
    outputs = opened.run(Picture.whole(np.zeros((10, 64, 3), np.uint8)), Clock())
    assert outputs.view.input == (16, 64)


def test_batches_have_one_size_on_the_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch)
    graphs.echo(tmp_path / "model.onnx", shape=("n", 3, 8, 8))
    steps = (Letterbox((8, 8)), Channels("rgb"), Normalize(1.0), Layout("nchw"))
    varying = VaryingInput(batch=4, search="EXHAUSTIVE")
    backend = OnnxRuntime(varying={"model.onnx": varying})
    opened = Network("model.onnx", "images", steps).open(backend, tmp_path)
    images = RNG.integers(0, 256, (11, 8, 8, 3), dtype=np.uint8)
    for count in (1, 4, 11):
        found = list(opened.run_images(images[:count], Clock()))
        assert len(found) == count
        for image, outputs in zip(images, found, strict=False):
            wanted = image[None, :, :, ::-1].transpose(0, 3, 1, 2)
            np.testing.assert_array_equal(outputs.tensors["seen"], wanted)
    assert [set(it) for it in gpu.shapes] == [{(4, 3, 8, 8)}]
    assert len(gpu.shapes[0]) == 1 + 1 + 3


def gaps(
    file: Path,
    steps: tuple[Preprocess, ...],
    decoder: Decoder,
    refine: tuple[Refine, ...],
    images: list[Array],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[int, list[float], list[float]]:
    """The number of objects, and for each its overlap and difference in score with padding."""
    signature = OnnxRuntime("cpu").open(file).signature
    found, varying = network(file, signature.inputs[0].name, steps)
    shapes: tuple[Shape, ...] = (Rectangle(),)
    labels = {number: str(number) for number in range(18)}
    detector = Detector(labels, 0.3, found, decoder, refine, shapes)
    plain = detector.start(OnnxRuntime("cpu"), file.parent)
    Gpu(monkeypatch)
    padded = detector.start(OnnxRuntime(varying={file.name: varying}), file.parent)
    count, overlaps, scores = 0, [], []
    for image in images:
        there = padded._detect(Picture.whole(image), 0.2, Clock())
        for item in plain._detect(Picture.whole(image), 0.3, Clock()):
            count += 1
            same = [it for it in there if it["label"] == item["label"]]
            best = max(same, key=lambda it: iou(it["points"], item["points"]), default=None)
            assert best is not None
            overlaps.append(iou(best["points"], item["points"]))
            scores.append(abs(float(best["confidence"]) - float(item["confidence"])))
    return count, overlaps, scores


@pytest.mark.slow
def test_padding_changes_a_yolo_model_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    data: Any = pytest.importorskip("skimage.data")
    photo = data.astronaut()[:, :, ::-1]
    file = NUDENET.fetch()
    output = OnnxRuntime("cpu").open(file).signature.outputs[0].name
    steps = (Letterbox(size=(320, 320), stride=32), Channels("rgb"), Normalize(), Layout("nchw"))
    images = [
        np.ascontiguousarray(photo[: 300 + int(down), int(left) : 300 + int(right)])
        for down, left, right in RNG.integers((0, 0, 0), (212, 120, 212), (50, 3))
    ]
    count, overlaps, scores = gaps(file, steps, Yolo(output=output), (Nms(),), images, monkeypatch)
    assert count >= 40
    assert min(overlaps) > 0.85
    assert max(scores) < 0.15
    assert np.median(scores) < 0.02


@pytest.mark.slow
def test_padding_changes_a_text_detector_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    file = TEXT.fetch()
    output = OnnxRuntime("cpu").open(file).signature.outputs[0].name
    steps = (
        ResizeMultiple(shortest=320, longest=640),
        Channels("bgr"),
        Normalize(mean=(0.5,), std=(0.5,)),
        Layout("nchw"),
    )
    images = []
    for height, width in RNG.integers(200, 900, (20, 2)).tolist():
        page = np.full((height, width, 3), 255, np.uint8)
        for row in range(4):
            place = (width // 10, int((row + 0.7) * height / 4))
            cv2.putText(page, f"Words {row}", place, cv2.FONT_HERSHEY_SIMPLEX, 1.2, (20,) * 3, 3)
        images.append(page)
    count, overlaps, scores = gaps(file, steps, Dbnet(output=output), (), images, monkeypatch)
    assert count >= 50
    assert min(overlaps) > 0.7
    assert np.median(overlaps) > 0.9
    assert max(scores) < 0.15
