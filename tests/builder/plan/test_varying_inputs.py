from itertools import pairwise
from typing import Any

import pytest

from builder.manifest.variant_schema import CpuVariant, GpuVariant
from builder.model.file import Model
from builder.model.graph import Graph, Node
from builder.plan.varying_inputs import InputSizes, input_sizes, networks, varying_inputs
from runtimes.arrays import Size
from runtimes.backends.varying_input import VaryingInput
from runtimes.decoders.rcnn import Torchvision
from runtimes.decoders.yolo import Yolo
from runtimes.detector import Detector
from runtimes.embedders.vector import Embedding
from runtimes.network import Network
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.text import ResizeHeight, ResizeMultiple
from runtimes.preprocess.values import Layout
from runtimes.reid import Reid
from runtimes.second import Second
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder, Preprocess

OPEN = Tensor("images", (None, 3, None, None), "float32")
FIXED = Tensor("images", (1, 3, 64, 96), "float32")
NHWC = Layout("nhwc")
OPEN_NHWC = Tensor("images", (1, None, None, 3), "uint8")
STRIDE = Letterbox(size=(640, 640), stride=32)


def network(*steps: Preprocess, file: str = "model.onnx") -> Network:
    return Network(file, "images", steps)


def detector(found: Network, decoder: Decoder, *seconds: Network) -> Detector:
    then = tuple(Second(it, (0,), 1.0, None) for it in seconds)
    return Detector({0: "cat"}, 0.3, found, decoder, (), (), then)


def graph(*shapes: tuple[int | None, ...] | None) -> Graph:
    """A graph of convolutions whose inputs have these shapes."""
    names = [f"in{number}" for number in range(len(shapes))]
    nodes = tuple(Node("Conv", (it, "weights"), (f"{it}.out",)) for it in names)
    known = {name: it for name, it in zip(names, shapes, strict=True) if it is not None}
    return Graph("ONNX", 17, (), {}, nodes, {}, shapes=known)


def model(tensor: Tensor, file: str = "model.onnx") -> Any:
    class Named(Model):
        name = file

    return Named("onnx", Signature((tensor,), ()), {}, lambda: graph((1, 8, None, None)))


@pytest.mark.parametrize(
    ("steps", "tensor"),
    [
        ((Letterbox(size=(64, 64)),), OPEN),
        ((Resize(size=(64, 64)),), OPEN),
        ((CenterCrop(size=(64, 64)),), OPEN),
        ((ResizeHeight(height=48, width=320, longest=320),), OPEN),
        ((), FIXED),
        ((NHWC,), Tensor("images", (1, 64, 96, 3), "uint8")),
    ],
)
def test_some_inputs_have_one_size(steps: tuple[Preprocess, ...], tensor: Tensor) -> None:
    assert input_sizes(network(*steps), tensor) is None


@pytest.mark.parametrize(
    ("steps", "tensor"), [((), OPEN), ((NHWC,), OPEN_NHWC), ((ResizeMultiple(multiple=1),), OPEN)]
)
def test_some_inputs_have_any_size(steps: tuple[Preprocess, ...], tensor: Tensor) -> None:
    assert input_sizes(network(*steps), tensor) == InputSizes()


@pytest.mark.parametrize(
    ("shapes", "one"),
    [
        ([(None, 3, 300, 300), (None, 16, 150, 150)], True),
        ([(1, 3, 300, 300), (1, 16, 150, None)], False),
        ([(1, 3, 300, 300), None], False),
        ([], False),
    ],
)
def test_a_model_that_resizes_images_in_its_graph_has_one_size(
    shapes: list[tuple[int | None, ...] | None], one: bool
) -> None:
    assert (input_sizes(network(), OPEN, graph(*shapes)) is None) == one


def test_a_letterbox_with_a_stride_has_a_size_for_each_aspect_ratio() -> None:
    # 640 * 3 / 4 = 480; 640 * 9 / 16 = 360, and the next multiple of 32 is 384.
    sizes: tuple[Size, ...] = ((384, 640), (640, 384), (480, 640), (640, 480), (640, 640))
    assert input_sizes(network(STRIDE), OPEN) == InputSizes(sizes, (640, 640), 32)


