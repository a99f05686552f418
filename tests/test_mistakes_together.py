"""Several mistakes in one manifest: all are told at once, and none that nobody made."""

from itertools import product
from pathlib import Path

import pytest

from builder.findings import KINDS
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
