from typing import Any

import pytest

from builder.lint.examine import plan
from builder.targets.nuclio.readme import readme
from tests.builder.conftest import WriteManifest


@pytest.fixture
def text(write_manifest: WriteManifest) -> Any:
    """Return the README of a manifest, with line breaks as spaces."""

    def written(**changes: Any) -> str:
        return " ".join(readme(plan(write_manifest(**changes)), {}).split())

    return written


def test_it_names_the_command_for_each_variant(text: Any) -> None:
    both = text()
    for variant in ("cpu", "gpu"):
        assert f"cvatbuild deploy boxes --variant {variant}" in both
    assert "--variant gpu" not in text(variants={"gpu": False})


def test_it_says_what_happens_without_a_fixed_port(text: Any) -> None:
    warning = "Docker then gives the function another port whenever the host restarts"
    assert warning in text()
    assert warning in text(variants={"cpu": {"port": 20000}})
    fixed = text(variants={"cpu": {"port": 20000}, "gpu": {"port": 20000}})
    assert warning not in fixed
    assert "The manifest's `port`" in fixed


@pytest.mark.parametrize(
    ("changes", "expected", "absent"),
    [
        ({}, "525.60.13 or newer. It runs on x86-64 only", ""),
        ({}, "For the GeForce RTX 50 series", ""),
        ({"variants": {"gpu": {"cuda": 13}}}, "580.65.6 or newer.", "RTX 50"),
        ({"platform": "arm64"}, "580.65.6 or newer.", "x86-64 only"),
        ({"variants": {"gpu": False}}, "", "NVIDIA"),
    ],
)
def test_it_says_which_machines_run_the_gpu_variant(
    text: Any, changes: dict[str, Any], expected: str, absent: str
) -> None:
    found = text(**changes)
    assert expected in found
    assert not absent or absent not in found


def test_no_line_of_prose_is_long(write_manifest: WriteManifest) -> None:
    lines = readme(plan(write_manifest()), {}).splitlines()
    commands = ("nuctl deploy", "printf", "  curl", "|")
    assert [it for it in lines if len(it) > 100 and not it.startswith(commands)] == []
