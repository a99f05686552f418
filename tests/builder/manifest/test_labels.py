import json
from typing import Any

import pytest
from pydantic import ValidationError

from builder.lint.examine import plan
from builder.manifest.labels import Attribute, Label, Labels
from runtimes.classes import Classes, Joints
from tests.builder.conftest import WriteManifest, failure


def label(**changes: Any) -> Label:
    return Label.model_validate_json(json.dumps({"name": "cat", **changes}))


@pytest.mark.parametrize("name", ["a", "x" * 64, "traffic light", "it's", '"', "é", "猫", "a|b"])
def test_valid_label_names(name: str) -> None:
    assert label(name=name).name == name


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 65},
        {"name": " a"},
        {"name": "a "},
        {"name": "a\nb"},
        {"name": "a\x00"},
        {"name": "\u200b"},
        {"name": 5},
        {"id": -1},
        {"id": "1"},
        {"id": True},
        {"id": 1.5},
        {"type": "box"},
        {"type": "Rectangle"},
        {"type": ""},
        {"color": "#ff0000"},
    ],
)
def test_labels_that_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        label(**changes)


@pytest.mark.parametrize(
    "kind",
    [
        *("any", "rectangle", "polygon", "polyline", "points"),
        *("ellipse", "cuboid", "mask", "tag"),
    ],
)
def test_cvats_label_types(kind: str) -> None:
    assert label(type=kind).type == kind


def attribute(input_type: str, values: list[Any], **changes: Any) -> Attribute:
    data = {"name": "size", "input_type": input_type, "values": values, **changes}
    return Attribute.model_validate_json(json.dumps(data))


@pytest.mark.parametrize(
    ("input_type", "values", "texts"),
    [
        ("select", ["small", "large"], ("small", "large")),
        ("radio", [1, 2.5, "x"], ("1", "2.5", "x")),
        ("select", [True, False], ("true", "false")),
        ("checkbox", [False], ("false",)),
        ("checkbox", ["true", "false"], ("true", "false")),
        ("checkbox", [], ()),
        ("number", [0, 100, 5], ("0", "100", "5")),
        ("number", ["-5", "5", "1"], ("-5", "5", "1")),
        ("text", [], ()),
    ],
)
def test_values_of_attributes_become_text(
    input_type: str, values: list[Any], texts: tuple[str, ...]
) -> None:
    assert attribute(input_type, values).values == texts


@pytest.mark.parametrize(
    ("input_type", "values"),
    [
        ("select", []),
        ("radio", []),
        ("checkbox", ["yes"]),
        ("checkbox", [0]),
        ("checkbox", ["True"]),
        ("number", []),
        ("number", [0, 100]),
        ("number", [0, 100, 5, 5]),
        ("number", [0, 1, 0.1]),
        ("number", ["a", "b", "c"]),
        ("number", [0, 100, 0]),
        ("number", [0, 100, -1]),
        ("number", [5, 5, 1]),
        ("number", [6, 5, 1]),
        ("number", ["\u00b2", "\u00b3", "\u00b9"]),
        ("number", ["--1", "5", "1"]),
        ("slider", [1]),
        ("", []),
    ],
)
def test_invalid_attribute_values(input_type: str, values: list[Any]) -> None:
    with pytest.raises(ValidationError):
        attribute(input_type, values)


def test_an_attribute_takes_no_default() -> None:
    with pytest.raises(ValidationError):
        attribute("text", [], default_value="x")


def test_duplicate_attributes_are_refused() -> None:
    one = {"name": "size", "input_type": "text"}
    assert len(label(attributes=[one, {**one, "name": "age"}]).attributes) == 2
    with pytest.raises(ValidationError, match="duplicate attribute"):
        label(attributes=[one, one])


@pytest.mark.parametrize(
    ("given", "ids", "classes"),
    [
        ([Label(name="a"), Label(name="b")], [0, 1], Classes(2, True, "a")),
        ([Label(name="a", id=7), Label(name="b", id=2)], [7, 2], Classes(8, False)),
        ([Label(name="a", id=0), Label(name="b")], [0, 1], Classes(2, False, "a")),
    ],
)
def test_labels_without_an_id_get_their_index(
    given: list[Label], ids: list[int], classes: Classes
) -> None:
    labels = Labels.of(given)
    assert [entry.id for entry in labels.entries] == ids
    assert labels.classes == classes
    assert labels.names == dict(zip(ids, ["a", "b"], strict=True))
    assert labels.problems() == []


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ([Label(name="a"), Label(name="b"), Label(name="a")], [2]),
        ([Label(name="a", id=1), Label(name="b", id=1)], [1]),
        ([Label(name="a", id=1), Label(name="b")], [1]),
        ([Label(name="a", id=1), Label(name="a", id=1)], [1, 1]),
    ],
)
def test_duplicate_names_and_ids_are_reported(given: list[Label], places: list[int]) -> None:
    assert [it.path for it in Labels.of(given).problems()] == [(place,) for place in places]


