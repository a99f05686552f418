import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from builder.errors import CvatbuildError, ManifestError
from builder.labels import Attribute, Label, Labels, from_file, from_metadata
from builder.plan import plan
from runtimes.classes import Classes, Joints
from tests.builder.conftest import WriteManifest, failure

MODEL = Path("m.onnx")


def names(text: str) -> list[str]:
    return [label.name for label in from_metadata({"names": text}, MODEL)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{0: 'cat', 1: 'dog'}", ["cat", "dog"]),
        ("{1: 'dog', 0: 'cat'}", ["cat", "dog"]),
        ("{0: \"it's\", 1: '\"'}", ["it's", '"']),
        ("['cat', 'dog']", ["cat", "dog"]),
        ("('cat', 'dog')", ["cat", "dog"]),
        ("{0: 'Zürich', 1: '猫'}", ["Zürich", "猫"]),
        ("{0: '" + "x" * 64 + "'}", ["x" * 64]),
    ],
)
def test_names_in_metadata_are_labels(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_labels_from_metadata_are_all_classes() -> None:
    labels = Labels.of(from_metadata({"names": "['a', 'b', 'c']"}, MODEL))
    assert labels.classes == Classes(3, True)
    assert labels.names == {0: "a", 1: "b", 2: "c"}


HOSTILE = [
    "",
    "cat, dog",
    "__import__('os').system('echo')",
    "open('/etc/passwd').read()",
    "{}",
    "[]",
    "5",
    "None",
    "'cat'",
    "{'0': 'cat'}",
    "{0: 5}",
    "{0: ''}",
    "{0: None}",
    "{True: 'cat'}",
    "{0: 'cat', 2: 'dog'}",
    "{1: 'cat'}",
    "{-1: 'cat', 0: 'dog'}",
    "{0.0: 'cat'}",
    "{0: '" + "x" * 65 + "'}",
    # What cannot be a key, and what only looks like a literal.
    "{[]: 'cat'}",
    "{{}: 'cat'}",
    "{0: 'cat', **{}}",
    "{0: f'{1}'}",
    "(" * 5000,
    "[" * 5000 + "]" * 5000,
    "-" * 100_000 + "1",
    "9" * 10_000,
    "{0: 'a\x00'}",
    "'" + "x" * 1_000_001 + "'",
    # Names that CVAT or a person would not know from another.
    "{0: 'cat\\n'}",
    "{0: ' cat'}",
    "{0: 'cat '}",
    "{0: '\\t'}",
    "{0: 'a\\x07b'}",
    "{0: '\\u202ecat'}",
    "{0: '\\ud800'}",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_hostile_names_are_refused(text: str) -> None:
    error = failure(lambda: names(text))
    assert isinstance(error, ManifestError)
    (problem,) = error.problems
    assert problem.path.startswith("labels")
    assert len(str(problem)) < 1000


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.booleans())
def test_any_name_is_taken_as_it_is_or_refused(name: str, as_list: bool) -> None:
    text = repr([name] if as_list else {0: name})
    try:
        found = names(text)
    except CvatbuildError:
        # Refused only if nobody could see what it is, or it is blank.
        assert not name.isprintable() or name != name.strip() or not name
        return
    assert found == [name]


def test_a_model_without_names_says_what_it_has() -> None:
    (problem,) = failure(lambda: from_metadata({"task": "detect", "imgsz": "1"}, MODEL)).problems
    assert "imgsz, task" in problem.found


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "entries"),
    [
        ("l.txt", "cat\ndog\n", ["cat", "dog"]),
        ("l.txt", "\ufeffcat\r\n\r\n  dog  \r\n", ["cat", "dog"]),
        ("l.txt", "no\n1\n", ["no", "1"]),
        ("l.TXT", "cat", ["cat"]),
        ("l.yaml", "- cat\n- dog\n", ["cat", "dog"]),
        ("l.yml", "[cat, {name: dog, id: 5}]", ["cat", {"name": "dog", "id": 5}]),
        ("l.yaml", "names: [cat, dog]\nnc: 2\n", ["cat", "dog"]),
        ("l.yaml", "path: ../data\nnames:\n  0: cat\n  1: dog\n", ["cat", "dog"]),
        ("l.yaml", "names: {3: cat, 7: dog}", [{"name": "cat", "id": 3}, {"name": "dog", "id": 7}]),
        ("l.yaml", "names: {1: dog, 0: cat}", [{"name": "dog", "id": 1}, {"name": "cat", "id": 0}]),
        ("l.json", '["cat", "dog"]', ["cat", "dog"]),
        ("l.json", '{"names": ["cat"]}', ["cat"]),
        ("l.json", '{"names": {"0": "cat", "1": "dog"}}', ["cat", "dog"]),
        ("l.json", '{"names": {"2": "cat"}}', [{"name": "cat", "id": 2}]),
    ],
)
def test_label_files(tmp_path: Path, name: str, content: str, entries: list[Any]) -> None:
    assert from_file(write(tmp_path, name, content)) == entries


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.txt", ""),
        ("l.txt", "\n \n"),
        ("l.txt", b"Z\xfcrich"),
        ("l.csv", "cat"),
        ("l", "cat"),
        ("l.yaml", ""),
        ("l.yaml", "[]"),
        ("l.yaml", "names: []"),
        ("l.yaml", "names: {}"),
        ("l.yaml", "classes: [cat]"),
        ("l.yaml", "cat"),
        ("l.yaml", "names: [a"),
        ("l.yaml", "names: {0: a, 0: b}"),
        ("l.yaml", b"\xff\xfe"),
        ("l.json", ""),
        ("l.json", "{}"),
        ("l.json", "null"),
        ("l.json", "5"),
        ("l.json", '"cat"'),
        ("l.json", "[1,"),
        ("l.json", b"\xff"),
        ("l.json", "[" * 20_000),
    ],
)
def test_label_files_that_are_refused(tmp_path: Path, name: str, content: str | bytes) -> None:
    file = write(tmp_path, name, content)
    error = failure(lambda: from_file(file))
    assert isinstance(error, ManifestError)
    assert error.problems[0].file == file


