from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.errors import CvatbuildError, ManifestError
from builder.diagnostics.problem import Problem
from builder.lint.examine import examine, plan
from tests.builder.conftest import failure, write_manifest_to
from tests.builder.plan.conftest import CHOICE, NUMBER, drawn, seconds
from tests.unseen import check_without_model

WITHOUT: dict[str, Any] = {"model": "absent.onnx", "labels": ["a", "b"]}
"""A manifest whose model is not here."""


def unseen(folder: Path, **changes: Any) -> tuple[Problem, ...]:
    """What is wrong with a manifest as far as it can be known without the model."""
    manifest = write_manifest_to(folder, **{**WITHOUT, **changes})
    error = failure(lambda: check_without_model(manifest))
    assert isinstance(error, ManifestError)
    assert all(problem.file == manifest for problem in error.problems)
    return error.problems


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"labels": [{"name": "a", "id": 70}]},
        {"labels": [{"name": "a", "type": "rectangle"}, {"name": "b", "type": "any"}]},
        {"model": "best.pt"},
        {"model": {"url": "http://127.0.0.1:9/model.onnx", "sha256": "0" * 64}},
        {"model": {"url": "http://127.0.0.1:9/model.onnx"}},
        {"model": {"wheel": "absent==1", "file": "m.onnx", "sha256": "0" * 64}},
        {"postprocess": drawn("score_attribute")},
        {"then": seconds(CHOICE, NUMBER, model="absent too.onnx", only=["b"])},
        # Only the model could tell that these do not fit it.
        {"preprocess": [{"letterbox": 4096}]},
        {"postprocess": [{"yolo": "no such output"}, "rectangle"]},
    ],
)
def test_a_manifest_can_be_checked_without_its_model(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    file = write_manifest_to(tmp_path, **{**WITHOUT, **changes})
    assert check_without_model(file).name == "boxes"
    assert [path.name for path in tmp_path.iterdir()] == ["boxes.yaml"]
    # With the model it is another matter.
    assert isinstance(failure(lambda: plan(file)), CvatbuildError)


def test_a_label_file_is_read_without_the_model(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\n")
    assert check_without_model(write_manifest_to(tmp_path, **{**WITHOUT, "labels": "labels.txt"}))
    (tmp_path / "labels.txt").write_text("a\na\n")
    (problem,) = unseen(tmp_path, labels="labels.txt")
    assert problem.place == "labels"
    assert "duplicate" in problem.what


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"treshold": 0.5}, "treshold", "unknown key 'treshold'"),
        (
            {"postprocess": drawn({"top_k": {"mots": 3}})},
            "postprocess[2].top_k.mots",
            "unknown key",
        ),
        ({"postprocess": ["yolov9", "rectangle"]}, "postprocess[0].yolov9", "unknown step"),
        ({"threshold": 2}, "threshold", "invalid value"),
        ({"labels": None}, "labels", "missing"),
        ({"labels": ["a", "a"]}, "labels[1]", "duplicate label 'a'"),
        (
            {"labels": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]},
            "labels[1]",
            "two labels have the class ID 1",
        ),
        (
            {"labels": ["a", {"name": "b", "type": "mask"}]},
            "labels[1].type",
            "CVAT would not accept",
        ),
        ({"labels": "absent.txt"}, "labels", "there is no file"),
        ({"postprocess": ["yolo", "rectangle", "nms"]}, "postprocess", "before"),
        ({"postprocess": ["nms", "yolo", "rectangle"]}, "postprocess", "first"),
        ({"postprocess": ["yolo", "nms"]}, "postprocess", "no shape"),
        ({"postprocess": ["rectangle"]}, "postprocess", "0 decoders"),
        (
            {"labels": ["a", "a-x"], "postprocess": drawn({"mask": {"suffix": "-x"}})},
            "postprocess",
            "duplicate label 'a-x'",
        ),
        (
            {"postprocess": drawn("skeleton")},
            "postprocess[2].skeleton",
            "a skeleton needs labels with `sublabels`",
        ),
        (
            {
                "labels": [{"name": "a", "sublabels": ["k"]}],
                "postprocess": drawn("rectangle", "skeleton"),
            },
            "postprocess",
            "a label is either a skeleton or another shape, not both",
        ),
        (
            {
                "labels": [{"name": "a", "sublabels": ["k"]}, "b"],
                "postprocess": ["yolo_pose", "skeleton"],
            },
            "labels[1]",
            "no shape is drawn for 'b', which has no `sublabels`",
        ),
        (
            {
                "labels": [{"name": "a", "skeletons": [{"name": "a", "sublabels": ["k"]}]}],
                "postprocess": drawn("rectangle", "skeleton"),
            },
            "postprocess",
            "duplicate label 'a'",
        ),
        (
            {
                "labels": [
                    {
                        "name": "a",
                        "type": "skeleton",
                        "sublabels": ["k"],
                    },
                    {"name": "b", "sublabels": ["k", "l"]},
                ],
                "postprocess": ["yolo_pose", "skeleton"],
            },
            "labels[1]",
            "different numbers of sublabels",
        ),
        ({"then": seconds("rectangle")}, "then[0].postprocess", "move others to the top"),
        ({"then": seconds({"number_attribute": 5})}, "then[0]", "invalid value"),
        ({"then": seconds(NUMBER, only=["horse"])}, "then[0].only[0]", "unknown label 'horse'"),
    ],
)
def test_mistakes_that_need_no_model_are_reported_without_it(
    tmp_path: Path, changes: dict[str, Any], path: str, words: str
) -> None:
    found = unseen(tmp_path, **changes)
    assert found[0].place.startswith(path)
    assert words in found[0].what


def test_labels_from_metadata_are_reported_as_not_checked_without_the_model(
    tmp_path: Path,
) -> None:
    file = write_manifest_to(tmp_path, **{**WITHOUT, "labels": "metadata"})
    (problem,) = examine(file, with_models=False).problems
    assert problem.severity == "warning"
    assert (problem.place, problem.line, problem.found) == ("labels", 4, "metadata")
    assert problem.hint == "omit --no-model, or list the labels in the manifest"


def test_without_models_the_model_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("this is no model")
    assert check_without_model(write_manifest_to(tmp_path, **{**WITHOUT, "model": "model.onnx"}))
