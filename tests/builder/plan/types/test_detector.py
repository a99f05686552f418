from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.manifest.steps import known_steps
from runtimes.shapes.rectangle import Rectangle
from tests.builder import models
from tests.builder.conftest import detector_of
from tests.builder.plan.conftest import NUMBER, Planned, Refused, seconds


@pytest.mark.parametrize(
    ("make", "decoder"),
    [
        (models.yolo_model, "yolo"),
        (models.objectness_model, "yolo_objectness"),
        (models.end2end_model, "yolo_end2end"),
    ],
)
def test_a_decoder_is_bound_to_the_matching_output(
    planned: Planned, tmp_path: Path, make: Callable[[Path], Path], decoder: str
) -> None:
    make(tmp_path / "other.onnx")
    found = planned(model="other.onnx", postprocess=[decoder, "rectangle"])
    bound = detector_of(found).decoder
    assert (detector_of(found).refine, detector_of(found).shapes) == ((), (Rectangle(),))
    assert isinstance(bound, known_steps("detector")[decoder])
    assert 'output="output0"' in repr(bound).replace("'", '"')


@pytest.mark.parametrize(
    ("make", "decoder", "path"),
    [
        (models.objectness_model, "yolo", "postprocess[0].yolo"),
        (models.yolo_model, "yolo_objectness", "postprocess[0].yolo_objectness"),
        (models.yolo_model, "yolo_end2end", "postprocess[0].yolo_end2end"),
        (models.yolo_model, {"yolo": "output1"}, "postprocess[0].yolo.output"),
    ],
)
def test_a_decoder_for_other_models_is_reported(
    refused: Refused, tmp_path: Path, make: Callable[[Path], Path], decoder: Any, path: str
) -> None:
    make(tmp_path / "other.onnx")
    (problem,) = refused(model="other.onnx", postprocess=[decoder, "rectangle"])
    assert problem.place.startswith(path)
    # name, type, model, labels, preprocess, its letterbox, normalize, postprocess.
    assert problem.line == 9


@pytest.mark.parametrize("labels", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_a_list_of_labels_must_name_every_class(refused: Refused, labels: list[str]) -> None:
    (problem,) = refused(labels=labels)
    assert problem.place == "labels"
    assert problem.what.startswith("`yolo`: ")
    assert "3 classes" in problem.what
    assert f"{len(labels)} labels" in problem.what


@pytest.mark.parametrize("ids", [[0], [2], [0, 2], [2, 0, 1]])
def test_labels_with_ids_can_be_some_of_the_classes(planned: Planned, ids: list[int]) -> None:
    names = {number: f"class {number}" for number in ids}
    found = planned(labels=[{"name": name, "id": number} for number, name in names.items()])
    assert detector_of(found).labels == names


def test_a_class_id_out_of_range_is_reported(refused: Refused) -> None:
    (problem,) = refused(labels=[{"name": "a", "id": 3}])
    assert "id 3" in problem.what
    assert problem.allowed == "ids 0 to 2"


@pytest.mark.parametrize("task", ["segment", "pose", "obb", "classify"])
def test_a_model_of_another_task_is_reported(refused: Refused, tmp_path: Path, task: str) -> None:
    models.yolo_model(tmp_path / "other.onnx", metadata={"names": models.NAMES, "task": task})
    (problem,) = refused(model="other.onnx")
    assert task in problem.what


CLASSIFY = {"attribute": "hue", "values": ["red", "green"]}


@pytest.mark.parametrize(
    ("changes", "path", "found"),
    [
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "values": 5}}]},
            "then[0].postprocess[0].choice_attribute.values",
            "5",
        ),
        (
            {"postprocess": ["score_attribute", {"choice_attribute": {"attribute": "hue"}}]},
            "then[0].postprocess[1].choice_attribute.values",
            "",
        ),
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "values": ["a", 1]}}]},
            "then[0].postprocess[0].choice_attribute.values[1]",
            "1",
        ),
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "value": 1}}]},
            "then[0].postprocess[0].choice_attribute.value",
            "",
        ),
        (
            {"postprocess": [{"choice_attribute": {**CLASSIFY, "output": "no"}}]},
            "then[0].postprocess[0].choice_attribute.output",
            "no",
        ),
        (
            {"postprocess": [{"number_attribute": {"attribute": "a", "least": 9, "most": 9}}]},
            "then[0].postprocess[0].number_attribute",
            None,
        ),
        ({"preprocess": [{"resize": 32}]}, "then[0].preprocess[0].resize.size", "32x32"),
        ({"preprocess": []}, "then[0].preprocess", None),
        ({"postprocess": ["choice"]}, "then[0].postprocess[0].choice", None),
        ({"postprocess": ["nms"]}, "then[0].postprocess", None),
        ({"postprocess": []}, "then[0].postprocess", None),
        ({"only": ["horse"]}, "then[0].only[0]", "horse"),
        ({"expand": 0.5}, "then[0].expand", "0.5"),
        ({"model": "absent.onnx"}, "then[0].model", "absent.onnx"),
        ({"model": "weights.pt"}, "then[0].model", ".pt"),
        ({"labels": ["a"]}, "then[0].labels", None),
    ],
)
def test_mistakes_in_a_second_model_are_reported_at_their_path(
    refused: Refused, changes: dict[str, Any], path: str, found: str | None
) -> None:
    (then,) = seconds(NUMBER)
    (problem,) = refused(then=[{**then, **changes}])
    assert problem.place == path
    assert problem.line > 12  # below the first model's steps
    if found is not None:
        assert found in problem.found


def test_the_path_of_a_second_model_has_its_index(refused: Refused) -> None:
    then = [*seconds(NUMBER), *seconds(NUMBER, only=["horse"])]
    (problem,) = refused(then=then)
    assert problem.place == "then[1].only[0]"
