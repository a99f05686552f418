from pathlib import Path
from typing import Any

import pytest

from builder.lint import precision
from builder.lint.precision import INT8_ON_GPU, UNUSED_LIMIT
from builder.plan.calibration import CALIBRATION_IMAGES, LEAST
from builder.plan.reduction import CONVERSION
from tests.builder.conftest import png
from tests.builder.lint.conftest import Lint


def photos(folder: Path, count: int = LEAST) -> None:
    for number in range(count):
        (folder / f"{number}.png").write_bytes(png())


def int8(**keys: Any) -> dict[str, Any]:
    return {"precision": "int8", "calibration": ".", **keys}


def test_int8_on_a_gpu_is_a_warning(lint: Lint, tmp_path: Path) -> None:
    photos(tmp_path)
    assert lint("detector", "yolo", variants={"cpu": int8()}) == []
    found = lint("detector", "yolo", variants={"gpu": int8()})
    assert found == [(INT8_ON_GPU, "variants.gpu.precision")]


@pytest.mark.parametrize(
    ("type_", "models", "used"),
    [
        ("detector", "yolo", {"lost", "box", "score", "area"}),
        ("interactor", "sam", {"score", "area"}),
        ("tracker", "siamfc", {"box", "score"}),
        ("reid", "embedder", {"vector"}),
    ],
)
def test_limits_of_differences_that_are_not_measured(
    lint: Lint, type_: str, models: str, used: set[str]
) -> None:
    for key in ("lost", "box", "score", "area", "vector"):
        gpu = {"precision": "fp16", "max_difference": {key: 0.5}}
        expected = (UNUSED_LIMIT, f"variants.gpu.max_difference.{key}")
        found = [it for it in lint(type_, models, variants={"gpu": gpu}) if it[0] is UNUSED_LIMIT]
        assert found == ([] if key in used else [expected])


def test_folders_with_too_few_images(lint: Lint, tmp_path: Path) -> None:
    photos(tmp_path, LEAST - 1)
    given = [(CALIBRATION_IMAGES, "variants.cpu.calibration")]
    assert lint("detector", "yolo", variants={"cpu": int8()}) == given
    photos(tmp_path, LEAST)
    assert lint("detector", "yolo", variants={"cpu": int8()}) == []


def test_a_file_that_is_no_image(lint: Lint, tmp_path: Path) -> None:
    photos(tmp_path)
    (tmp_path / "3.png").write_text("<html>")
    (tmp_path / "5.png").write_text("")
    # One problem for the folder, however many files are wrong.
    found = lint("detector", "yolo", variants={"cpu": int8()})
    assert found == [(CALIBRATION_IMAGES, "variants.cpu.calibration")]


def test_the_folder_of_a_variant_that_is_disabled_does_not_count(lint: Lint) -> None:
    assert lint("detector", "yolo", variants={"gpu": False}) == []


def test_an_openvino_ir_cannot_be_converted(lint: Lint, tmp_path: Path) -> None:
    photos(tmp_path)
    variants = {"cpu": int8(), "gpu": False}
    found = lint("detector", "openvino-ir", model="model.xml", variants=variants)
    assert found == [(CONVERSION, "variants.cpu.precision")]


def test_the_size_of_a_model_with_its_weights(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    fp16 = {"gpu": {"precision": "fp16"}}
    assert lint("detector", "yolo", variants=fp16) == []
    monkeypatch.setattr(precision, "_MOST_BYTES", 100)
    assert lint("detector", "yolo", variants=fp16) == [(CONVERSION, "variants.gpu.precision")]
    assert lint("detector", "yolo") == []
