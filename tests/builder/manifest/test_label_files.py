from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.diagnostics.errors import CvatbuildError, ManifestError
from builder.lint.examine import plan
from builder.manifest.label_files import from_file, from_metadata
from builder.manifest.labels import Labels
from runtimes.classes import Classes
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
    assert problem.path == ()
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
