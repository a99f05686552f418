"""The example workflow, and the dataset that it measures."""

import importlib
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer.main
import yaml

from builder.cli.app import app
from builder.datasets.registry import open_dataset
from tests.builder.cli.invoke import invoke
from tests.paths import MANIFESTS, ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "functions.yml"
SCENES = MANIFESTS / "scenes"


def commands(job: str) -> list[list[str]]:
    """The words of the commands of a job that run cvatbuild."""
    steps = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"][job]["steps"]
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    lines = [line.replace("${{ matrix.variant }}", "cpu") for line in lines]
    return [shlex.split(line) for line in lines if line.startswith("cvatbuild ")]


def test_its_commands_parse() -> None:
    group: Any = typer.main.get_command(app)
    found = [*commands("build"), *commands("accuracy")]
    assert len(found) == 6
    for _, *words in found:
        words = words[: words.index(">>")] if ">>" in words else words
        name, words = (words[0], words[1:]) if words[0] in group.commands else ("build", words)
        group.commands[name].make_context(name, words)


@pytest.mark.slow
def test_the_job_accuracy_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _, *words in commands("accuracy"):
        words = words[: words.index(">>")] if ">>" in words else words
        words = [str(ROOT / it) if it.startswith("manifests/") else it for it in words]
        status, out, err = invoke(*words)
        assert status == 0, out + err
    assert (tmp_path / "report" / "index.html").is_file()


def test_the_labels_are_those_of_the_drawn_scenes(shapes: ModuleType) -> None:
    # The fixture makes the folder of the generators importable.
    scenes = importlib.import_module("scenes")
    for number in range(scenes.COUNT):
        _, text = scenes.labeled(number)
        assert (SCENES / "labels" / "val" / f"{number}.txt").read_text("utf-8") == text
        assert (SCENES / "images" / "val" / f"{number}.jpg").is_file()


def test_the_dataset_has_the_labels_of_the_example() -> None:
    with open_dataset(SCENES) as dataset:
        assert dataset.labels == ("circle", "triangle", "square", "star")
        assert len(dataset) == 8
        assert sum(len(image.annotations) for image in dataset) > 10
