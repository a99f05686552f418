"""OpenVINO IR with a metadata.yaml beside it, as Ultralytics exports it, and with its own words."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest
import yaml

from builder.diagnostics.errors import CvatbuildError
from builder.families.init import draft_manifest, write_manifest
from builder.families.inspect import Inspection
from builder.lint.examine import plan
from builder.model.file import read
from builder.targets.build import build
from tests import zoo
from tests.builder.conftest import failure, png
from tests.local_function import LocalFunction
from tests.openvino_models import converted
from tests.zoo import BOX, CELLS, CENTER, SCORE, Maker

METADATA = """\
description: Ultralytics YOLO11n model trained on pets.yaml
author: Ultralytics
date: '2025-11-02T10:11:12.131415'
version: 8.3.40
license: AGPL-3.0 License (https://ultralytics.com/license)
docs: https://docs.ultralytics.com
stride: 32
task: detect
batch: 1
imgsz:
- 64
- 64
names:
  0: cat
  1: guide dog
  2: bird
args:
  batch: 1
  half: false
  nms: false
channels: 3
"""


def exported(folder: Path, make: Maker, metadata: str | None = METADATA, **info: object) -> Path:
    """A model as Ultralytics' OpenVINO export leaves it: XML, weights, words inside and beside."""
    model = converted(make)
    said = {"model_type": "YOLO", "reverse_input_channels": True, "pad_value": 114, **info}
    for key, value in {"scale_values": [255.0], "iou_threshold": 0.7, **said}.items():
        model.set_rt_info(value, ["model_info", key])
    path = folder / "best_openvino_model" / "best.xml"
    path.parent.mkdir()
    openvino.save_model(model, path, compress_to_fp16=False)
    if metadata is not None:
        path.with_name("metadata.yaml").write_text(metadata)
    return path


def test_names_task_and_size_are_read_from_the_metadata_file(tmp_path: Path) -> None:
    path = exported(tmp_path, zoo.yolov8, labels=["cat", "guide_dog", "bird"])
    draft = draft_manifest([path], tmp_path)
    assert draft.ranking.sureness == "certain"
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    assert "metadata task: detect" in draft.text
    assert "# metadata.yaml.names: cat, guide dog, bird" in draft.text
    data = yaml.safe_load(draft.text)
    assert data["labels"] == "metadata"
    assert data["preprocess"] == ["letterbox", {"normalize": 255}]
    planned = plan(tmp_path / "m.yaml")
    assert [label.name for label in planned.labels] == ["cat", "guide dog", "bird"]
    folder = build(planned, tmp_path / "build", force=False).folder
    (item,) = LocalFunction(folder, "cpu")(png(64, 64)).body
    assert item["label"] == "guide dog"
    assert item["points"] == pytest.approx(BOX, abs=0.05)


def test_the_metadata_file_gives_the_size_of_an_open_input(tmp_path: Path) -> None:
    draft = draft_manifest([exported(tmp_path, zoo.yolov8_open)], tmp_path)
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    assert "metadata imgsz: [64, 64]" in draft.text
    folder = build(plan(tmp_path / "m.yaml"), tmp_path / "b", force=False).folder
    (item,) = LocalFunction(folder, "cpu")(png(64, 64)).body
    assert item["points"] == pytest.approx(BOX, abs=0.05)


def two_points(path: Path) -> Path:
    """Three classes and two keypoints of three numbers: only metadata tell them from masks."""
    net = zoo.image()
    rows = np.zeros((1, 4 + 3 + 6, CELLS), np.float32)
    rows[0, :, 0] = (*CENTER, 0, SCORE, 0, 20, 10, 1, 40, 20, 1)
    net.give("output0", net.known(rows), rows.shape)
    return net.save(path)


TASKS: dict[str, tuple[Maker, str, str, list[object]]] = {
    "detect": (zoo.end2end, "end2end: true\n", "yolo_end2end", ["letterbox"]),
    "obb": (zoo.three_classes_or_two_turned, "", "yolo_obb", ["letterbox"]),
    "pose": (two_points, "kpt_shape:\n- 2\n- 3\n", "yolo_pose", ["letterbox"]),
    "classify": (zoo.classifier_softmax, "", "classify", ["center_crop"]),
}


@pytest.mark.parametrize("task", TASKS)
def test_the_metadata_file_gives_the_task(tmp_path: Path, task: str) -> None:
    make, more, decoder, resize = TASKS[task]
    metadata = METADATA.replace("task: detect", f"task: {task}") + more
    if task in ("obb", "classify"):
        count = {"obb": 2, "classify": 10}[task]
        names = "".join(f"  {number}: thing {number}\n" for number in range(count))
        metadata = metadata.replace("  0: cat\n  1: guide dog\n  2: bird\n", names)
    # Ultralytics says how images are resized for all tasks but this one.
    info = {} if task == "classify" else {"resize_type": "fit_to_window_letterbox"}
    draft = draft_manifest([exported(tmp_path, make, metadata, **info)], tmp_path)
    assert draft.ranking.sureness == "certain"
    data = yaml.safe_load(draft.text)
    assert data["preprocess"] == [*resize, {"normalize": 255}]
    step = data["postprocess"][0]
    assert (step if isinstance(step, str) else next(iter(step))) == decoder
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    assert plan(tmp_path / "m.yaml").labels


def test_inspect_shows_the_metadata_file(tmp_path: Path) -> None:
    text = Inspection.of(exported(tmp_path, zoo.yolov8), run=False).as_text()
    assert "names: {0: 'cat', 1: 'guide dog', 2: 'bird'}" in text
    assert "model_type: YOLO" in text


def test_labels_in_the_ir_are_read_without_a_metadata_file(tmp_path: Path) -> None:
    path = exported(tmp_path, zoo.yolov8, None, labels=["cat", "guide_dog", "bird"])
    text = draft_manifest([path], tmp_path).text
    assert yaml.safe_load(text)["labels"] == ["cat", "guide_dog", "bird"]
    data = yaml.safe_load(text)
    data["labels"] = "metadata"
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(data))
    labels = plan(tmp_path / "m.yaml").labels
    assert [label.name for label in labels] == ["cat", "guide_dog", "bird"]


