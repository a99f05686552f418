"""How good the example models of masks, keypoints and oriented boxes are, measured on replies."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

from builder.lint.examine import plan
from builder.run.judge.detector import judge
from builder.run.process import FunctionProcess
from builder.targets.build import build
from runtimes.arrays import Array
from tests.paths import ROOT

pytestmark = pytest.mark.slow

MANIFESTS = ROOT / "manifests"
COUNT = 80
SIZES = ((320, 320), (640, 480), (480, 640), (420, 300))
"""Width and height of held-out images."""


def held_out(shapes: ModuleType, **options: Any) -> Iterator[Any]:
    """Scenes that no training used."""
    photos = shapes.load_photos(shapes.HELD_OUT_PHOTOS)
    for number in range(COUNT):
        width, height = SIZES[number % len(SIZES)]
        seed = shapes.HELD_OUT_SEED + number
        yield shapes.scene(seed, width=width, height=height, photos=photos, **options)


def function(name: str, folder: Path) -> FunctionProcess:
    """An example, built and started."""
    built = build(plan(MANIFESTS / f"{name}.yaml"), folder, force=False).folder
    return FunctionProcess(built, "cpu")


def items_of(started: FunctionProcess, image: Array) -> list[dict[str, Any]]:
    """What a function finds, after CVAT's rules have passed it."""
    _, data = cv2.imencode(".png", image)
    items: list[dict[str, Any]] = started(data.tobytes()).body
    assert judge(items, started.labels) == []
    return items


def frame_of(item: dict[str, Any], shape: tuple[int, int]) -> Array:
    """A mask item as a whole frame of truth values."""
    *pixels, left, top, right, bottom = item["mask"]
    frame = np.zeros(shape, bool)
    window = np.array(pixels, bool).reshape(bottom - top + 1, right - left + 1)
    frame[top : bottom + 1, left : right + 1] = window
    return frame


@pytest.mark.parametrize("name", ["masks", "rcnn"])
def test_masks_fit_the_objects(name: str, shapes: ModuleType, tmp_path: Path) -> None:
    started = function(name, tmp_path)
    overlaps = []
    wanted = 0
    for scene in held_out(shapes):
        found = [
            (item["label"], frame_of(item, scene.image.shape[:2]))
            for item in items_of(started, scene.image)
        ]
        for number, kind in enumerate(scene.classes.tolist()):
            truth = scene.mask(number)
            wanted += 1
            best = max(
                (
                    float((truth & frame).sum() / (truth | frame).sum())
                    for label, frame in found
                    if label == shapes.CLASS_NAMES[kind]
                ),
                default=0.0,
            )
            if best >= 0.5:
                overlaps.append(best)
    assert len(overlaps) / wanted >= 0.9
    assert np.mean(overlaps) >= 0.8


def test_regions_fit_the_kinds_of_shapes(shapes: ModuleType, tmp_path: Path) -> None:
    started = function("semantic", tmp_path)
    shared = dict.fromkeys(shapes.CLASS_NAMES, 0)
    either = dict.fromkeys(shapes.CLASS_NAMES, 0)
    for scene in held_out(shapes):
        items = items_of(started, scene.image)
        for kind, name in enumerate(shapes.CLASS_NAMES):
            truth = np.zeros(scene.image.shape[:2], bool)
            for number in np.flatnonzero(scene.classes == kind):
                truth |= scene.mask(int(number))
            found = np.zeros_like(truth)
            for item in items:
                if item["label"] == name:
                    found |= frame_of(item, truth.shape)
            shared[name] += int((truth & found).sum())
            either[name] += int((truth | found).sum())
    assert np.mean([shared[name] / either[name] for name in shared]) >= 0.75


def test_keypoints_lie_on_the_tips_of_stars(shapes: ModuleType, tmp_path: Path) -> None:
    started = function("skeleton", tmp_path)
    errors: list[float] = []
    stars = matched = 0
    for scene in held_out(shapes):
        items = items_of(started, scene.image)
        skeletons = {it["group_id"]: it for it in items if it["type"] == "skeleton"}
        boxes = {it["group_id"]: it["points"] for it in items if it["type"] == "rectangle"}
        scale = 320 / max(scene.image.shape[:2])
        for number in np.flatnonzero(scene.classes == shapes.STAR):
            stars += 1
            middle = (scene.boxes[number, :2] + scene.boxes[number, 2:]) / 2
            inside = [
                group
                for group, (x1, y1, x2, y2) in boxes.items()
                if x1 < middle[0] < x2 and y1 < middle[1] < y2 and group in skeletons
            ]
            if not inside:
                continue
            matched += 1
            elements = skeletons[inside[0]]["elements"]
            assert [it["label"] for it in elements] == list(shapes.KEYPOINT_NAMES)
            for element, (x, y, visible) in zip(
                elements, scene.keypoints[number].tolist(), strict=True
            ):
                if visible and not element["outside"]:
                    gap = np.hypot(element["points"][0] - x, element["points"][1] - y)
                    errors.append(float(gap * scale))
    assert stars > 30
    assert matched / stars >= 0.9
    assert np.mean(errors) <= 4


def test_oriented_boxes_lie_on_the_bars(shapes: ModuleType, tmp_path: Path) -> None:
    started = function("oriented", tmp_path)
    overlaps: list[float] = []
    bars = 0
    for scene in held_out(shapes, classes=(shapes.BAR, shapes.BAR, 0, 1)):
        found = []
        for item in items_of(started, scene.image):
            x1, y1, x2, y2 = item["points"]
            center = ((x1 + x2) / 2, (y1 + y2) / 2)
            found.append((center, (x2 - x1, y2 - y1), item["rotation"]))
        for number in np.flatnonzero(scene.classes == shapes.BAR):
            bars += 1
            x, y, width, height, angle = scene.oriented[number].tolist()
            truth = ((x, y), (width, height), float(np.degrees(angle)))
            best = max((overlap(truth, other) for other in found), default=0.0)
            if best >= 0.5:
                overlaps.append(best)
    assert bars > 50
    assert len(overlaps) / bars >= 0.8
    assert np.mean(overlaps) >= 0.75


RotatedRect = tuple[tuple[float, float], tuple[float, float], float]
"""Center, size and degrees, as OpenCV has it."""


def overlap(one: RotatedRect, other: RotatedRect) -> float:
    """Intersection over union of two turned rectangles."""
    kind, corners = cv2.rotatedRectangleIntersection(one, other)
    if kind == cv2.INTERSECT_NONE:
        return 0.0
    shared = cv2.contourArea(cv2.convexHull(corners))
    return shared / (one[1][0] * one[1][1] + other[1][0] * other[1][1] - shared)
