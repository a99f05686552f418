from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.errors import ManifestError
from builder.lint.examine import plan
from builder.manifest.label_files import from_file
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
