import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from builder.evaluation.detection import DetectionMeasure
from tests.builder.cli.invoke import invoke

LABELS = ("cat", "dog")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """COCO's JSON with two images, in which a cat is where the model never finds one."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), number, np.uint8))
    truth = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], "area": 4, "iscrowd": 0}
    data: dict[str, Any] = {
        "images": [
            {"id": it + 1, "file_name": f"{it}.png", "width": 64, "height": 48} for it in range(2)
        ],
        "categories": [{"id": it + 1, "name": name} for it, name in enumerate(LABELS)],
        "annotations": [{"id": 1, **truth}],
    }
    (folder / "coco.json").write_text(json.dumps(data))
    return folder / "coco.json"


def run(function: Path, dataset: Path, *options: str | Path) -> tuple[int, str, str]:
    store = dataset.parent.parent / "store"
    return invoke("evaluate", function, dataset, "--store", store, *options)


def test_evaluate_prints_figures_and_writes_a_report(built_once: Path, dataset: Path) -> None:
    report = dataset.parent / "report"
    status, out, err = run(built_once, dataset, "--html", report)
    assert status == 0
    assert out.startswith(f"{built_once} (cpu on ")
    assert re.search(r"^  map50 +0\.0000$", out, re.MULTILINE)
    assert re.search(r"^  cat +1 +0\.0000", out, re.MULTILINE)
    assert f"wrote {report / 'index.html'}" in err
    assert "Worst images" in (report / "index.html").read_text("utf-8")


@pytest.mark.slow
def test_evaluate_prints_one_json_object_per_variant(built_once: Path, dataset: Path) -> None:
    status, out, _ = run(built_once, dataset, "--json", "--variant", "cpu", "--variant", "gpu")
    assert status == 0
    cpu, gpu = map(json.loads, out.splitlines())
    assert (cpu["variant"], gpu["variant"]) == ("cpu", "gpu")
    assert cpu["map50"] == cpu["map50_95"] == 0
    assert cpu["per_class"]["cat"]["annotations"] == 1
    assert list(cpu["per_size"]) == ["small", "medium", "large"]


@pytest.mark.slow
def test_evaluate_compares_functions(built_once: Path, dataset: Path) -> None:
    status, out, _ = run(built_once, dataset, "--compare", built_once)
    assert status == 0
    assert "Difference: A is" in out


def test_fail_under_sets_the_exit_status(built_once: Path, dataset: Path) -> None:
    status, out, err = run(built_once, dataset, "--fail-under", "map50=0.6")
    assert status == 1
    assert "map50" in out
    assert "map50 is 0.0000, below 0.6" in err
    assert run(built_once, dataset, "--fail-under", "map50=0")[0] == 0
    status, out, err = run(built_once, dataset, "--fail-under", "map_50=0")
    assert (status, out) == (2, "")
    assert "did you mean 'map50'?" in err


def test_wrong_arguments_are_errors(built_once: Path, dataset: Path) -> None:
    for options, expected in (
        (("--map", "cot=cat"), "did you mean 'cat'?"),
        (("--measure", "boxen"), "did you mean 'boxes'?"),
        (("--fail-under", "map50"), "METRIC=VALUE"),
        (("--write-threshold", dataset), "is not the manifest that"),
    ):
        status, out, err = run(built_once, dataset, *options)
        assert (status, out) == (2, "")
        assert expected in err
    status, _, err = run(built_once, dataset.parent / "absent.json")
    assert status == 2
    assert "absent.json" in err
    status, _, err = run(dataset.parent / "absent", dataset)
    assert status == 2
    assert "there is no such directory" in err
    (dataset.parent / "folder").mkdir()
    status, _, err = run(dataset.parent / "folder", dataset)
    assert status == 2
    assert "is not a function" in err


def test_wrong_outputs_and_functions_are_found_before_the_first_image(
    built_once: Path, dataset: Path
) -> None:
    file = dataset.parent / "best.yaml"
    file.write_text("")
    for options, expected in (
        (("--html", file), "best.yaml: is not a directory"),
        (("--html", file / "report"), "best.yaml: is not a directory"),
        (("--compare", dataset.parent / "nope"), "nope: there is no such directory"),
    ):
        status, out, err = run(built_once, dataset, *options)
        assert (status, out) == (2, "")
        assert expected in err


def test_a_stopped_evaluation_says_that_it_can_be_continued(
    built_once: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = DetectionMeasure.add
    added: list[Any] = []

    def stopping(*arguments: Any) -> None:
        if added:
            raise KeyboardInterrupt
        added.append(arguments)
        add(*arguments)

    monkeypatch.setattr(DetectionMeasure, "add", stopping)
    status, out, err = run(built_once, dataset)
    assert (status, out) == (130, "")
    assert "stopped after 1 of 2 samples; the same command continues" in err
