import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from builder.evaluation.parity.comparison import (
    Subject,
    compare_functions,
    compare_reference,
    subjects_of,
)
from builder.evaluation.parity.measures import limits_of
from builder.evaluation.parity.report import Report
from builder.lint.examine import plan
from builder.manifest.variants import VariantName
from builder.run.predict.prediction import Prompts
from builder.targets.build import build
from tests.builder.conftest import failure, png, write_manifest_to
from tests.builder.models import NAMES, yolo_model
from tests.grids import quick_and_slow
from tests.paths import MANIFESTS

VARIANTS: tuple[VariantName, ...] = ("cpu", "gpu")

WRONG_GPU = """
import dataclasses, os
if os.environ["CVATBUILD_VARIANT"] == "gpu":
    _network = dataclasses.replace(FUNCTION.network, file="other.onnx")
    FUNCTION = dataclasses.replace(FUNCTION, network=_network)
"""
"""Lets the GPU variant run another model."""


class Count:
    """Notes the progress."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, int]] = []

    def show(self, done: int, total: int, stored: int = 0) -> None:
        self.shown.append((done, total))

    def close(self) -> None:
        self.shown.append((-1, -1))


def moved_model(path: Path) -> Path:
    """The model of the tests, with the cat 2 pixels to the right, no dog and a bird."""
    rows = ((18, 16, 16, 8, 0, 0.9), (10, 50, 6, 6, 2, 0.5))
    return yolo_model(path, rows=rows, metadata={"names": NAMES})


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with two images."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        (folder / name).write_bytes(png())
    return folder


def variants(folder: Path, images: Path, *tolerances: str, **prompts: Any) -> Report:
    """Compare the two variants of a function."""
    one, other = (Subject(folder, variant) for variant in VARIANTS)
    limits = limits_of(tolerances)
    return compare_functions(one, other, [images], Prompts(**prompts), limits, Count())


def test_equal_variants_have_no_difference(built_once: Path, images: Path) -> None:
    found = variants(built_once, images)
    assert found.is_good
    assert found.sides == VARIANTS
    assert (found.tally.images, found.tally.items, found.tally.pairs) == (2, [4, 4], 4)
    assert {name: it.worst for name, it in found.tally.sums.items()} == {"score": 0, "box": 0}
    assert found.notes[0].startswith("cpu: OpenVINO")
    assert found.notes[1].startswith("gpu: ONNX Runtime")


@pytest.mark.slow
def test_a_variant_with_another_model_is_found_out(
    built: Path, tmp_path: Path, images: Path
) -> None:
    moved_model(tmp_path / "model.onnx")
    other = build(plan(write_manifest_to(tmp_path)), tmp_path / "out", force=False).folder
    shutil.copy(other / "nuclio/model.onnx", built / "nuclio/other.onnx")
    with (built / "nuclio/model_handler.py").open("a") as handler:
        handler.write(WRONG_GPU)
    found = variants(built, images)
    assert not found.is_good
    # 2 pixels of the model's input are 4 of the image.
    assert found.tally.sums["box"].worst == 4
    assert found.tally.counts["unmatched"] == 4
    assert {(it.side, it.label) for it in found.tally.unmatched} == {(0, "dog"), (1, "bird")}
    assert found.as_text().endswith("beyond the limits: box corners, pixels, unmatched items")
    assert variants(built, images, "px=4", "unmatched=4").is_good


@pytest.mark.parametrize("variant", quick_and_slow(VARIANTS, ["cpu"]))
def test_two_functions_are_compared_on_either_runtime(
    built: Path, tmp_path: Path, images: Path, variant: VariantName
) -> None:
    moved_model(tmp_path / "model.onnx")
    other = build(plan(write_manifest_to(tmp_path)), tmp_path / "out", force=False).folder
    sides = subjects_of(built, variant, other, None)
    assert sides == (Subject(built, variant), Subject(other, variant))
    assert isinstance(sides[1], Subject)
    count = Count()
    found = compare_functions(*sides, [images], Prompts(threshold=0.6), limits_of([]), count)
    # Folders of the same name are told apart by their paths.
    assert found.sides == (str(built), str(other))
    assert found.tally.items == [4, 2]
    assert found.tally.threshold == 0.6
    assert count.shown == [(1, 2), (2, 2), (-1, -1)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_function_is_compared_with_saved_answers(
    built_once: Path, tmp_path: Path, images: Path, variant: VariantName
) -> None:
    # The model's boxes times two, see tests/builder/run/test_process.py; the bird has 0.125.
    answers = {
        "width": 128,
        "height": 128,
        "detections": [
            {"label": "cat", "confidence": 0.9, "box": [16, 24, 48, 40.25]},
            {"label": "dog", "confidence": 0.75, "box": [88, 64, 104, 96]},
            {"label": "bird", "confidence": 0.125, "box": [14, 94, 26, 106]},
        ],
    }
    content = {"version": 1, "reference": "by hand", "threshold": 0.1}
    names = ("b.png", "c.png")
    file = tmp_path / "reference.json"
    file.write_text(json.dumps({**content, "images": dict.fromkeys(names, answers)}))
    sides = subjects_of(built_once, variant, None, file)
    assert sides == (Subject(built_once, variant), file)
    found = compare_reference(sides[0], file, [images], Prompts(), limits_of([]), Count())
    assert found.is_good
    assert (found.tally.images, found.tally.items, found.tally.pairs) == (1, [3, 3], 3)
    assert found.tally.sums["box"].worst == 0.25
    assert found.notes[1:] == (
        "reference: by hand",
        f"images without an answer in {file}, left out: a.png",
        f"answers in {file} without an image, left out: c.png",
    )


def test_a_reference_without_any_of_the_images(
    built_once: Path, tmp_path: Path, images: Path
) -> None:
    answers = {"width": 1, "height": 1, "detections": []}
    file = tmp_path / "reference.json"
    file.write_text(json.dumps({"version": 1, "images": {"c.png": answers}}))
    subject = Subject(built_once, "cpu")
    error = failure(
        lambda: compare_reference(subject, file, [images], Prompts(), limits_of([]), Count())
    )
    assert "has no answer for any of the images" in str(error)
    assert "c.png" in str(error)


def test_images_that_a_side_refuses_are_failures(built_once: Path, images: Path) -> None:
    (images / "a.png").write_text("text")
    found = variants(built_once, images)
    assert not found.is_good
    assert (found.tally.failures, found.tally.images) == (1, 1)
    assert "a.png: cpu: HTTP 400" in found.tally.first_failure


@pytest.mark.slow
def test_functions_of_other_types_and_options_of_other_types(
    built_once: Path, tmp_path: Path, images: Path
) -> None:
    manifest = MANIFESTS / "reid-demo.yaml"
    reid = build(plan(manifest), tmp_path / "out", force=False).folder
    one, other = Subject(built_once, "cpu"), Subject(reid, "cpu")
    error = failure(
        lambda: compare_functions(one, other, [images], Prompts(), limits_of([]), Count())
    )
    assert "only functions of the same type" in str(error)
    error = failure(lambda: variants(built_once, images, box=((0, 0, 1, 1),)))
    assert "do not accept --box" in str(error)
    file = tmp_path / "reference.json"
    error = failure(
        lambda: compare_reference(other, file, [images], Prompts(), limits_of([]), Count())
    )
    assert "--reference compares detectors" in str(error)
    boxes = tmp_path / "boxes.json"
    boxes.write_text("[[], []]")
    (images / "b.png").unlink()
    error = failure(lambda: variants(reid, images, boxes=boxes))
    assert "two images" in str(error)


def test_options_that_cannot_be_combined(built: Path, tmp_path: Path) -> None:
    file = tmp_path / "reference.json"
    assert subjects_of(built, None, None, None) == (Subject(built, "cpu"), Subject(built, "gpu"))
    assert subjects_of(built, None, None, file) == (Subject(built, "cpu"), file)
    error = failure(lambda: subjects_of(built, None, built, file))
    assert (error.status, "cannot be combined" in str(error)) == (2, True)
    error = failure(lambda: subjects_of(built, "gpu", None, None))
    assert (error.status, "--variant needs" in str(error)) == (2, True)
    (built / "nuclio/function.yaml").unlink()
    assert subjects_of(built, None, None, file) == (Subject(built, "gpu"), file)
    assert "has one variant" in str(failure(lambda: subjects_of(built, None, None, None)))
    shutil.rmtree(built)
    # Starting the function then says what is wrong with the directory.
    assert subjects_of(built, None, None, None) == (Subject(built, "cpu"), Subject(built, "gpu"))
