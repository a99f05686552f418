from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from builder.cli.terminal import Progress
from builder.lint.check import Checked, check
from tests.builder.conftest import write_manifest_to
from tests.gallery_models import MODELS

STEPS = {"no nms": ["yolo", "rectangle"], "wrong": ["yolov8", "rectangle"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    MODELS["yolo"](tmp_path)
    return tmp_path


def checked(*files: Path, **options: Any) -> Checked:
    """Check manifests for both variants."""
    return check(files, ("cpu", "gpu"), Progress(StringIO()), **options)


def test_a_valid_manifest_has_a_line_with_its_variants(folder: Path) -> None:
    both = write_manifest_to(folder, "both.yaml", name="both")
    one = write_manifest_to(folder, "one.yaml", name="one", variants={"gpu": False})
    found = checked(both, one)
    assert found.valid == (f"{both}: ok: both, cpu, gpu", f"{one}: ok: one, cpu")
    assert found.problems == ()


def test_without_models_the_line_says_that_they_were_not_read(folder: Path) -> None:
    file = write_manifest_to(folder, labels=["a", "b"])
    found = checked(file, with_models=False)
    assert found.valid == (f"{file}: ok: boxes; the model was not read",)


@pytest.mark.parametrize(
    ("steps", "lines", "failed", "failed_strictly"),
    [(None, 1, False, False), ("no nms", 1, False, True), ("wrong", 0, True, True)],
)
def test_errors_fail_a_check_and_warnings_only_a_strict_one(
    folder: Path, steps: str | None, lines: int, failed: bool, failed_strictly: bool
) -> None:
    changes: dict[str, Any] = {"postprocess": STEPS[steps]} if steps else {}
    found = checked(write_manifest_to(folder, **changes))
    assert len(found.valid) == lines
    assert found.failed(strict=False) == failed
    assert found.failed(strict=True) == failed_strictly


def test_a_file_that_is_not_yaml_does_not_stop_the_others(folder: Path) -> None:
    (folder / "first.yaml").write_text("[")
    valid = write_manifest_to(folder)
    found = checked(folder / "first.yaml", valid)
    assert [problem.file for problem in found.problems] == [folder / "first.yaml"]
    assert len(found.valid) == 1


def test_a_manifest_without_a_valid_name_conflicts_with_none(folder: Path) -> None:
    files = [write_manifest_to(folder, f"{name}.yaml", name="My Boxes") for name in "ab"]
    assert [problem.place for problem in checked(*files).problems] == ["name", "name"]
