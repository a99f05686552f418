"""RT-DETR's deploy layout, which takes the image's size as an input, from manifest to reply."""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from builder.diagnostics.errors import CvatbuildError
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.targets.build import build
from runtimes.arrays import Array
from tests.builder.conftest import detector_of
from tests.local_function import LocalFunction

INPUT = (64, 96)
"""Height and width of the model's input; they differ, so that a swap shows."""

QUERIES = (
    (1, (0.25, 0.5, 0.75, 0.625), 0.5),  # 24 to 72 and 32 to 40 in the input
    (0, (0.0, 0.125, 0.5, 0.5), 0.875),  # 0 to 48 and 8 to 32
    (1, (0.0, 0.0, 1.0, 1.0), 0.125),  # below the threshold
)
"""Class, x1 y1 x2 y2 in 0..1 of the input, score."""


def deploy_model(path: Path) -> Path:
    """`images` and `orig_target_sizes` (width, height) -> `labels`, `boxes`, `scores`.

    It finds QUERIES in every image. The boxes are in pixels of `orig_target_sizes`.
    """
    height, width = INPUT
    constants: dict[str, Array] = {
        "zero": np.array(0, np.float32),
        "axes": np.array([1], np.int64),
        "known_labels": np.array([[label for label, _, _ in QUERIES]], np.float32),
        "fractions": np.array([[box for _, box, _ in QUERIES]], np.float32),
        "known_scores": np.array([[score for _, _, score in QUERIES]], np.float32),
    }
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "zero"], ["nothing"]),
        helper.make_node("Cast", ["orig_target_sizes"], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["size", "size"], ["size_twice"], axis=1),
        helper.make_node("Unsqueeze", ["size_twice", "axes"], ["factors"]),
        helper.make_node("Mul", ["fractions", "factors"], ["boxes"]),
        helper.make_node("Add", ["known_scores", "nothing"], ["scores"]),
        helper.make_node("Add", ["known_labels", "nothing"], ["label_values"]),
        helper.make_node("Cast", ["label_values"], ["labels"], to=TensorProto.INT64),
    ]
    count = len(QUERIES)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "deploy",
        [
            value("images", TensorProto.FLOAT, [1, 3, height, width]),
            value("orig_target_sizes", TensorProto.INT64, [1, 2]),
        ],
        [
            value("labels", TensorProto.INT64, [1, count]),
            value("boxes", TensorProto.FLOAT, [1, count, 4]),
            value("scores", TensorProto.FLOAT, [1, count]),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save_model(model, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deploy")


def manifest(folder: Path, resize: str) -> Path:
    deploy_model(folder / "model.onnx")
    data = {
        "name": resize,
        "type": "detector",
        "model": "model.onnx",
        "labels": ["cat", "dog"],
        "preprocess": [resize, {"normalize": 255}],
        "postprocess": ["rtdetr_deploy", "rectangle"],
    }
    file = folder / f"{resize}.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    return file


@cache
def started(folder: Path, resize: str, variant: VariantName) -> LocalFunction:
    """The function with one of the two resizing steps."""
    out = folder / "build" / variant
    built = build(plan(manifest(folder, resize)), out, force=False).folder
    return LocalFunction(built, variant)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("resize", "width", "height", "cat", "dog"),
    [
        # Halved to 96 x 32 and laid 16 below the top: y is 2 * (y - 16), cut to the image.
        ("letterbox", 192, 64, [0, 0, 96, 32], [48, 32, 144, 48]),
        # Halved to 48 x 64 and laid 24 from the left: x is 2 * (x - 24), cut to the image.
        ("letterbox", 96, 128, [0, 16, 48, 64], [0, 64, 96, 80]),
        ("letterbox", 96, 64, [0, 8, 48, 32], [24, 32, 72, 40]),
        # Half as wide, as high as it was.
        ("resize", 192, 64, [0, 8, 96, 32], [48, 32, 144, 40]),
        # As wide as it was, half as high.
        ("resize", 96, 128, [0, 16, 48, 64], [24, 64, 72, 80]),
        # A third of the width, a quarter of the height.
        ("resize", 288, 256, [0, 32, 144, 128], [72, 128, 216, 160]),
    ],
)
def test_boxes_are_in_pixels_of_the_image_for_each_resizing_step(
    folder: Path,
    resize: str,
    width: int,
    height: int,
    cat: list[float],
    dog: list[float],
    variant: VariantName,
) -> None:
    function = started(folder, resize, variant)
    _, data = cv2.imencode(".png", np.full((height, width, 3), 77, np.uint8))
    reply = function(data.tobytes())
    assert reply.status == 200
    assert judge(reply.body, function.labels) == []
    assert reply.body == [
        {"label": "cat", "type": "rectangle", "points": pytest.approx(cat), "confidence": 0.875},
        {"label": "dog", "type": "rectangle", "points": pytest.approx(dog), "confidence": 0.5},
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_threshold_of_a_request_is_applied(folder: Path, variant: VariantName) -> None:
    function = started(folder, "resize", variant)
    _, data = cv2.imencode(".png", np.zeros((*INPUT, 3), np.uint8))
    items = function(data.tobytes(), threshold=0.1).body
    assert [item["confidence"] for item in items] == [0.875, 0.5, 0.125]
    assert items[2]["points"] == pytest.approx([0, 0, 96, 64])
    assert [item["confidence"] for item in function(data.tobytes(), threshold=0.6).body] == [0.875]


def test_only_the_size_is_accepted_as_a_second_input(tmp_path: Path) -> None:
    file = manifest(tmp_path, "resize")
    assert detector_of(plan(file)).network.input == "images"
    model = onnx.load(tmp_path / "model.onnx")
    model.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, [1, 2]))
    onnx.save_model(model, tmp_path / "model.onnx")
    with pytest.raises(CvatbuildError) as caught:
        plan(file)
    assert "mask [1, 2] float32" in caught.value.problems[0].found
