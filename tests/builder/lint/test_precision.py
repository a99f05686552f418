from pathlib import Path
from typing import Any

import pytest

from builder.lint import precision
from builder.lint.precision import INT8_ON_GPU
from builder.plan.calibration import CALIBRATION_IMAGES, LEAST
from builder.plan.reduction import CONVERSION
from tests.builder.lint.conftest import Lint


def photos(folder: Path, count: int = LEAST) -> None:
    for number in range(count):
        (folder / f"{number}.jpg").touch()


def int8(**keys: Any) -> dict[str, Any]:
    return {"precision": "int8", "calibration": ".", **keys}


def test_int8_on_a_gpu_is_a_warning(lint: Lint, tmp_path: Path) -> None:
    photos(tmp_path)
    assert lint("detector", "yolo", variants={"cpu": int8()}) == []
    found = lint("detector", "yolo", variants={"gpu": int8()})
    assert found == [(INT8_ON_GPU, "variants.gpu.precision")]


def test_folders_with_too_few_images(lint: Lint, tmp_path: Path) -> None:
    photos(tmp_path, LEAST - 1)
    given = [(CALIBRATION_IMAGES, "variants.cpu.calibration")]
    assert lint("detector", "yolo", variants={"cpu": int8()}) == given
    photos(tmp_path, LEAST)
    assert lint("detector", "yolo", variants={"cpu": int8()}) == []


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
