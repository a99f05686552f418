"""Second models on the crops of the first, from manifest to reply, in both runtimes."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from builder.diagnostics.errors import CvatbuildError
from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.run.process import FunctionProcess
from builder.run.smoke import smoke_test
from builder.targets.build import build
from tests.builder.manifest.test_skeleton_svg import circles, lines
from tests.builder.models import Box, end2end_model, save
from tests.grids import grid
from tests.local_function import LocalFunction

BOXES = ((40, 40, 40, 20, 0, 0.9), (100, 90, 20, 40, 1, 0.8), (20, 100, 20, 20, 0, 0.7))
"""The boxes of the first model at 128 by 128: center x, center y, width, height, class, score."""

MANIFEST = """
name: two
type: detector
model: first.onnx
labels: [car, bird]
preprocess: [letterbox]
postprocess: [yolo_end2end, rectangle]
then:
  - model: second.onnx
    {only}
    preprocess: [resize]
    postprocess:
      - {steps}
"""


def _save(
    path: Path, batch: int | str, nodes: list[onnx.NodeProto], outputs: dict[str, int]
) -> None:
    """A model over [batch, 3, 16, 16] whose outputs have the given numbers of axes."""
    graph = helper.make_graph(
        nodes,
        "second",
        [helper.make_tensor_value_info("crop", TensorProto.FLOAT, [batch, 3, 16, 16])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * axes)
            for name, axes in outputs.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save_model(model, path)


def colors(path: Path, batch: int | str) -> None:
    """Mean red, green and blue of a crop, 0 to 255: [batch, 3]."""
    mean = helper.make_node("ReduceMean", ["crop"], ["color"], axes=[2, 3], keepdims=0)
    _save(path, batch, [mean], {"color": 2})


def brightness(path: Path, batch: int | str) -> None:
    """The brightness of a crop per pixel: [batch, 1, 16, 16], a heatmap of its brightest spot."""
    mean = helper.make_node("ReduceMean", ["crop"], ["map"], axes=[1], keepdims=1)
    _save(path, batch, [mean], {"map": 4})


def regression(path: Path, batch: int | str) -> None:
    """Two keypoints of any crop, in 0..1: [batch, 4]."""
    fixed = helper.make_tensor("places", TensorProto.FLOAT, [1, 4], [0.25, 0.5, 1.0, 0.75])
    nodes = [
        helper.make_node("Constant", [], ["places"], value=fixed),
        helper.make_node("ReduceMean", ["crop"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Sub", ["mean", "mean"], ["nothing"]),
        helper.make_node("Constant", [], ["axis"], value=_axis(1)),
        helper.make_node("Unsqueeze", ["nothing", "axis"], ["zeros"]),
        helper.make_node("Add", ["places", "zeros"], ["points"]),
    ]
    _save(path, batch, nodes, {"points": 2})


def _axis(number: int) -> onnx.TensorProto:
    return helper.make_tensor("axis", TensorProto.INT64, [1], [number])


def _built(folder: Path, steps: str, only: str = "") -> Path:
    """A function's directory."""
    end2end_model(folder / "first.onnx", size=128, rows=BOXES)
    (folder / "two.yaml").write_text(MANIFEST.format(steps=steps, only=only))
    return build(plan(folder / "two.yaml"), folder / "build", force=False).folder


def _picture() -> bytes:
    """128 by 128 pixels with a red, a green and a blue box at the boxes of the first model."""
    image = np.full((128, 128, 3), 90, np.uint8)
    for (x, y, width, height, *_), color in zip(
        BOXES, ((0, 0, 200), (0, 200, 0), (200, 0, 0)), strict=True
    ):
        left, top = x - width // 2, y - height // 2
        image[top : top + height, left : left + width] = color  # BGR
    _, data = cv2.imencode(".png", image)
    return data.tobytes()


