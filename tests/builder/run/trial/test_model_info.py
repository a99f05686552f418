from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.problem import Problem
from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.run.trial.model_info import class_count, located, other_decoders
from tests import zoo
from tests.builder.conftest import write_manifest_to
from tests.builder.models import end2end_model, yolo_model

END2END = ["yolo_end2end", "rectangle"]


def planned(folder: Path, **changes: Any) -> Plan:
    return plan(write_manifest_to(folder, **changes), ("cpu",))


@pytest.mark.parametrize("labels", [["a", "b", "c"], [{"name": "c", "id": 2}]])
def test_the_number_of_classes_is_that_of_the_output(tmp_path: Path, labels: list[Any]) -> None:
    yolo_model(tmp_path / "model.onnx", metadata={})
    assert class_count(planned(tmp_path, labels=labels)) == 3


def test_otherwise_it_is_that_of_the_metadata(tmp_path: Path) -> None:
    end2end_model(tmp_path / "model.onnx")  # names three classes
    found = planned(tmp_path, labels=[{"name": "a", "id": 1}], postprocess=END2END)
    assert class_count(found) == 3


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(["a", "b", "c", "d"], 4), ([{"name": "a", "id": 1}, {"name": "b", "id": 7}], None)],
)
def test_otherwise_it_is_that_of_labels_without_ids(
    tmp_path: Path, labels: list[Any], expected: int | None
) -> None:
    zoo.yolov7_nms(tmp_path / "model.onnx")
    found = planned(tmp_path, labels=labels, postprocess=END2END)
    assert class_count(found) == expected


def test_a_hint_names_the_decoders_that_the_model_also_matches(tmp_path: Path) -> None:
    zoo.yolov5(tmp_path / "model.onnx")
    found = planned(tmp_path, labels=["a", "b", "c"], postprocess=["yolox", "nms", "rectangle"])
    assert "`yolo_objectness`" in other_decoders(found)
    assert "`yolox`" not in other_decoders(found)


def test_a_problem_gets_the_line_of_the_decoder(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    found = planned(tmp_path)
    problem = located(Problem("what", found="this"), found)
    lines = found.file.read_text().splitlines()
    assert "yolo" in lines[problem.line - 1]
    assert (problem.file, problem.place, problem.found) == (found.file, "postprocess[0]", "this")


def test_a_problem_of_a_manifest_that_was_deleted_keeps_its_place(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    found = planned(tmp_path)
    found.file.unlink()
    assert located(Problem("what"), found).place == "postprocess[0]"