def test_a_duplicate_name_is_reported_at_its_location(
    write_manifest: WriteManifest,
) -> None:
    manifest = write_manifest(labels=["cat", "dog", "cat"])
    (problem,) = failure(lambda: plan(manifest)).problems
    assert problem.place == "labels[2]"
    # name, type, model, labels and three entries below it.
    assert (problem.line, problem.column) == (7, 3)


@pytest.mark.parametrize(
    ("changes", "joints"),
    [
        ({}, []),
        ({"sublabels": ["a", "b"]}, [Joints((0,), "", {"a": 0, "b": 1}, 2)]),
        (
            {"id": 7, "sublabels": ["a", {"name": "b", "id": 5}, "c"]},
            [Joints((7,), "", {"a": 0, "b": 5, "c": 6}, None)],
        ),
        (
            {
                "skeletons": [
                    {"name": "x", "sublabels": ["a", "b"]},
                    {"name": "y", "sublabels": ["a"]},
                ]
            },
            [Joints((0,), "x", {"a": 0, "b": 1}, 3), Joints((0,), "y", {"a": 2}, 3)],
        ),
        (
            {
                "skeletons": [
                    {"name": "x", "sublabels": ["a", "b"]},
                    {"name": "y", "sublabels": ["c", {"name": "b", "id": 1}]},
                ]
            },
            [Joints((0,), "x", {"a": 0, "b": 1}, None), Joints((0,), "y", {"c": 2, "b": 1}, None)],
        ),
    ],
)
def test_a_sublabel_without_an_id_follows_the_previous_one(
    changes: dict[str, Any], joints: list[Joints]
) -> None:
    assert label(**changes).joints() == joints


def test_classes_with_the_same_skeleton_share_it() -> None:
    points = ("a", "b")
    labels = Labels.of(
        [
            Label(name="cat", sublabels=points),
            Label(name="stone"),
            Label(name="dog", sublabels=points),
            Label(name="bird", sublabels=("b", "a")),
        ]
    )
    assert labels.joints == (
        Joints((0, 2), "", {"a": 0, "b": 1}, 2),
        Joints((3,), "", {"b": 0, "a": 1}, 2),
    )
    assert labels.problems() == []


def test_classes_with_different_keypoint_counts_are_reported() -> None:
    labels = Labels.of(
        [Label(name="cat", sublabels=("a", "b")), Label(name="dog", sublabels=("a",))]
    )
    (problem,) = labels.problems()
    assert (problem.path, problem.what) == (
        (1,),
        "the labels have different numbers of sublabels",
    )
    assert "`id`" in problem.hint


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"skeletons": [{"name": "x", "sublabels": ["a"]}], "sublabels": ["b"]},
            "`sublabels` and `skeletons` cannot be combined",
        ),
        ({"skeletons": [{"name": "x"}]}, "the skeleton 'x' has no `sublabels`"),
        ({"skeletons": [{"name": "x", "sublabels": ["a", "a"]}]}, "duplicate sublabel 'a'"),
        (
            {"skeletons": [{"name": "x", "sublabels": ["a"], "edges": [["a", "b"]]}]},
            "unknown sublabel 'b'",
        ),
        (
            {"sublabels": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]},
            "two sublabels have the same keypoint ID",
        ),
        ({"sublabels": [{"name": "a", "id": -1}]}, "greater than or equal to 0"),
        ({"type": "skeleton"}, "needs `sublabels`"),
        (
            {"type": "skeleton", "skeletons": [{"name": "x", "sublabels": ["a"]}]},
            "needs `sublabels`",
        ),
    ],
)
def test_skeletons_that_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        label(**changes)
    assert words in str(caught.value)


def test_a_label_can_have_several_class_ids() -> None:
    labels = Labels.of([label(name="vehicle", id=[7, 2, 5]), label(name="person", id=0)])
    assert labels.names == {7: "vehicle", 2: "vehicle", 5: "vehicle", 0: "person"}
    assert labels.classes == Classes(8, False, "person")
    assert labels.problems() == []
    assert labels.merged_classes == ((7, 2, 5),)


def test_merged_classes_share_their_keypoints() -> None:
    labels = Labels.of([label(id=[1, 3], sublabels=["a", "b"]), label(name="dog", id=2)])
    assert labels.joints == (Joints((1, 3), "", {"a": 0, "b": 1}, 2),)


@pytest.mark.parametrize("ids", [[], [1, 1], [-1], ["1"], [1.5], [True], [[1]]])
def test_lists_of_class_ids_that_are_refused(ids: list[Any]) -> None:
    with pytest.raises(ValidationError):
        label(id=ids)


def test_a_class_id_in_two_labels_is_refused() -> None:
    labels = Labels.of([label(id=[1, 2]), label(name="dog", id=[3, 2])])
    (problem,) = labels.problems()
    assert (problem.path, problem.code) == ((1,), "duplicate-class-id")
    assert "2" in problem.what


def test_a_duplicate_label_gets_the_form_that_merges_its_classes() -> None:
    (problem,) = Labels.of([label(id=1), label(id=2)]).problems()
    assert problem.code == "duplicate-label"
    assert "`{name: cat, id: [1, 2]}`" in problem.hint