@grid(("batch", [1, "n"]), ("variant", VARIANTS), pairs=False)
def test_attributes_come_from_the_crop_of_each_instance(
    tmp_path: Path, variant: VariantName, batch: int | str
) -> None:
    colors(tmp_path / "second.onnx", batch)
    steps = (
        "choice_attribute: {attribute: color, values: [red, green, blue]}\n"
        "      - number_attribute: {attribute: redness, most: 255}"
    )
    function = LocalFunction(_built(tmp_path, steps), variant)
    items = function(_picture()).body
    assert judge(items, function.labels) == []
    said = [{it["name"]: it["value"] for it in item["attributes"]} for item in items]
    assert said == [
        {"color": "red", "redness": "200"},
        {"color": "green", "redness": "0"},
        {"color": "blue", "redness": "0"},
    ]
    declared = {
        it["name"]: (it["input_type"], it["values"]) for it in function.labels[0]["attributes"]
    }
    assert declared == {
        "color": ("select", ["red", "green", "blue"]),
        "redness": ("number", ["0", "255", "1"]),
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_selected_labels_get_attributes(tmp_path: Path, variant: VariantName) -> None:
    colors(tmp_path / "second.onnx", 1)
    steps = "choice_attribute: {attribute: color, values: [red, green, blue]}"
    function = LocalFunction(_built(tmp_path, steps, only="only: [bird]"), variant)
    items = function(_picture()).body
    assert judge(items, function.labels) == []
    assert [item["label"] for item in items if "attributes" in item] == ["bird"]
    assert [label["name"] for label in function.labels if "attributes" in label] == ["bird"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_classes_of_a_merged_label_get_attributes(tmp_path: Path, variant: VariantName) -> None:
    colors(tmp_path / "second.onnx", 1)
    steps = "choice_attribute: {attribute: color, values: [red, green, blue]}"
    end2end_model(tmp_path / "first.onnx", size=128, rows=BOXES)
    text = MANIFEST.format(steps=steps, only="only: [pet]")
    merged = "labels: [{name: other, id: 2}, {name: pet, id: [0, 1]}]"
    (tmp_path / "two.yaml").write_text(text.replace("labels: [car, bird]", merged))
    function = LocalFunction(
        build(plan(tmp_path / "two.yaml"), tmp_path / "build", force=False).folder, variant
    )
    items = function(_picture()).body
    assert judge(items, function.labels) == []
    said = [(item["label"], [it["value"] for it in item.get("attributes", [])]) for item in items]
    assert said == [("pet", ["red"]), ("pet", ["green"]), ("pet", ["blue"])]


@grid(("batch", [1, "n"]), ("variant", VARIANTS), pairs=False)
def test_keypoints_of_a_crop_are_in_pixels_of_the_image(
    tmp_path: Path, variant: VariantName, batch: int | str
) -> None:
    brightness(tmp_path / "second.onnx", batch)
    end2end_model(tmp_path / "first.onnx", size=128, rows=BOXES)
    (tmp_path / "two.yaml").write_text(
        MANIFEST.format(steps="heatmap", only="")
        .replace("[car, bird]", "[{name: car, sublabels: [spot]}, {name: bird, sublabels: [spot]}]")
        .replace("[yolo_end2end, rectangle]", "[yolo_end2end, skeleton]")
    )
    built = build(plan(tmp_path / "two.yaml"), tmp_path / "build", force=False).folder
    function = LocalFunction(built, variant)
    image = np.zeros((128, 128, 3), np.uint8)
    spots = [(30, 36), (95, 100), (24, 104)]  # within the three boxes
    for x, y in spots:
        cv2.circle(image, (x, y), 3, (255, 255, 255), cv2.FILLED)
    _, data = cv2.imencode(".png", image)
    items = function(data.tobytes()).body
    assert judge(items, function.labels) == []
    found = [item["elements"][0]["points"] for item in items]
    # A cell of the heatmap is up to 2.5 pixels of the image wide.
    assert np.abs(np.array(found) - (np.array(spots) + 0.5)).max() < 2.5


@grid(("batch", [1, "n"]), ("variant", VARIANTS), pairs=False)
def test_regressed_keypoints_are_relative_to_their_crop(
    tmp_path: Path, variant: VariantName, batch: int | str
) -> None:
    regression(tmp_path / "second.onnx", batch)
    end2end_model(tmp_path / "first.onnx", size=128, rows=BOXES)
    points = "[{name: car, sublabels: [a, b]}, {name: bird, sublabels: [a, b]}]"
    (tmp_path / "two.yaml").write_text(
        MANIFEST.format(steps="keypoints: {kpt_shape: [2, 2], unit: fraction}", only="")
        .replace("[car, bird]", points)
        .replace("[yolo_end2end, rectangle]", "[yolo_end2end, skeleton]")
    )
    built = build(plan(tmp_path / "two.yaml"), tmp_path / "build", force=False).folder
    function = LocalFunction(built, variant)
    items = function(_picture()).body
    assert judge(items, function.labels) == []
    found = [[it["points"] for it in item["elements"]] for item in items]
    # A quarter and all of each box's width, a half and three quarters of its height.
    expected = [[[x - w / 4, y], [x + w / 2, y + h / 4]] for x, y, w, h, *_ in BOXES]
    assert found == pytest.approx(np.array(expected), abs=0.02)


PEAKS = ((1, 2, 0.9), (4, 6, 0.75), (7, 7, 0.25), (3, 3, 0.25), (6, 1, 0.5))
"""Column, row and height of the peak of each of five keypoints' heatmaps of 8 by 8."""

PARTS = """
name: parts
type: detector
model: first.onnx
labels:
  - name: person
    id: 0
    skeletons:
      - name: body
        sublabels: [{name: neck, x: 50, y: 10}, {name: wrist, x: 80, y: 50}]
        edges: [[neck, wrist]]
      - name: foot
        sublabels: [heel, toe]
      - name: hand
        sublabels: [{name: thumb, id: 4}, {name: wrist, id: 1}]
        edges: [[wrist, thumb]]
  - {name: bird, id: 1}
preprocess: [letterbox]
postprocess: [yolo_end2end, skeleton, rectangle]
then:
  - model: second.onnx
    only: [person]
    preprocess: [resize]
    postprocess: [STEP]
"""


def peaks(path: Path, step: str) -> None:
    """The same five keypoints for every crop of 16 by 16, as heatmaps or as SimCC."""
    maps = np.zeros((1, len(PEAKS), 8, 8), np.float32)
    bins = {axis: np.zeros((1, len(PEAKS), 32), np.float32) for axis in ("simcc_x", "simcc_y")}
    for number, (column, row, score) in enumerate(PEAKS):
        maps[0, number, row, column] = score
        # Two pixels of the crop are a cell of the heatmap and four bins.
        bins["simcc_x"][0, number, 4 * column] = score
        bins["simcc_y"][0, number, 4 * row] = score
    save(path, {"maps": maps} if step == "heatmap" else bins, {"crop": (1, 3, 16, 16)})


@grid(("step", ["heatmap", "simcc"]), ("variant", VARIANTS), pairs=False)
def test_keypoints_of_one_model_become_several_skeletons(
    tmp_path: Path, variant: VariantName, step: str
) -> None:
    end2end_model(tmp_path / "first.onnx", size=128, rows=BOXES)
    peaks(tmp_path / "second.onnx", step)
    (tmp_path / "parts.yaml").write_text(PARTS.replace("STEP", step))
    folder = build(plan(tmp_path / "parts.yaml"), tmp_path / "out", force=False).folder
    function = LocalFunction(folder, variant)
    items = function(_picture()).body
    assert judge(items, function.labels) == []

    def skeleton(label: str, score: float, group: int, *points: tuple[object, ...]) -> object:
        elements = [
            {"label": name, "type": "points", "points": [x, y], "outside": outside}
            for name, x, y, outside in points
        ]
        head = {"label": label, "type": "skeleton", "elements": elements}
        return {**head, "confidence": score, "group_id": group}

    def rectangle(label: str, score: float, **group: int) -> object:
        points = {0.9: [20, 30, 60, 50], 0.8: [90, 70, 110, 110], 0.7: [10, 90, 30, 110]}[score]
        head = {"label": label, "type": "rectangle", "points": points}
        return {**head, "confidence": score, **group}

    # A cell of the first crop, of 40 by 20 pixels from (20, 30), is 5 by 2.5 pixels of the image;
    # of the third, of 20 by 20 pixels from (10, 90), it is 2.5 by 2.5. All of a foot is too little
    # sure to be seen.
    assert items == [
        skeleton("body", 0.9, 1, ("neck", 25, 35, False), ("wrist", 40, 45, False)),
        skeleton("hand", 0.9, 1, ("thumb", 50, 32.5, False), ("wrist", 40, 45, False)),
        rectangle("person", 0.9, group_id=1),
        rectangle("bird", 0.8),
        skeleton("body", 0.7, 3, ("neck", 12.5, 95, False), ("wrist", 20, 105, False)),
        skeleton("hand", 0.7, 3, ("thumb", 25, 92.5, False), ("wrist", 20, 105, False)),
        rectangle("person", 0.7, group_id=3),
    ]

    declared = {label["name"]: label for label in function.labels}
    assert {name: label["type"] for name, label in declared.items()} == {
        "person": "rectangle",
        "body": "skeleton",
        "foot": "skeleton",
        "hand": "skeleton",
        "bird": "rectangle",
    }
    drawings = {
        name: (circles(label["svg"]), lines(label["svg"]))
        for name, label in declared.items()
        if label["type"] == "skeleton"
    }
    names = {name: [it["data-label-name"] for it in found] for name, (found, _) in drawings.items()}
    assert names == {
        "body": ["neck", "wrist"],
        "foot": ["heel", "toe"],
        "hand": ["thumb", "wrist"],
    }
    for name, label in declared.items():
        assert [it["name"] for it in label.get("sublabels", [])] == names.get(name, [])
    ends = {
        name: [(it["data-node-from"], it["data-node-to"]) for it in found]
        for name, (_, found) in drawings.items()
    }
    assert ends == {"body": [("1", "2")], "foot": [], "hand": [("2", "1")]}


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(BOXES, id="found", marks=pytest.mark.slow),
        pytest.param((), id="nothing found"),
    ],
)
def test_a_keypoint_that_the_second_model_lacks_fails_the_start(
    tmp_path: Path, rows: tuple[Box, ...]
) -> None:
    end2end_model(tmp_path / "first.onnx", size=128, rows=rows)
    peaks(tmp_path / "second.onnx", "heatmap")
    (tmp_path / "parts.yaml").write_text(PARTS.replace("STEP", "heatmap").replace("id: 4", "id: 5"))
    folder = build(plan(tmp_path / "parts.yaml"), tmp_path / "out", force=False).folder
    with pytest.raises(CvatbuildError) as caught:
        FunctionProcess(folder, "cpu").wait_until_started()
    (problem,) = caught.value.problems
    assert "the model has 5 keypoints, the labels a keypoint with id 5" in problem.what
    assert problem.allowed == "ids 0 to 4"