@pytest.mark.parametrize("name", ["l.txt", "l.yaml", "l.json"])
def test_a_label_file_that_is_absent_is_refused(tmp_path: Path, name: str) -> None:
    failure(lambda: from_file(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.json", '{"names": {"a": "cat"}}'),
        # A digit to Python's isdigit, but no number.
        ("l.json", '{"names": {"\u00b2": "cat"}}'),
        ("l.json", '{"names": {"0": "cat", "00": "dog"}}'),
        ("l.json", "[1, 2]"),
        ("l.json", "[null]"),
        ("l.json", '[{"name": "cat", "id": -1}]'),
        ("l.json", '[{"title": "cat"}]'),
        ("l.json", '["\\ud800"]'),
        ("l.yaml", "[no, yes]"),
        ("l.yaml", "names: {-1: cat}"),
        ("l.yaml", "names: {0: {name: cat}}"),
        ("l.yaml", "[cat, cat]"),
        ("l.txt", "cat\ncat\n"),
        ("l.txt", "cat\x07\n"),
        ("l.txt", "x" * 65),
    ],
)
def test_entries_of_a_label_file_are_checked_as_those_of_a_manifest(
    tmp_path: Path, write_manifest: WriteManifest, name: str, content: str
) -> None:
    write(tmp_path, name, content)
    manifest = write_manifest(labels=name)
    error = failure(lambda: plan(manifest))
    assert isinstance(error, ManifestError)
    assert all(problem.file is not None for problem in error.problems)


def label(**changes: Any) -> Label:
    return Label.model_validate_json(json.dumps({"name": "cat", **changes}))


@pytest.mark.parametrize("name", ["a", "x" * 64, "traffic light", "it's", '"', "é", "猫", "a|b"])
def test_names_that_labels_can_have(name: str) -> None:
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
def test_types_that_cvat_has(kind: str) -> None:
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
def test_values_that_attributes_cannot_have(input_type: str, values: list[Any]) -> None:
    with pytest.raises(ValidationError):
        attribute(input_type, values)


def test_an_attribute_takes_no_default() -> None:
    with pytest.raises(ValidationError):
        attribute("text", [], default_value="x")


def test_attributes_of_one_label_have_different_names() -> None:
    one = {"name": "size", "input_type": "text"}
    assert len(label(attributes=[one, {**one, "name": "age"}]).attributes) == 2
    with pytest.raises(ValidationError, match="twice"):
        label(attributes=[one, one])


@pytest.mark.parametrize(
    ("given", "ids", "classes"),
    [
        ([Label(name="a"), Label(name="b")], [0, 1], Classes(2, True)),
        ([Label(name="a", id=7), Label(name="b", id=2)], [7, 2], Classes(8, False)),
        ([Label(name="a", id=0), Label(name="b")], [0, 1], Classes(2, False)),
    ],
)
def test_labels_without_an_id_are_numbered_by_their_place(
    given: list[Label], ids: list[int], classes: Classes
) -> None:
    labels = Labels.of(given)
    assert [entry.id for entry in labels.entries] == ids
    assert labels.classes == classes
    assert labels.names == dict(zip(ids, ["a", "b"], strict=True))
    assert labels.mistakes() == []


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ([Label(name="a"), Label(name="b"), Label(name="a")], [2]),
        ([Label(name="a", id=1), Label(name="b", id=1)], [1]),
        ([Label(name="a", id=1), Label(name="b")], [1]),
        ([Label(name="a", id=1), Label(name="a", id=1)], [1, 1]),
    ],
)
def test_names_and_ids_that_are_there_twice_are_mistakes(
    given: list[Label], places: list[int]
) -> None:
    assert [place for place, *_ in Labels.of(given).mistakes()] == places


def test_a_name_that_is_there_twice_is_reported_at_its_place(
    write_manifest: WriteManifest,
) -> None:
    manifest = write_manifest(labels=["cat", "dog", "cat"])
    (problem,) = failure(lambda: plan(manifest)).problems
    assert problem.path == "labels[2]"
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
def test_a_sublabel_without_an_id_is_the_keypoint_after_the_one_before_it(
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
    assert labels.mistakes() == []


def test_a_model_cannot_give_some_classes_more_keypoints_than_others() -> None:
    labels = Labels.of(
        [Label(name="cat", sublabels=("a", "b")), Label(name="dog", sublabels=("a",))]
    )
    ((place, what, hint, _),) = labels.mistakes()
    assert (place, what) == (1, "the labels have different numbers of sublabels")
    assert "`id`" in hint


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"skeletons": [{"name": "x", "sublabels": ["a"]}], "sublabels": ["b"]}, "has both"),
        ({"skeletons": [{"name": "x"}]}, "the skeleton 'x' has no `sublabels`"),
        ({"skeletons": [{"name": "x", "sublabels": ["a", "a"]}]}, "the sublabel 'a' twice"),
        ({"skeletons": [{"name": "x", "sublabels": ["a"], "edges": [["a", "b"]]}]}, "edge to 'b'"),
        ({"sublabels": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]}, "to two sublabels"),
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
