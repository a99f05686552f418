"""Models with known outputs, from manifest to the shapes in the reply."""

from collections.abc import Mapping
from functools import cache
from math import pi
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.judge.detector import judge
from builder.targets.build import build
from runtimes.arrays import Array
from tests.builder.models import save
from tests.local_function import LocalFunction

Item = dict[str, Any]
CANDIDATES = 84
WIDTH, HEIGHT = 128, 64
"""The letterbox scales an image of this size to 64 x 32 and pads it by 16 at the top: x, y of the
model's input is 2 * x, 2 * (y - 16) in the image."""


def columns(rows: list[list[float]]) -> Array:
    """Candidates in columns. The scores of all except the given ones are 0."""
    output = np.zeros((1, len(rows[0]), CANDIDATES), np.float32)
    output[0, :, : len(rows)] = np.array(rows, np.float32).T
    return output


def segment_outputs() -> dict[str, Array]:
    """One box twice, with two classes; the masks are its right half and its left half.

    The first map is 1 from its ninth column and -1 before; it crosses 0 at x = 32.
    """
    maps = np.full((1, 2, 16, 16), -1, np.float32)
    maps[0, 0, :, 8:] = 1
    rows = [
        # 16 to 48 and 24 to 40 in the input: 32 to 96 and 16 to 48 in the image.
        [32, 32, 32, 16, 0.9, 0, 2, 0],
        [32, 32, 32, 16, 0, 0.8, -2, 0],
        # Its mask is empty, since the second map is below zero everywhere.
        [20, 32, 8, 8, 0, 0.7, 0, 1],
    ]
    return {"output0": columns(rows), "output1": maps}


def pose_outputs() -> dict[str, Array]:
    """Two people with three keypoints each; one keypoint of the second is not visible."""
    rows = [
        [16, 32, 16, 16, 0.75, 10, 26, 0.9, 16, 32, 0.8, 22, 38, 0.7],
        [48, 32, 16, 16, 0.9, 42, 26, 0.9, 48, 32, 0.25, 54, 38, 0.7],
    ]
    return {"output0": columns(rows)}


def obb_outputs() -> dict[str, Array]:
    """Three boxes of 20 x 10 with different angles."""
    rows = [
        [16, 32, 20, 10, 0.9, 0, 0],
        [48, 32, 20, 10, 0, 0.8, pi / 6],
        [32, 26, 20, 10, 0.7, 0, -pi / 2],
    ]
    return {"output0": columns(rows)}


PEOPLE = [{"name": "person", "sublabels": ["head", "hand", "foot"], "edges": [["head", "hand"]]}]

