"""Several mistakes in one manifest: all are told at once, and none that nobody made."""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from builder.diagnostics.errors import Problem
from builder.diagnostics.findings import KINDS
from builder.diagnostics.formats import as_annotation, as_json, as_text
from tests.builder.models import yolo_model
from tests.gallery import MANIFEST, Mistake, findings
from tests.test_mistakes import MANIFESTS
from tests.test_traps import TRAPS

_ALONE = {"yaml", "key-twice"}
"""After these nothing else can be read."""


def _told(folder: Path, text: str) -> list[tuple[str, str]]:
    """Code and path of all findings about a manifest."""
    file = folder / "boxes.yaml"
    file.write_text(text)
    return [(it.code, it.path) for it in findings(file)]


def _changed(text: str, mistake: Mistake) -> str:
    assert text.count(mistake.old) == 1
    return text.replace(mistake.old, mistake.new)


_USUAL = [
    it
    for it in [*MANIFESTS, *TRAPS]
    if it.model is yolo_model and MANIFEST.count(it.old) == 1 and it.code not in _ALONE
]
_APART = [it for it in _USUAL if it.old == "threshold: 0.25" and KINDS[it.code].severity == "error"]
"""Mistakes in what nothing else depends on: the threshold, and keys that stand in its place."""
_BEFORE = [it for it in _USUAL if it.old not in ("threshold: 0.25", "type: detector", MANIFEST)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Name of a mistake -> what is told of it where it is the only one."""
    folder = tmp_path_factory.mktemp("alone")
    yolo_model(folder / "model.onnx")
    return {it.name: _told(folder, _changed(MANIFEST, it)) for it in _USUAL}


@pytest.mark.parametrize("apart", _APART, ids=lambda it: it.name)
def test_a_mistake_hides_no_other_and_brings_none(
    apart: Mistake, alone: dict[str, list[tuple[str, str]]], tmp_path: Path
) -> None:
    yolo_model(tmp_path / "model.onnx")
    for other in _BEFORE:
        both = _told(tmp_path, _changed(_changed(MANIFEST, apart), other))
        one, two = alone[apart.name], alone[other.name]
        assert both[0] in (one[0], two[0]), other.name
        assert {one[0], two[0]} <= set(both) <= {*one, *two}, other.name


def test_the_pairs_are_many() -> None:
    assert len(list(product(_APART, _BEFORE))) >= 200


MANY = """\
name: My Boxes
type: detector
model: model.onnx
labels: [cat, 7]
preprocess: [letterbox, {normalize: {skale: 255}}]
postprocess:
  - yolo
  - nms: 1.5
  - rectangel
  - mask
threshold: high
cvat: "2"
colour: red
resources: {memory: 16Mi}
variants: {gpu: {cuda: 11}}
"""


def test_mistakes_in_every_part_are_told_at_once(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    assert _told(tmp_path, MANY) == [
        ("wrong-value", "name"),
        ("wrong-value", "labels[1]"),
        ("unknown-key", "preprocess[1].normalize.skale"),
        ("class-count", "postprocess[0].yolo"),
        ("wrong-value", "postprocess[1].nms.iou"),
        ("unknown-step", "postprocess[2].rectangel"),
        ("wrong-value", "threshold"),
        ("wrong-value", "cvat"),
        ("unknown-key", "colour"),
        ("wrong-value", "variants.gpu.cuda"),
    ]


@pytest.mark.parametrize(
    ("line", "changed", "told"),
    [
        # What a wrong part says nothing of is not held against the others.
        ("labels: [cat, dog, bird]", "labels: 7", [("wrong-value", "labels")]),
        ("labels: [cat, dog, bird]", "labels: []", [("wrong-value", "labels")]),
        ("labels: [cat, dog, bird]", "", [("missing-key", "labels")]),
        ("  - yolo\n", "  - yolov8\n", [("unknown-step", "postprocess[0].yolov8")]),
        ("  - nms: 0.45\n", "  - nsm: 0.45\n", [("unknown-step", "postprocess[1].nsm")]),
        ("  - rectangle\n", "  - 5\n", [("wrong-value", "postprocess[2]")]),
        ("  - letterbox\n", "  - leterbox\n", [("unknown-step", "preprocess[0].leterbox")]),
        (
            "  - normalize: 255\n",
            "  - normalise: 255\n",
            [("unknown-step", "preprocess[1].normalise")],
        ),
        ("model: model.onnx", "model: 7", [("wrong-value", "model")]),
        (
            "model: model.onnx",
            "model: {url: 'http://localhost/m.onnx', sha256: x}",
            [("wrong-value", "model.sha256")],
        ),
        ("model: model.onnx", "", [("missing-key", "model")]),
        # What does not depend on a lacking model is checked without it.
        (
            "model: model.onnx\nlabels: [cat, dog, bird]",
            "model: absent.onnx\nlabels: [cat, cat]",
            [("model-not-found", "model"), ("label-twice", "labels[1]")],
        ),
        (
            "model: model.onnx\nlabels: [cat, dog, bird]",
            "model: absent.onnx\nlabels: metadata",
            [("model-not-found", "model")],
        ),
        # A list of steps that says nothing leaves the rest to be checked.
        (
            "model: model.onnx\nlabels: [cat, dog, bird]\n",
            "model: absent.onnx\nlabels: [cat, cat]\nthen: 5\n",
            [("model-not-found", "model"), ("label-twice", "labels[1]"), ("wrong-value", "then")],
        ),
    ],
)
def test_only_what_is_wrong_is_told(
    line: str, changed: str, told: list[tuple[str, str]], tmp_path: Path
) -> None:
    yolo_model(tmp_path / "model.onnx")
    assert MANIFEST.count(line) == 1
    assert _told(tmp_path, MANIFEST.replace(line, changed)) == told


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "\udcff", "a\u2028b", "\u202e"], ids=ascii)
def test_a_manifests_own_name_must_fit_into_a_line(name: str, tmp_path: Path) -> None:
    file = tmp_path / f"{name}.yaml"
    file.write_text(MANIFEST)
    (found,) = findings(file)
    assert (found.code, found.hint) == ("file-name", "rename it")


@pytest.mark.parametrize("text", ["", "[1, 2]", "word", "null", "5"])
@pytest.mark.parametrize("write", [as_annotation, as_json, as_text])
def test_a_file_without_keys_is_told_in_every_form(
    text: str, write: Callable[[Problem], str], tmp_path: Path
) -> None:
    file = tmp_path / "boxes.yaml"
    file.write_text(text)
    (found,) = findings(file)
    assert found.code == "no-manifest"
    assert "no-manifest" in write(found)


TWICE = """\
  - letterbox
  - letterbox
  - normalize: 255
  - normalize: 255
postprocess:
  - yolo
  - nms: 0.45
  - rectangle
  - rectangle: {suffix: -again}
  - rectangle
"""


def test_what_is_done_twice_is_told_but_not_what_has_another_name(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    head, rest = MANIFEST.split("  - letterbox\n")
    tail = rest.split("  - rectangle\n")[1]
    assert _told(tmp_path, head + TWICE + tail) == [
        ("step-twice", "preprocess[1].letterbox"),
        ("step-twice", "preprocess[3].normalize"),
        ("step-twice", "postprocess[4].rectangle"),
    ]


SKELETON = "[{name: person, sublabels: [a, b, c, b], edges: [[a, d]]}, dog, bird]"


def test_keypoints_of_a_label_that_is_wrong_are_not_said_to_be_missing(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    text = MANIFEST.replace("[cat, dog, bird]", SKELETON).replace("- rectangle", "- skeleton")
    assert ("keypoint", "labels[0]") in _told(tmp_path, text)
    assert ("keypoint", "postprocess[2].skeleton") not in _told(tmp_path, text)


def test_keypoints_that_no_shape_draws_are_told(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    label = "[{name: cat, sublabels: [nose, tail], edges: [[nose, tail]]}, dog, bird]"
    text = MANIFEST.replace("[cat, dog, bird]", label)
    assert _told(tmp_path, text) == [("keypoints-not-drawn", "labels[0]")]


def test_a_key_of_another_kind_hides_nothing(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    text = MANIFEST.replace("threshold: 0.25", "threshold: 2\ndecoder: model.onnx")
    text = text.replace("[cat, dog, bird]", "[cat, dog]")
    assert _told(tmp_path, text) == [
        ("class-count", "postprocess[0].yolo"),
        ("wrong-value", "threshold"),
        ("unknown-key", "decoder"),
    ]


def test_a_misspelt_type_is_taken_for_what_was_meant(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    text = MANIFEST.replace("type: detector", "type: detecter").replace("nms: 0.45", "nms: 45")
    assert _told(tmp_path, text) == [
        ("wrong-value", "type"),
        ("wrong-value", "postprocess[1].nms.iou"),
    ]


def test_a_second_model_that_only_finds_boxes_is_refused(tmp_path: Path) -> None:
    yolo_model(tmp_path / "model.onnx")
    second = "then: [{model: model.onnx, preprocess: [letterbox], postprocess: [classify]}]\n"
    assert ("step-order", "then[0].postprocess") in _told(tmp_path, MANIFEST + second)
