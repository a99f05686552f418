from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnostics.errors import CvatbuildError, ManifestError
from builder.manifest.labels import Labels
from builder.model.label_metadata import NAME_KEYS, from_metadata
from runtimes.classes import Classes
from tests.builder.conftest import failure

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
        # JSON, and Python as JSON's keys leave it
        ('{"0": "cat", "1": "dog"}', ["cat", "dog"]),
        ('["cat", "dog"]', ["cat", "dog"]),
        ("{'1': 'dog', '0': 'cat'}", ["cat", "dog"]),
        (
            '{"10": "k", "9": "j", "8": "i", "7": "h", "6": "g", "5": "f", "4": "e", "3": "d", '
            '"2": "c", "1": "b", "0": "a"}',
            list("abcdefghijk"),
        ),
        # from 1
        ("{1: 'cat', 2: 'dog'}", ["cat", "dog"]),
        ('{"1": "cat", "2": "dog"}', ["cat", "dog"]),
        # name -> class ID
        ("{'dog': 1, 'cat': 0}", ["cat", "dog"]),
        # one name per line
        ("cat\nguide dog\n", ["cat", "guide dog"]),
        ("cat\r\ndog", ["cat", "dog"]),
    ],
)
def test_names_in_metadata_are_labels(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_labels_from_metadata_are_all_classes() -> None:
    labels = Labels.of(from_metadata({"names": "['a', 'b', 'c']"}, MODEL))
    assert labels.classes == Classes(3, True, "a")
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
    "{'zero': 'cat'}",
    "{0: 'cat', '0': 'dog'}",
    "{'cat': 0, 'dog': 0}",
    "{0: 5}",
    "{0: ''}",
    "{0: None}",
    "{True: 'cat'}",
    "{0: 'cat', 2: 'dog'}",
    "{2: 'cat'}",
    "{'1': 'cat', '3': 'dog'}",
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
def test_malicious_names_are_refused(text: str) -> None:
    error = failure(lambda: names(text))
    assert isinstance(error, ManifestError)
    (problem,) = error.problems
    assert problem.path == ()
    assert len(str(problem)) < 1000


@given(st.text(st.characters(codec="utf-8"), max_size=30), st.booleans())
def test_any_name_is_accepted_unchanged_or_refused(name: str, as_list: bool) -> None:
    text = repr([name] if as_list else {0: name})
    try:
        found = names(text)
    except CvatbuildError:
        # Refused only if it is blank or has no printable character.
        assert not name.isprintable() or name != name.strip() or not name
        return
    assert found == [name]


def test_the_metadata_keys_of_a_model_without_names_are_reported() -> None:
    (problem,) = failure(lambda: from_metadata({"task": "detect", "imgsz": "1"}, MODEL)).problems
    assert "imgsz, task" in problem.found


@pytest.mark.parametrize("key", NAME_KEYS)
def test_names_are_read_from_any_of_the_keys_that_exporters_write(key: str) -> None:
    found = from_metadata({"task": "detect", key: '{"0": "cat", "1": "dog"}'}, MODEL)
    assert [label.name for label in found] == ["cat", "dog"]


def test_names_of_ultralytics_take_precedence() -> None:
    found = from_metadata({"character": "a\nb", "names": "{0: 'cat'}"}, MODEL)
    assert [label.name for label in found] == ["cat"]