@pytest.mark.parametrize("words", ["cat cat bird", "{0:'a'} b c", "a" * 65, ""])
def test_invalid_labels_in_the_ir_are_ignored(tmp_path: Path, words: str) -> None:
    path = exported(tmp_path, zoo.yolov8, None, labels=words)
    data = yaml.safe_load(draft_manifest([path], tmp_path).text)
    assert data["labels"] == ["class_0", "class_1", "class_2"]
    data["labels"] = "metadata"
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(data))
    (problem,) = failure(lambda: plan(tmp_path / "m.yaml")).problems
    assert problem.code == "no-model-labels"


def test_a_metadata_file_next_to_several_models_is_ignored(tmp_path: Path) -> None:
    path = exported(tmp_path, zoo.yolov8)
    path.with_name("other.xml").write_bytes(path.read_bytes())
    assert "names" not in read(path).signature.metadata


@pytest.mark.parametrize("text", ["- a list\n", "just text\n", "", "1: 2\n", "names:\n"])
def test_other_yaml_in_the_metadata_file_is_ignored(tmp_path: Path, text: str) -> None:
    path = exported(tmp_path, zoo.yolov8, text)
    data = yaml.safe_load(draft_manifest([path], tmp_path).text)
    assert data["labels"] == ["class_0", "class_1", "class_2"]


LAYERS = "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10) if number else 'x'}]\n"
    for number in range(12)
)
HOSTILE = {
    "code": "names: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    "aliases that stand for billions of values": LAYERS,
    "more than is ever read": f"names: {'x' * 5_000_000}\n",
    "deep": f"names: {'[' * 200}\n",
    "not text": "\x00\x01\x02",
    "a key twice": "task: detect\ntask: obb\n",
    "broken": "names: {0: cat\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_malicious_or_damaged_metadata_file_is_an_error_with_its_line(
    tmp_path: Path, name: str
) -> None:
    path = exported(tmp_path, zoo.yolov8, HOSTILE[name])
    with pytest.raises(CvatbuildError) as caught:
        draft_manifest([path], tmp_path)
    (problem,) = caught.value.problems
    assert problem.code == "model-metadata"
    assert "metadata.yaml of best.xml is invalid" in problem.what
    manifest = f"name: m\ntype: detector\nmodel: {path}\nlabels: [a, b, c]\n"
    steps = "preprocess: [letterbox, normalize]\npostprocess: [yolo, nms, rectangle]\n"
    (tmp_path / "m.yaml").write_text(f"{manifest}{steps}variants: {{gpu: false}}\n")
    (problem,) = failure(lambda: plan(tmp_path / "m.yaml")).problems
    assert (problem.code, problem.place, problem.line) == ("model-metadata", "model", 3)


@pytest.mark.parametrize(
    "names", ["[]", "{0: 1}", "5", "{0: 'a\\nb', 1: b, 2: c}", "{2: a, 3: b, 4: c}", "{a: b}"]
)
def test_invalid_names_are_reported(tmp_path: Path, names: str) -> None:
    quoted = names.replace("'a\\nb'", '"a\\nb"')
    path = exported(tmp_path, zoo.yolov8, f"task: detect\nnames: {quoted}\n")
    draft = draft_manifest([path], tmp_path)
    data = yaml.safe_load(draft.text)
    assert data["labels"] == ["class_0", "class_1", "class_2"]
    assert draft.notes


WORDS = {"names": '{"0": "cat", "1": "dog", "2": "bird"}', "character": "line 1\nline 2"}


@pytest.mark.parametrize("convert", [openvino.convert_model, openvino.Core().read_model])
def test_labels_stay_when_an_onnx_file_is_converted(tmp_path: Path, convert: Any) -> None:
    source = tmp_path / "m.onnx"
    proto = onnx.load(zoo.yolov8(source))
    onnx.helper.set_model_props(proto, WORDS)
    onnx.save(proto, source)
    openvino.save_model(convert(source), tmp_path / "ir" / "m.xml")
    # An independent reader of the same file.
    info = openvino.Core().read_model(tmp_path / "ir" / "m.xml").get_rt_info(["framework", "names"])
    assert str(info.astype(str)) == WORDS["names"]
    found = read(tmp_path / "ir" / "m.xml").signature.metadata
    assert {key: found[key] for key in WORDS} == WORDS
    draft = draft_manifest([tmp_path / "ir" / "m.xml"], tmp_path)
    assert "labels: metadata" in draft.text
    assert "# rt_info framework.names: cat, dog, bird" in draft.text
    write_manifest(draft.text, tmp_path / "m.yaml", force=False)
    found_labels = [(label.id, label.name) for label in plan(tmp_path / "m.yaml").labels]
    assert found_labels == [(0, "cat"), (1, "dog"), (2, "bird")]