MANIFESTS: dict[str, tuple[Mapping[str, Array], dict[str, Any], dict[str, str]]] = {
    "masks": (
        segment_outputs(),
        {
            "labels": ["cat", "dog"],
            "postprocess": ["yolo_segment", "nms", "mask", {"polygon": {"suffix": " outline"}}],
        },
        {"task": "segment"},
    ),
    "polygons": (
        segment_outputs(),
        {"labels": ["cat", "dog"], "postprocess": ["yolo_segment", "nms", "polygon"]},
        {"task": "segment"},
    ),
    "people": (
        pose_outputs(),
        {
            "labels": PEOPLE,
            "postprocess": ["yolo_pose", "nms", "skeleton", {"rectangle": {"suffix": "-box"}}],
        },
        {"task": "pose", "kpt_shape": "[3, 3]"},
    ),
    "turned": (
        obb_outputs(),
        {
            "labels": ["ship", "plane"],
            "postprocess": [
                "yolo_obb",
                "nms",
                "rectangle",
                {"polygon": {"suffix": "-polygon"}},
                {"ellipse": {"suffix": "-ellipse"}},
            ],
        },
        {"task": "obb"},
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shapes")


@cache
def built(folder: Path, name: str) -> Path:
    """The directory of a function."""
    outputs, steps, metadata = MANIFESTS[name]
    save(folder / f"{name}.onnx", outputs, {"images": (1, 3, 64, 64)}, metadata)
    manifest = {
        "name": name,
        "type": "detector",
        "model": f"{name}.onnx",
        "preprocess": ["letterbox", {"normalize": 255}],
        "variants": {"gpu": {"allow_cpu_fallback": True}},
        **steps,
    }
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(manifest, sort_keys=False), "utf-8")
    return build(plan(file), folder / "out", force=False).folder


@cache
def started(folder: Path, name: str, variant: VariantName) -> LocalFunction:
    return LocalFunction(built(folder, name), variant)


def answer(folder: Path, name: str, variant: VariantName, **request: Any) -> list[Item]:
    """The reply to a blank image; it must be valid for CVAT."""
    function = started(folder, name, variant)
    _, image = cv2.imencode(".png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    reply = function(image.tobytes(), **request)
    assert reply.status == 200
    assert judge(reply.body, function.labels) == []
    return list(reply.body)


def ring_of(item: Item) -> set[tuple[float, float]]:
    points = item["points"]
    return set(zip(points[::2], points[1::2], strict=True))


def corners(x1: float, y1: float, x2: float, y2: float) -> set[tuple[float, float]]:
    return {(x1, y1), (x2, y1), (x2, y2), (x1, y2)}


both_variants = pytest.mark.parametrize("variant", VARIANTS)


@both_variants
def test_segments_become_masks_and_polygons(folder: Path, variant: VariantName) -> None:
    items = answer(folder, "masks", variant)
    found = [(item["label"], item["type"], item["confidence"]) for item in items]
    assert found == [
        ("cat", "mask", 0.9),
        ("cat outline", "polygon", 0.9),
        ("dog", "mask", 0.8),
        ("dog outline", "polygon", 0.8),
    ]
    cat, cat_outline, dog, dog_outline = items
    # 32 x 32 pixels each, on both sides of x = 64.
    assert cat["mask"] == [1] * 32 * 32 + [64, 16, 95, 47]
    assert dog["mask"] == [1] * 32 * 32 + [32, 16, 63, 47]
    assert ring_of(cat) == ring_of(cat_outline) == corners(64, 16, 96, 48)
    assert ring_of(dog) == ring_of(dog_outline) == corners(32, 16, 64, 48)


@both_variants
def test_shapes_of_one_instance_share_a_group(folder: Path, variant: VariantName) -> None:
    assert [item["group_id"] for item in answer(folder, "masks", variant)] == [1, 1, 2, 2]
    assert [item["group_id"] for item in answer(folder, "people", variant)] == [1, 1, 2, 2]
    groups = [item["group_id"] for item in answer(folder, "turned", variant)]
    assert groups == [1, 1, 1, 2, 2, 2, 3, 3, 3]


@both_variants
def test_polygons_alone_have_no_group(folder: Path, variant: VariantName) -> None:
    items = answer(folder, "polygons", variant)
    assert [(item["label"], item["type"]) for item in items] == [
        ("cat", "polygon"),
        ("dog", "polygon"),
    ]
    assert [ring_of(item) for item in items] == [
        corners(64, 16, 96, 48),
        corners(32, 16, 64, 48),
    ]
    assert all("group_id" not in item for item in items)


@both_variants
def test_poses_become_skeletons_and_boxes(folder: Path, variant: VariantName) -> None:
    def point(name: str, x: float, y: float, outside: bool = False) -> Item:
        return {"label": name, "type": "points", "points": [x, y], "outside": outside}

    assert answer(folder, "people", variant) == [
        {
            "label": "person",
            "type": "skeleton",
            "elements": [
                point("head", 84, 20),
                point("hand", 96, 32, outside=True),
                point("foot", 108, 44),
            ],
            "confidence": 0.9,
            "group_id": 1,
        },
        {
            "label": "person-box",
            "type": "rectangle",
            "points": [80, 16, 112, 48],
            "confidence": 0.9,
            "group_id": 1,
        },
        {
            "label": "person",
            "type": "skeleton",
            "elements": [point("head", 20, 20), point("hand", 32, 32), point("foot", 44, 44)],
            "confidence": 0.75,
            "group_id": 2,
        },
        {
            "label": "person-box",
            "type": "rectangle",
            "points": [16, 16, 48, 48],
            "confidence": 0.75,
            "group_id": 2,
        },
    ]


@both_variants
def test_the_spec_names_skeletons_and_boxes(folder: Path, variant: VariantName) -> None:
    spec = started(folder, "people", variant).labels
    assert [(label["name"], label["type"]) for label in spec] == [
        ("person", "skeleton"),
        ("person-box", "rectangle"),
    ]
    assert [it["name"] for it in spec[0]["sublabels"]] == ["head", "hand", "foot"]
    assert spec[0]["svg"].count("<circle ") == 3
    assert spec[0]["svg"].count("<line ") == 1
    assert "svg" not in spec[1]


@both_variants
def test_oriented_boxes_become_rotated_rectangles(folder: Path, variant: VariantName) -> None:
    items = answer(folder, "turned", variant)
    found = [item for item in items if item["type"] == "rectangle"]
    assert [(item["label"], item["confidence"]) for item in found] == [
        ("ship", 0.9),
        ("plane", 0.8),
        ("ship", 0.7),
    ]
    # 40 x 20 about their centers, which are 32, 32; 96, 32; and 64, 20.
    assert [item["points"] for item in found] == [
        [12, 22, 52, 42],
        [76, 22, 116, 42],
        [44, 10, 84, 30],
    ]
    assert [item["rotation"] for item in found] == pytest.approx([0, 30, 270], abs=1e-3)


@both_variants
def test_oriented_boxes_become_polygons_of_their_corners(
    folder: Path, variant: VariantName
) -> None:
    items = answer(folder, "turned", variant)
    upright, turned, quarter = (item for item in items if item["type"] == "polygon")
    assert ring_of(upright) == corners(12, 22, 52, 42)
    # Half the sides are (17.32, 10) and (-5, 8.66); sums and differences, from 96, 32.
    assert ring_of(turned) == {
        (108.32, 50.66),
        (118.32, 33.34),
        (83.68, 13.34),
        (73.68, 30.66),
    }
    assert ring_of(quarter) == corners(54, 0, 74, 40)


@both_variants
def test_oriented_boxes_become_ellipses(folder: Path, variant: VariantName) -> None:
    items = answer(folder, "turned", variant)
    found = [item for item in items if item["type"] == "ellipse"]
    # Center, rightmost x and topmost y, before rotation.
    assert [item["points"] for item in found] == [
        [32, 32, 52, 22],
        [96, 32, 116, 22],
        [64, 20, 84, 10],
    ]
    assert [item["rotation"] for item in found] == pytest.approx([0, 30, 270], abs=1e-3)


@both_variants
@pytest.mark.parametrize(
    ("name", "threshold", "count"),
    [("masks", 0.85, 2), ("people", 0.8, 2), ("turned", 0.75, 6), ("turned", 1, 0)],
)
def test_a_threshold_applies_to_every_type_of_shape(
    folder: Path, variant: VariantName, name: str, threshold: float, count: int
) -> None:
    assert len(answer(folder, name, variant, threshold=threshold)) == count