def test_a_letterbox_that_is_not_square_has_its_own_size_too() -> None:
    found = input_sizes(network(Letterbox(size=(384, 640), stride=32)), OPEN)
    assert found is not None
    assert found.largest == found.usual[-1] == (384, 640)
    assert (384, 384) in found.usual


def test_text_detectors_have_sizes_for_enlarged_and_for_reduced_images() -> None:
    found = input_sizes(network(ResizeMultiple(shortest=736, longest=1920)), OPEN)
    assert found is not None
    assert found.largest == (1920, 1920)
    # 720 -> 736 and 1280 * 736 / 720 = 1308 -> 1312; 1920 * 3 / 4 = 1440; 1920 * 9 / 16 = 1080,
    # and the next multiple of 32 is 1088.
    assert set(found.usual) == {
        *((736, 1312), (1312, 736), (1088, 1920), (1920, 1088)),
        *((1440, 1920), (1920, 1440), (1920, 1920)),
    }


def test_lines_of_text_have_widths_that_grow_by_a_constant_factor() -> None:
    found = input_sizes(network(ResizeHeight(height=48, width=320, longest=3200)), OPEN)
    assert found is not None
    widths = [width for _, width in found.usual]
    assert {height for height, _ in found.usual} == {48}
    assert (widths[0], widths[-1]) == (320, 3200)
    assert all(width % 32 == 0 for width in widths)
    assert all(1.5 < b / a < 1.7 for a, b in pairwise(widths))


GPU = GpuVariant()


def test_nothing_varies_on_the_cpu() -> None:
    function = detector(network(STRIDE), Yolo())
    assert varying_inputs(function, [model(OPEN)], CpuVariant()) == {}


def test_a_fixed_input_is_not_listed() -> None:
    function = detector(network(Resize(size=(64, 96))), Yolo())
    assert varying_inputs(function, [model(FIXED)], GPU) == {}


def test_the_first_model_runs_on_one_image_even_if_its_batch_is_open() -> None:
    found = varying_inputs(detector(network(STRIDE), Yolo()), [model(OPEN)], GPU)
    assert found["model.onnx"].batch is None
    assert len(found["model.onnx"].buckets) == 5


def test_torchvisions_detectors_get_no_buckets() -> None:
    for steps in ((), (STRIDE,)):
        found = varying_inputs(detector(network(*steps), Torchvision()), [model(OPEN)], GPU)
        assert found == {"model.onnx": VaryingInput((), None, "DEFAULT")}


def test_models_that_run_on_crops_get_one_batch_size() -> None:
    function = Reid(0.3, 100, network(Resize(size=(64, 96))), Embedding())
    found = varying_inputs(function, [model(OPEN)], GPU)
    assert found == {"model.onnx": VaryingInput((), 8, "EXHAUSTIVE")}
    assert varying_inputs(function, [model(FIXED)], GPU) == {}


def test_declared_buckets_are_those_of_the_first_model() -> None:
    lines = network(ResizeHeight(height=48, width=320, longest=640), file="then-1.onnx")
    function = detector(network(STRIDE), Yolo(), lines)
    assert [batched for _, batched in networks(function)] == [False, True]
    settings = GpuVariant.model_validate({"buckets": ((640, 640),)})
    found = varying_inputs(function, [model(OPEN), model(OPEN, "then-1.onnx")], settings)
    assert found["model.onnx"].buckets == ((640, 640),)
    assert {height for height, _ in found["then-1.onnx"].buckets} == {48}
    assert found["then-1.onnx"].batch == 8
    none = GpuVariant.model_validate({"buckets": "none"})
    found = varying_inputs(function, [model(OPEN), model(OPEN, "then-1.onnx")], none)
    assert [it.buckets for it in found.values()] == [(), ()]
