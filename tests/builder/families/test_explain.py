"""`init --explain`."""

import json
from pathlib import Path

import pytest
import yaml

from builder.families.explain import Explanation, as_json, as_text
from builder.families.init import draft_manifest
from tests import zoo
from tests.builder.cli.invoke import invoke
from tests.builder.models import open_size_model


def explained(model: Path) -> dict[str, Explanation]:
    return {it.path: it for it in draft_manifest([model], model.parent).explanations}


def test_each_number_has_its_evidence(tmp_path: Path) -> None:
    found = explained(zoo.semantic(tmp_path / "m.onnx"))
    assert found["family"].value == "semantic segmentation: scores (unsure)"
    assert found["family"].guessed
    assert "heatmaps" in found["family"].evidence
    assert found["labels"].value == 4
    mean = found["preprocess[1].normalize.mean"]
    assert (mean.value, mean.guessed) == ([0.485, 0.456, 0.406], True)
    assert "ImageNet" in mean.evidence
    assert found["threshold"].value == 0.25


def test_defaults_are_explained_too(tmp_path: Path) -> None:
    found = explained(zoo.yolov8(tmp_path / "m.onnx"))
    assert not found["family"].guessed
    assert found["input size"].value == [64, 64]
    assert found["postprocess[1].nms.iou"].value == 0.45
    assert "0.45 to 0.7" in found["postprocess[1].nms.iou"].evidence
    assert found["preprocess[1].normalize.scale"].value == 255
    nanodet = explained(zoo.nanodet(tmp_path / "n.onnx"))["postprocess[0].nanodet.strides"]
    assert nanodet.value == [8, 16, 32, 64]
    assert nanodet.evidence.startswith("the step's default")


def test_a_guessed_size_is_marked(tmp_path: Path) -> None:
    size = explained(open_size_model(tmp_path / "m.onnx"))["preprocess[0].letterbox.size"]
    assert (size.value, size.guessed) == (640, True)


@pytest.mark.parametrize("name", ["yolov8_pose", "rtmpose", "dbnet"])
def test_every_number_of_the_manifest_is_explained(tmp_path: Path, name: str) -> None:
    draft = draft_manifest([getattr(zoo, name)(tmp_path / "m.onnx")], tmp_path)
    data = yaml.safe_load(draft.text)
    paths = {it.path for it in draft.explanations}
    assert data["threshold"] == next(
        it.value for it in draft.explanations if it.path == "threshold"
    )
    for section in ("preprocess", "postprocess"):
        for index, entry in enumerate(data[section]):
            if isinstance(entry, dict) and isinstance(value := next(iter(entry.values())), dict):
                (step,) = entry
                assert {f"{section}[{index}].{step}.{key}" for key in value} <= paths


def test_text_and_json_have_the_same_values() -> None:
    found = (Explanation("a.b", [1, 2], "because", guessed=True), Explanation("c", 0.5, "so"))
    assert as_text(found) == "a.b: [1, 2]\n  guessed: because\nc: 0.5\n  so"
    one, other = map(json.loads, as_json(found).splitlines())
    assert one == {"path": "a.b", "value": [1, 2], "evidence": "because", "guessed": True}
    assert other["guessed"] is False


def test_the_command_prints_the_explanations(tmp_path: Path) -> None:
    model = zoo.yolov8(tmp_path / "m.onnx")
    status, out, _ = invoke("init", model, "--explain", "-o", tmp_path / "m.yaml")
    assert status == 0
    assert out.startswith("family: ")
    assert "postprocess[1].nms.iou: 0.45\n" in out
    assert yaml.safe_load((tmp_path / "m.yaml").read_text())["name"] == "m"
    status, out, _ = invoke("init", model, "--explain", "--json")
    assert status == 0
    assert json.loads(out.splitlines()[0])["path"] == "family"
