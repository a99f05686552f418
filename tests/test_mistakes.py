"""Every case of the gallery: what `check` says of a mistake, and that its hint removes it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gallery import GOLDEN, Case, cases
from tests.gallery_models import MODELS
from tests.paths import ROOT

CASES = cases()


@pytest.mark.parametrize("file", CASES.values(), ids=CASES)
def test_check_prints_the_recorded_output_and_the_fix_removes_the_diagnostic(
    file: Path, tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    golden(file, str(Case.parse(file.read_text("utf-8")).checked(tmp_path)))


def test_the_gallery_is_large_and_most_cases_have_a_fix() -> None:
    parsed = [Case.parse(file.read_text("utf-8")) for file in CASES.values()]
    assert len(parsed) >= 179
    assert len([case for case in parsed if case.fix]) >= 111


def test_every_golden_file_is_used() -> None:
    files = {file for file in GOLDEN.rglob("*") if file.is_file()}
    assert files - set(CASES.values()) == {GOLDEN / "README.md"}


def test_every_model_of_the_gallery_is_used() -> None:
    used = {Case.parse(file.read_text("utf-8")).models for file in CASES.values()}
    assert used == set(MODELS)


def test_golden_files_cannot_be_updated_in_ci() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--update-golden", "--collect-only", __file__],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        timeout=60,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--update-golden is for a developer's checkout" in done.stderr
