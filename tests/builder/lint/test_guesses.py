"""Manifests whose model family is a guess."""

from pathlib import Path

import pytest

from builder.lint.guesses import GUESSED_FAMILY
from tests.builder.cli.invoke import invoke
from tests.builder.models import yolo_model

MANIFEST = """\
name: detect
type: detector
{}model: model.onnx
labels: [cat, dog, bird]
preprocess: [letterbox, normalize]
postprocess: [yolo, nms, rectangle]
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    yolo_model(tmp_path / "model.onnx")
    file = tmp_path / "model.yaml"
    file.write_text(MANIFEST.format("guessed: true\n"))
    return file


@pytest.mark.parametrize("command", [["check"], ["build", "--no-smoke"]])
def test_a_guess_is_refused_until_it_is_accepted(manifest: Path, command: list[str]) -> None:
    words = [] if command == ["check"] else ["--out", str(manifest.parent / "out")]
    status, out, err = invoke(*command, manifest, *words)
    assert (status, out) == (1, "")
    assert "model.yaml:3:1: guessed: nothing in the model file confirms" in err
    assert GUESSED_FAMILY.code in err
    assert invoke(*command, manifest, "--accept-guess", *words)[0] == 0
    manifest.write_text(MANIFEST.format(""))
    assert invoke(*command, manifest, *words)[0] == 0


def test_building_from_the_model_refuses_the_manifest_beside_it(manifest: Path) -> None:
    status, out, err = invoke("--no-smoke", manifest.with_suffix(".onnx"))
    assert (status, out) == (1, "")
    assert "[guessed-family]" in err
    assert not (manifest.parent / "build").exists()


def test_false_is_no_guess(manifest: Path) -> None:
    manifest.write_text(MANIFEST.format("guessed: false\n"))
    assert invoke("check", manifest)[0] == 0
