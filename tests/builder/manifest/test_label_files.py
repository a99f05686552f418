from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.errors import ManifestError
from builder.lint.examine import plan
from builder.manifest.label_files import encoding_problem, from_file
from tests.builder.conftest import WriteManifest, failure


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
        ("coco.names", "cat\nguide dog\n", ["cat", "guide dog"]),
        ("l.txt", "Zürich\n猫\n".encode("utf-16"), ["Zürich", "猫"]),
        ("l.txt", b"\xfe\xff" + "Zürich\r\n猫".encode("utf-16-be"), ["Zürich", "猫"]),
        ("l.txt", "Zürich\n猫\n".encode("utf-32"), ["Zürich", "猫"]),
        ("l.txt", "Zürich\n“Café”\n€\n".encode("cp1252"), ["Zürich", "“Café”", "€"]),
        ("l.json", '["Zürich"]'.encode("utf-16"), ["Zürich"]),
        (
            "l.pbtxt",
            'item {\n  id: 1\n  name: "/m/01g317"\n  display_name: "person"\n}\n'
            "item {\n  name: 'dog' # a comment\n  id: 2\n}\n",
            ["person", "dog"],
        ),
        (
            "l.pbtxt",
            'item { name: "it\\"s" id: 3 } item { id: 1, name: "a b" }',
            [{"name": "a b", "id": 0}, {"name": 'it"s', "id": 2}],
        ),
        ("l.pbtxt", 'item { id: 0 name: "nothing" } item { id: 1 name: "a" }', ["nothing", "a"]),
        (
            "l.pbtxt",
            'item { id: 1 name: "a" keypoints { id: 9 label: "nose" } } item { id: 2 name: "b" }',
            ["a", "b"],
        ),
    ],
)
def test_label_files(tmp_path: Path, name: str, content: str | bytes, entries: list[Any]) -> None:
    assert from_file(write(tmp_path, name, content)) == entries


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.txt", ""),
        ("l.txt", "\n \n"),
        ("l.txt", b"Z\x81rich"),
        ("l.txt", "cat\ndog".encode("utf-16-le")),
        ("l.txt", b"\xff\xfe\x00"),
        ("l.pbtxt", ""),
        ("l.pbtxt", "cat\ndog\n"),
        ("l.pbtxt", 'item { name: "cat" }'),
        ("l.pbtxt", "item { id: 1 }"),
        ("l.pbtxt", 'item { id: 1 name: "cat'),
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
def test_a_missing_label_file_is_refused(tmp_path: Path, name: str) -> None:
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
def test_entries_of_a_label_file_are_validated_like_those_of_a_manifest(
    tmp_path: Path, write_manifest: WriteManifest, name: str, content: str
) -> None:
    write(tmp_path, name, content)
    manifest = write_manifest(labels=name)
    error = failure(lambda: plan(manifest))
    assert isinstance(error, ManifestError)
    assert all(problem.file is not None for problem in error.problems)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "ascii"])
def test_a_known_encoding_gives_no_warning(tmp_path: Path, encoding: str) -> None:
    text = "cat" if encoding == "ascii" else "Zürich"
    assert encoding_problem(write(tmp_path, "l.txt", text.encode(encoding))) is None


def test_an_assumed_encoding_is_reported(tmp_path: Path) -> None:
    problem = encoding_problem(write(tmp_path, "l.txt", "cat\nZürich\n".encode("latin-1")))
    assert problem is not None
    assert (problem.code, problem.severity) == ("label-encoding", "warning")
    assert "Windows-1252" in problem.what
    assert problem.found == "Zürich"
