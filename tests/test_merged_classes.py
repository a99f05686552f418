"""Labels with several class IDs: one class to `nms`, second models and CVAT."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.lint.examine import examine, plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.targets.build import build
from tests.builder.conftest import png
from tests.builder.models import end2end_model
from tests.local_function import LocalFunction
from tests.paths import ROOT
from tests.zoo.net import image

MODEL = ROOT / "manifests" / "models" / "shapes-detect.onnx"
NAMES = ("round", "angular", "angular")
"""The merged label of each class of the model."""
IOU = 0.45
THRESHOLD = 0.02


def started(folder: Path, variant: VariantName, labels: str, steps: str) -> LocalFunction:
    """A function of the example's model, built and started."""
    folder.mkdir()
    file = folder / "merged.yaml"
    file.write_text(
        f"name: merged\ntype: detector\nmodel: {MODEL}\nlabels: {labels}\n"
        "preprocess: [letterbox, {normalize: 255}]\n"
        f"postprocess: {steps}\nthreshold: {THRESHOLD}\n"
    )
    return LocalFunction(build(plan(file), folder / "build", force=False).folder, variant)


def picture(seed: int = 3) -> bytes:
    """Random quadrilaterals, between the squares and the triangles that the model knows."""
    random = np.random.default_rng(seed)
    image = np.full((320, 320, 3), 200, np.uint8)
    for x in (60, 160, 260):
        for y in (60, 160, 260):
            angles = np.sort(random.uniform(0, 2 * np.pi, 4))
            corners = [(x + 40 * np.cos(angle), y + 40 * np.sin(angle)) for angle in angles]
            color = random.integers(0, 160, 3).tolist()
            cv2.fillPoly(image, [np.array(corners, np.int32)], color)
    _, data = cv2.imencode(".png", image)
    return data.tobytes()


def greedy(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Non-maximum suppression of boxes of the same label, as a plain loop."""
    kept: list[dict[str, Any]] = []
    for item in sorted(items, key=lambda it: -it["confidence"]):
        x1, y1, x2, y2 = item["points"]
        for other in kept:
            u1, v1, u2, v2 = other["points"]
            width, height = min(x2, u2) - max(x1, u1), min(y2, v2) - max(y1, v1)
            common = max(width, 0) * max(height, 0)
            union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - common
            if other["label"] == item["label"] and common > IOU * union:
                break
        else:
            kept.append(item)
    return kept


@pytest.mark.parametrize("variant", VARIANTS)
def test_boxes_of_merged_classes_suppress_each_other(tmp_path: Path, variant: VariantName) -> None:
    image = picture()
    single = "[{name: class_0, id: 0}, {name: class_1, id: 1}, {name: class_2, id: 2}]"
    raw = started(tmp_path / "raw", variant, single, "[yolo, rectangle]")(image).body
    candidates = [{**item, "label": NAMES[int(item["label"][-1])]} for item in raw]
    # Boxes of both merged classes overlap here, so suppression within a class would not do.
    per_class = [
        item for number in "012" for item in greedy([it for it in raw if it["label"][-1] == number])
    ]
    expected = greedy(candidates)
    assert len(expected) < len(per_class)

    merged = "[{name: round, id: 0}, {name: angular, id: [1, 2]}]"
    steps = f"[yolo, {{nms: {IOU}}}, rectangle]"
    function = started(tmp_path / "merged", variant, merged, steps)
    found = function(image).body
    assert judge(found, function.labels) == []
    assert [it["label"] for it in found] == [it["label"] for it in expected]
    for item, wanted in zip(found, expected, strict=True):
        assert item["points"] == pytest.approx(wanted["points"], abs=0.02)
        assert item["confidence"] == pytest.approx(wanted["confidence"], abs=1e-4)


def test_a_merged_label_is_declared_once(tmp_path: Path) -> None:
    merged = "[{name: round, id: 0}, {name: angular, id: [1, 2]}]"
    function = started(tmp_path / "f", "cpu", merged, "[yolo, nms, rectangle]")
    assert [(it["name"], it["id"]) for it in function.labels] == [("round", 0), ("angular", 1)]
    source = (tmp_path / "f/build/merged/nuclio/model_handler.py").read_text()
    assert '1: "angular"' in source
    assert '2: "angular"' in source
    readme = (tmp_path / "f/build/merged/README.md").read_text()
    assert "| 1, 2 | angular | rectangle |" in readme


def test_nms_is_allowed_after_final_detections_of_merged_classes(tmp_path: Path) -> None:
    end2end_model(tmp_path / "m.onnx")
    file = tmp_path / "m.yaml"
    text = (
        "name: m\ntype: detector\nmodel: m.onnx\n"
        "labels: [{name: cat, id: 0}, {name: pet, id: %s}]\n"
        "preprocess: [letterbox, {normalize: 255}]\npostprocess: [yolo_end2end, nms, rectangle]\n"
    )
    file.write_text(text % "1")
    assert [it.code for it in examine(file).problems] == ["redundant-nms"]
    file.write_text(text % "[1, 2]")
    assert examine(file).problems == ()


def map_model(path: Path) -> np.ndarray:
    """Write a model that finds the same map of five classes in each image; return the map.

    Classes 2 and 3 touch; class 3 also has a part of four cells, and one elsewhere.
    """
    classes = np.zeros((64, 64), np.int64)
    classes[8:24, 8:24] = 2
    classes[8:24, 24:40] = 3
    classes[24:26, 8:10] = 3
    classes[40:50, 40:50] = 3
    classes[40:60, 4:20] = 4
    logits = np.full((1, 5, 64, 64), -4, np.float32)
    np.put_along_axis(logits[0], classes[None], 4, axis=0)
    net = image()
    net.give("logits", net.known(logits), (1, 5, 64, 64))
    net.save(path)
    return classes


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("per", ["class", "component"])
def test_semantic_gives_one_mask_of_merged_classes(
    tmp_path: Path, variant: VariantName, per: str
) -> None:
    classes = map_model(tmp_path / "m.onnx")
    (tmp_path / "m.yaml").write_text(
        "name: m\ntype: detector\nmodel: m.onnx\n"
        "labels: [{name: tree, id: 4}, {name: vehicle, id: [2, 3]}]\n"
        "preprocess: [resize, {normalize: 255}]\n"
        f"postprocess: [{{semantic: {{per: {per}}}}}, mask]\n"
    )
    built = build(plan(tmp_path / "m.yaml"), tmp_path / "build", force=False)
    function = LocalFunction(built.folder, variant)
    items = function(png(64, 64, 100)).body
    assert judge(items, function.labels) == []
    found = []
    for item in items:
        *pixels, left, top, right, bottom = item["mask"]
        whole = np.zeros((64, 64), bool)
        whole[top : bottom + 1, left : right + 1] = np.reshape(pixels, (bottom - top + 1, -1)) == 1
        found.append((item["label"], whole))
    vehicle = (classes == 2) | (classes == 3)
    far = vehicle & (np.arange(64) >= 40)
    parts = [vehicle] if per == "class" else [vehicle & ~far, far]
    assert len(found) == len(parts) + 1
    for label, wanted in (("tree", classes == 4), *(("vehicle", it) for it in parts)):
        assert [name for name, mask in found if np.array_equal(mask, wanted)] == [label]
