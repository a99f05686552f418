import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

import runtimes
from runtimes.classes import Classes
from runtimes.decoders.nanodet import Nanodet
from runtimes.decoders.yolo import Yolo
from runtimes.decoders.yolo_end2end import YoloEnd2end
from runtimes.decoders.yolo_objectness import YoloObjectness
from runtimes.errors import BadModel
from runtimes.frame import Frame
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.refine.suppress import MinSize, Nms, TopK
from runtimes.shapes.rectangle import Rectangle
from runtimes.signature import ImageInput, Signature
from runtimes.step import Decoder, Preprocess, Refine, Shape, SideOrSize, Step, height_width
from runtimes.view import View

KINDS = (Preprocess, Decoder, Refine, Shape)


def all_steps() -> Iterator[type[Step]]:
    """All steps, found by their packages."""
    for module in pkgutil.walk_packages(runtimes.__path__, "runtimes."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, KINDS) and value not in KINDS:
                yield value


@pytest.mark.parametrize(
    ("step", "name"),
    [
        (Letterbox, "letterbox"),
        (CenterCrop, "center_crop"),
        (Nms, "nms"),
        (TopK, "top_k"),
        (MinSize, "min_size"),
        (Yolo, "yolo"),
        (YoloObjectness, "yolo_objectness"),
        (YoloEnd2end, "yolo_end2end"),
        (Rectangle, "rectangle"),
    ],
)
def test_name_is_the_class_in_snake_case(step: type[Step], name: str) -> None:
    assert step.name() == name


def test_names_are_unique() -> None:
    # A class with the name of another step is that step, bound to a model.
    steps = {step for step in all_steps() if "name" not in vars(step)}
    assert {Letterbox, Normalize, Yolo, Nms, Rectangle} <= steps
    assert len({step.name() for step in steps}) == len(steps)


@pytest.mark.parametrize(
    "step",
    [
        Letterbox(size=(384, 640), fill=0, align="top_left", stride=32),
        Resize(size=640),
        CenterCrop(),
        Channels("gray"),
        Normalize(1.0, (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)),
        Layout("nhwc"),
        Yolo(output='it\'s a "name"'),
        YoloObjectness(),
        YoloEnd2end(output="output0"),
        Nms(iou=0.7, per_class=False, max=100),
        TopK(5),
        MinSize(2.5),
        Rectangle(),
    ],
)
def test_repr_is_an_expression_that_recreates_the_step(step: Step) -> None:
    assert eval(repr(step), {type(step).__name__: type(step)}) == step


@pytest.mark.parametrize(
    ("step", "value"),
    [
        (Letterbox, {"fill": 256}),
        (Letterbox, {"fill": -1}),
        (Letterbox, {"size": 0}),
        (Letterbox, {"size": 16385}),
        (Letterbox, {"size": [640, 0]}),
        (Letterbox, {"stride": 0}),
        (Letterbox, {"sise": 640}),
        (Normalize, {"scale": 0}),
        (Normalize, {"scale": float("inf")}),
        (Normalize, {"mean": [float("nan")]}),
        (Normalize, {"std": [1, 0, 1]}),
        (Nms, {"iou": 1.01}),
        (Nms, {"iou": -0.01}),
        (Nms, {"max": 0}),
        (TopK, {"k": 0}),
        (MinSize, {"side": 0}),
        (Channels, {"order": "rbg"}),
    ],
)
def test_values_out_of_bounds_are_refused_by_pydantic(step: type[Step], value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(step).validate_python(value)


@pytest.mark.parametrize(
    ("step", "value", "made"),
    [
        (Letterbox, {"size": 1, "fill": 0}, Letterbox(size=1, fill=0)),
        (Letterbox, {"size": [16384, 1], "fill": 255}, Letterbox(size=(16384, 1), fill=255)),
        (Nms, {"iou": 0, "max": 1}, Nms(iou=0, max=1)),
        (Nms, {"iou": 1}, Nms(iou=1)),
        (Normalize, {"std": [0.1]}, Normalize(std=(0.1,))),
    ],
)
def test_values_at_the_bounds_are_accepted(step: type[Step], value: object, made: Step) -> None:
    assert TypeAdapter(step).validate_python(value) == made


def test_bounds_reach_the_json_schema() -> None:
    properties: dict[str, Any] = TypeAdapter(Nms).json_schema()["properties"]
    assert (properties["iou"]["minimum"], properties["iou"]["maximum"]) == (0, 1)
    assert properties["max"]["minimum"] == 1
    scale = TypeAdapter(Normalize).json_schema()["properties"]["scale"]
    assert scale["exclusiveMinimum"] == 0


@pytest.mark.parametrize(
    ("given", "size"), [(640, (640, 640)), ((384, 640), (384, 640)), ((1, 2), (1, 2))]
)
def test_one_number_is_a_square(given: SideOrSize, size: tuple[int, int]) -> None:
    assert height_width(given) == size


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        (Classes(80, exact=True), 80),
        (Classes(1, exact=True), 1),
        (Classes(3, exact=False), 3),
        (Classes(3, exact=False), 80),
    ],
)
def test_a_class_count_that_fits_the_labels_is_accepted(classes: Classes, found: int) -> None:
    classes.check(found, "output0")


@pytest.mark.parametrize(
    ("classes", "found", "what", "allowed"),
    [
        (Classes(80, exact=True), 79, "79 classes, the manifest 80 labels", "79 labels"),
        (Classes(2, exact=True), 80, "80 classes, the manifest 2 labels", "80 labels"),
        (
            Classes(81, exact=False),
            80,
            "80 classes, the manifest a label with id 80",
            "ids 0 to 79",
        ),
    ],
)
def test_a_class_count_that_does_not_fit_is_in_the_message(
    classes: Classes, found: int, what: str, allowed: str
) -> None:
    with pytest.raises(BadModel) as caught:
        classes.check(found, "output0 [1, 84, 8400] float32")
    assert what in caught.value.what
    assert caught.value.found == "output0 [1, 84, 8400] float32"
    assert caught.value.allowed == allowed
    assert "`id`" in caught.value.hint


def test_a_preprocessing_step_needs_no_bind_method() -> None:
    step = Preprocess()
    assert step.bind(ImageInput("images", "float32", "nchw", 640, 640, 3)) is step


def test_the_base_classes_are_abstract() -> None:
    nobody = Instances.of(np.zeros((0, 4)), np.zeros(0), np.zeros(0))
    with pytest.raises(NotImplementedError):
        Preprocess()(Frame(np.zeros((1, 1, 3), np.uint8), Geometry()))
    with pytest.raises(NotImplementedError):
        Decoder()({}, View((1, 1), (1, 1), Geometry()), 0.5)
    with pytest.raises(NotImplementedError):
        Decoder().bind(Signature((), ()), Classes(1, exact=True))
    with pytest.raises(NotImplementedError):
        Refine()(nobody)
    with pytest.raises(NotImplementedError):
        Shape()(nobody, (1, 1))


def test_the_names_of_a_bound_decoders_outputs_are_among_its_texts() -> None:
    assert "output0" in YoloEnd2end("output0").tensors()
    assert Yolo().tensors() == ()
    assert {"a", "b", "c"} <= set(Nanodet(scores=("a", "b"), bins=("c",)).tensors())
