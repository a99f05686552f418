from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.diagnostics.problem import Problem
from builder.families.catalog.yolov8 import YOLOV8
from builder.families.draft_labels import GivenLabels, label_lines
from builder.families.match import ClassList
from builder.families.yaml_writer import render
from builder.manifest.labels import Label
from tests.builder.families.made import Shape, evidence, matches

HEAD: dict[str, Shape] = {"output0": (1, 7, 84)}
MATCH = matches(YOLOV8, evidence(HEAD))[0]
NAMES = {"names": "{0: 'cat', 1: 'dog', 2: 'bird'}"}
NUMBERED = ["class_0", "class_1", "class_2"]


def drafted(
    classes: ClassList,
    given: list[Label] | None = None,
    *,
    metadata: dict[str, str] | None = None,
    keypoints: int = 0,
    opset: int | None = 17,
) -> tuple[Any, list[Problem]]:
    """The labels of a draft, and what the user has to check."""
    notes: list[Problem] = []
    found = evidence(HEAD, metadata=metadata, opset=opset)
    labels = GivenLabels(tuple(given), "labels.txt") if given is not None else None
    match = replace(MATCH, keypoints=keypoints)
    lines = list(label_lines(match, classes, found, Path("best.onnx"), labels, notes))
    return yaml.safe_load(render(lines))["labels"], notes


def entries(*given: str | tuple[int, str]) -> list[Label]:
    """Labels by name, or by ID and name."""
    return [Label(name=it) if isinstance(it, str) else Label(id=it[0], name=it[1]) for it in given]


THREE = ClassList(3, "counted")
FROM_ONE = ClassList(2, "counted", first=1)


@pytest.mark.parametrize(
    ("classes", "given", "labels"),
    [
        (THREE, entries("a", "b", "c"), ["a", "b", "c"]),
        (THREE, entries((5, "a"), (7, "b"), (9, "c")), ["a", "b", "c"]),
        (ClassList(None), entries("a", "b"), ["a", "b"]),
        (ClassList(None), entries((2, "a")), [{"name": "a", "id": 2}]),
        (THREE, entries((0, "a"), (2, "b")), [{"name": "a", "id": 0}, {"name": "b", "id": 2}]),
        (THREE, entries((1, "a"), (3, "b")), [{"name": "a", "id": 0}, {"name": "b", "id": 2}]),
        (FROM_ONE, entries("a", "b"), [{"name": "a", "id": 1}, {"name": "b", "id": 2}]),
        (FROM_ONE, entries("nothing", "a", "b"), [{"name": "a", "id": 1}, {"name": "b", "id": 2}]),
        (FROM_ONE, entries((2, "b")), [{"name": "b", "id": 2}]),
        (THREE, [Label(name="a", id=(0, 2))], [{"name": "a", "id": [0, 2]}]),
        (ClassList(None), [Label(name="a", id=(0, 2))], [{"name": "a", "id": [0, 2]}]),
    ],
    ids=[
        "as many",
        "as many, with IDs",
        "unknown count",
        "unknown count, with IDs",
        "IDs from 0 with a gap",
        "IDs from 1 with a gap",
        "beside a background",
        "with a background",
        "ID beside a background",
        "merged classes",
        "merged classes, unknown count",
    ],
)
def test_given_labels_get_the_models_class_ids(
    classes: ClassList, given: list[Label], labels: list[Any]
) -> None:
    assert drafted(classes, given) == (labels, [])


@pytest.mark.parametrize("given", [entries("a", "b"), entries((0, "a"), (9, "b"))])
def test_given_labels_that_do_not_fit_are_kept_with_a_note(given: list[Label]) -> None:
    labels, (note,) = drafted(THREE, given)
    assert len(labels) == 2
    assert note.what == "labels.txt has 2 labels, the model has 3 classes"
    assert note.found == "counted"


def test_names_in_the_metadata_stay_there() -> None:
    assert drafted(THREE, metadata=NAMES) == ("metadata", [])
    assert drafted(ClassList(None), metadata=NAMES) == ("metadata", [])


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ("{0: 'cat'}", "the metadata name 1 classes, the model has 3"),
        ("{0: 'cat', 1: 'cat', 2: 'dog'}", "in the metadata: "),
        ("cat dog bird", "the names in the metadata are invalid: "),
    ],
)
def test_invalid_names_are_replaced_with_a_note(names: str, what: str) -> None:
    labels, notes = drafted(THREE, metadata={"names": names})
    assert labels == NUMBERED
    assert notes[0].what.startswith(what)


def test_names_without_those_of_the_keypoints_are_copied() -> None:
    labels, notes = drafted(THREE, metadata=NAMES, keypoints=2)
    assert [it["name"] for it in labels] == ["cat", "dog", "bird"]
    assert labels[0]["sublabels"] == ["point_1", "point_2"]
    assert notes == []


def test_an_ir_names_its_labels() -> None:
    words = {"labels": "cat dog bird"}
    assert drafted(THREE, metadata=words, opset=None) == (["cat", "dog", "bird"], [])
    assert drafted(ClassList(2), metadata=words, opset=None)[0] == ["class_0", "class_1"]


def test_a_family_can_name_its_classes() -> None:
    assert drafted(ClassList(1, "people", names=("person",))) == (["person"], [])


@pytest.mark.parametrize(
    ("classes", "count", "what"),
    [
        (THREE, 3, []),
        (ClassList(None), 80, ["the number of classes is unknown; 80 labels are written"]),
        (FROM_ONE, 2, ["class 0 is assumed to be the background, and gets no label"]),
    ],
)
def test_other_classes_are_numbered(classes: ClassList, count: int, what: list[str]) -> None:
    labels, notes = drafted(classes)
    assert len(labels) == count
    assert [note.what for note in notes] == what


def test_coco_keypoints_have_names_places_and_edges() -> None:
    (label,), _ = drafted(ClassList(1, "people", names=("person",)), keypoints=17)
    assert label["sublabels"][0] == {"name": "nose", "x": 50, "y": 8}
    assert ["nose", "left_eye"] in label["edges"]


@pytest.mark.parametrize(
    ("metadata", "labels"),
    [
        ({"character": "cat\ndog\nbird"}, "metadata"),
        ({"names": '{"0": "cat", "1": "dog", "2": "bird"}'}, "metadata"),
        ({"names": '{"1": "cat", "2": "dog", "3": "bird"}'}, "metadata"),
    ],
)
def test_names_in_other_spellings_are_used(metadata: dict[str, str], labels: object) -> None:
    assert drafted(THREE, metadata=metadata) == (labels, [])


@pytest.mark.parametrize("names", ["['a', 'b']", "{1: 'a', 2: 'b'}", "['background', 'a', 'b']"])
def test_names_in_metadata_get_the_class_ids_beside_a_background(names: str) -> None:
    expected = [{"name": "a", "id": 1}, {"name": "b", "id": 2}]
    assert drafted(FROM_ONE, metadata={"names": names}) == (expected, [])
