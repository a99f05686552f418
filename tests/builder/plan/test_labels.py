from pathlib import Path

import pytest

from builder.lint.examine import examine
from tests.builder import models
from tests.builder.conftest import WriteManifest, detector_of
from tests.builder.plan.conftest import Planned, Refused


def test_labels_from_a_file(planned: Planned, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "labels.txt").write_text("x\ny\nz\n")
    assert detector_of(planned(labels="sub/labels.txt")).labels == {0: "x", 1: "y", 2: "z"}


@pytest.mark.parametrize("labels", ["absent.txt", "metadate", "x\x00.txt", "~nobody-here/l.txt"])
def test_a_missing_label_file_is_reported(refused: Refused, labels: str) -> None:
    (problem,) = refused(labels=labels)
    assert (problem.place, problem.line) == ("labels", 4)


def test_metadata_without_class_names_are_reported(refused: Refused, tmp_path: Path) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={})
    (problem,) = refused(model="other.onnx")
    assert (problem.place, problem.line) == ("labels", 4)


@pytest.mark.parametrize("names", ["{0: 'cat '}", "{[]: 1}", "os.system('id')", "{0: 'a', 5: 'b'}"])
def test_metadata_with_invalid_class_names_are_reported(
    refused: Refused, tmp_path: Path, names: str
) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={"names": names})
    (problem,) = refused(model="other.onnx")
    assert (problem.place, problem.line) == ("labels", 4)


def test_the_assumed_encoding_of_a_label_file_is_a_warning(
    planned: Planned, write_manifest: WriteManifest, tmp_path: Path
) -> None:
    (tmp_path / "labels.txt").write_bytes("Zürich\nKöln\nBern\n".encode("cp1252"))
    found = planned(labels="labels.txt")
    assert detector_of(found).labels == {0: "Zürich", 1: "Köln", 2: "Bern"}
    (problem,) = examine(write_manifest(labels="labels.txt")).problems
    assert (problem.code, problem.place, problem.line) == ("label-encoding", "labels", 4)
    assert problem.found == "Zürich, Köln"