def test_a_second_model_cannot_have_shapes(tmp_path: Path) -> None:
    colors(tmp_path / "second.onnx", 1)
    with pytest.raises(CvatbuildError) as caught:
        _built(tmp_path, "rectangle")
    (problem,) = (it for it in caught.value.problems if it.severity == "error")
    assert problem.place == "then[0].postprocess"
    assert problem.what == (
        "a second model accepts only decoders and attributes; move others to the top"
    )


def test_an_unknown_label_is_refused(tmp_path: Path) -> None:
    colors(tmp_path / "second.onnx", 1)
    with pytest.raises(CvatbuildError) as caught:
        _built(tmp_path, "number_attribute: red", only="only: [plane]")
    (problem,) = (it for it in caught.value.problems if it.severity == "error")
    assert (problem.place, problem.found, problem.allowed) == (
        "then[0].only[0]",
        "plane",
        "car, bird",
    )


def test_a_number_of_choices_that_differs_from_the_scores_fails_the_start(tmp_path: Path) -> None:
    colors(tmp_path / "second.onnx", 1)
    folder = _built(tmp_path, "choice_attribute: {attribute: color, values: [red, green]}")
    with pytest.raises(CvatbuildError) as caught:
        FunctionProcess(folder, "cpu").wait_until_started()
    assert "has 3 scores per row, the attribute 'color' 2 values" in caught.value.problems[0].what


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        pytest.param(
            "number_attribute: {attribute: red, least: 0, most: 255}", "", marks=pytest.mark.slow
        ),
        ("number_attribute: {attribute: red, scale: 100, most: 100}", "outside of its range"),
    ],
)
def test_the_smoke_test_judges_attributes_although_the_first_model_finds_nothing(
    tmp_path: Path, steps: str, words: str
) -> None:
    red = helper.make_node("ReduceMean", ["crop"], ["red"], axes=[1, 2, 3], keepdims=0)
    _save(tmp_path / "second.onnx", 1, [red], {"red": 1})
    end2end_model(tmp_path / "first.onnx", size=128, rows=())
    (tmp_path / "two.yaml").write_text(MANIFEST.format(steps=steps, only=""))
    function = plan(tmp_path / "two.yaml")
    if not words:
        build(function, tmp_path / "build", force=False, verify=smoke_test)
        return
    with pytest.raises(CvatbuildError, match=words) as caught:
        build(function, tmp_path / "build", force=False, verify=smoke_test)
    (problem,) = caught.value.problems
    assert problem.code == "attribute-values"
    assert "then-1.onnx" in problem.what
