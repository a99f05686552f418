"""Every case of the gallery: what `check` says of a mistake, and that its hint removes it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.reference.diagnostics_page import rules
from tests.gallery import GOLDEN, SEVERITY_AND_CODE, Case, cases
from tests.gallery_models import MODELS
from tests.paths import ROOT

CASES = cases()


@pytest.mark.parametrize("file", CASES.values(), ids=CASES)
def test_check_prints_the_recorded_output_and_the_fix_removes_the_diagnostic(
    file: Path, tmp_path: Path, golden: Callable[[Path, str], None]
) -> None:
    golden(file, str(Case.parse(file.read_text("utf-8")).checked(tmp_path)))


def test_no_case_is_lost() -> None:
    # Raise the numbers when you add cases.
    parsed = [Case.parse(file.read_text("utf-8")) for file in CASES.values()]
    assert len(parsed) >= 304
    assert len([case for case in parsed if case.fix]) >= 183


WITHOUT_A_CASE = {
    # printed with `--notes` only
    "base-image-digest",
    # reported by other commands than `check`
    "command-line",
    "dataset",
    "deployment",
    "function",
    "guessed-value",
    "no-runtime",
    "not-smoke-tested",
    "output",
    # reported by builds of models in reduced precision
    "nothing-compared",
    "precision-loss",
    # reported by the smoke test of a build
    "attribute-values",
    "mask-values",
    "box-values",
    "class-values",
    "mask-size",
    "not-finite",
    "same-vectors",
    "score-range",
    "variants-differ",
    # defaults of exceptions, for problems without a rule
    "manifest",
    "model",
    "model-mismatch",
    # need a server, an option, or 80 kB of labels
    "checksum-mismatch",
    "download-failed",
    "labels-not-checked",
    "labels-too-large",
    # the file name is the mistake
    "file-name",
}
"""Codes of the rules that no case shows."""


def test_every_rule_has_a_case() -> None:
    outputs = (Case.parse(file.read_text("utf-8")).output for file in CASES.values())
    shown = {code for output in outputs for _, code in SEVERITY_AND_CODE.findall(output)}
    codes = {rule.code for group in rules().values() for rule in group}
    assert codes - shown == WITHOUT_A_CASE


def test_every_golden_file_is_used() -> None:
    files = {file for file in GOLDEN.rglob("*") if file.is_file()}
    assert files - set(CASES.values()) == {GOLDEN / "README.md"}


def test_every_model_of_the_gallery_is_used() -> None:
    used = {Case.parse(file.read_text("utf-8")).models for file in CASES.values()}
    assert used == set(MODELS)


@pytest.mark.slow
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
