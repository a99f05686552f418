import os
from pathlib import Path

import pytest

from builder.diagnostics.files import ABSENT, names_in, unreadable


def test_a_file_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "link").symlink_to("a")
    assert unreadable(tmp_path / "a") is None
    assert unreadable(tmp_path / "link") is None


@pytest.mark.parametrize("name", ["absent", "a/below", "absent/below", "\x00", "dangling"])
def test_what_is_not_there_is_absent(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert unreadable(tmp_path / name) == ABSENT


def test_what_is_there_but_no_file_is_told_as_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    assert unreadable(tmp_path) == "is a directory"
    assert unreadable(tmp_path / "pipe") == "is a device or a pipe, not a file"
    assert unreadable(Path(os.devnull)) == "is a device or a pipe, not a file"
    assert "symbolic links" in (unreadable(tmp_path / "loop") or "")
    assert "too long" in (unreadable(tmp_path / ("x" * 300)) or "")


def test_a_file_that_may_not_be_read_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("")
    # The superuser may read everything, so the question is answered here.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert unreadable(tmp_path / "secret") == "cannot be read: Permission denied"


def test_names_are_those_of_the_suffixes_in_any_case(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.YML", "c.onnx", "yaml"):
        (tmp_path / name).write_text("")
    assert names_in(tmp_path, ".yaml", ".yml") == ["a.YML", "b.yaml"]
    assert names_in(tmp_path / "absent", ".yaml") == []
    assert names_in(tmp_path / "\x00", ".yaml") == []
    assert names_in(tmp_path / "yaml", ".yaml") == []
