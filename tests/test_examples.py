"""The example manifests, and how good the models that come with them really are."""

from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.run.predict import PREDICTORS
from builder.run.smoke import smoke_test
from builder.targets.build import build
from tests.grids import quick_and_slow
from tests.local_function import LocalFunction
from tests.overlap import iou
from tests.paths import ROOT
from tests.unseen import check_without_model

_ALL = sorted((ROOT / "manifests").glob("*.yaml"))
REMOTE = [file for file in _ALL if "url: http" in file.read_text("utf-8")]
"""Manifests of models at an address, which tests do not fetch."""
MANIFESTS = [file for file in _ALL if file not in REMOTE]
SIZES = ((320, 320), (640, 480), (480, 640), (420, 300))
"""Width and height of held-out images."""


@pytest.fixture(scope="module")
def yolo(tmp_path_factory: pytest.TempPathFactory) -> dict[VariantName, LocalFunction]:
    """manifests/yolo.yaml, built and started in both runtimes."""
    made = plan(ROOT / "manifests" / "yolo.yaml")
    folder = build(made, tmp_path_factory.mktemp("yolo"), force=False).folder
    return {name: LocalFunction(folder, name) for name in VARIANTS}


def _png(image: np.ndarray) -> bytes:
    """An image, (H, W, 3) uint8 BGR, as a file."""
    _, data = cv2.imencode(".png", image)
    return data.tobytes()


@pytest.mark.slow
def test_the_detector_finds_held_out_shapes(
    yolo: dict[VariantName, LocalFunction], shapes: ModuleType
) -> None:
    photos = shapes.load_photos(shapes.HELD_OUT_PHOTOS)
    correct = wanted = found = 0
    for number in range(200):
        width, height = SIZES[number % len(SIZES)]
        scene = shapes.scene(
            shapes.HELD_OUT_SEED + number, width=width, height=height, photos=photos
        )
        truth = list(
            zip(
                [shapes.CLASS_NAMES[kind] for kind in scene.classes],
                scene.boxes.tolist(),
                strict=True,
            )
        )
        items = yolo["cpu"](_png(scene.image)).body
        wanted, found = wanted + len(truth), found + len(items)
        for item in items:  # the best first; each object can be found once
            for name, box in truth:
                if name == item["label"] and iou(item["points"], box) >= 0.5:
                    truth.remove((name, box))
                    correct += 1
                    break
    assert correct / wanted >= 0.9
    assert correct / found >= 0.9


@pytest.mark.slow
def test_runtimes_agree_on_held_out_shapes(
    yolo: dict[VariantName, LocalFunction], shapes: ModuleType
) -> None:
    compared = 0
    for number in range(20):
        image = _png(shapes.scene(shapes.HELD_OUT_SEED + number, width=640, height=480).image)
        one, other = (
            [item for item in yolo[name](image).body if item["confidence"] > 0.5]
            for name in VARIANTS
        )
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert left["label"] == right["label"]
            assert iou(left["points"], right["points"]) > 0.99
            assert left["confidence"] == pytest.approx(right["confidence"], abs=0.01)
            compared += 1
    assert compared > 20


QUICK = ("yolo",)
"""The quick suite has tests of its own for the other function types."""


@pytest.mark.parametrize(
    "manifest",
    quick_and_slow(MANIFESTS, [it for it in MANIFESTS if it.stem in QUICK]),
    ids=lambda path: path.stem,
)
def test_every_example_builds_and_answers_as_cvat_expects(
    manifest: Path, tmp_path: Path, shapes: ModuleType
) -> None:
    made = plan(manifest)
    folder = build(made, tmp_path, force=False, verify=smoke_test).folder
    image = _png(shapes.scene(shapes.HELD_OUT_SEED + 5040, width=640, height=400).image)
    for variant in made.variants:
        function = LocalFunction(folder, variant)
        assert PREDICTORS[function.type].smoke_test(function, image) == ()


@pytest.mark.parametrize(
    "manifest",
    [*REMOTE, *sorted((ROOT / "manifests" / "official").glob("*.yaml"))],
    ids=lambda path: path.stem,
)
def test_functions_of_public_models_check_out_as_far_as_can_be_known_without_the_models(
    manifest: Path,
) -> None:
    assert f"type: {check_without_model(manifest).type}\n" in manifest.read_text("utf-8")
