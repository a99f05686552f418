import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from builder.diagnostics.files import ABSENT, names_in, sha256, unreadable


def test_a_readable_file_has_no_reason(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "link").symlink_to("a")
    assert unreadable(tmp_path / "a") is None
    assert unreadable(tmp_path / "link") is None


@pytest.mark.parametrize("name", ["absent", "a/below", "absent/below", "\x00", "dangling"])
def test_a_missing_file_is_absent(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert unreadable(tmp_path / name) == ABSENT


def test_the_reason_names_what_is_not_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    assert unreadable(tmp_path) == "is a directory"
    assert unreadable(tmp_path / "pipe") == "is a device or a pipe, not a file"
    assert unreadable(Path(os.devnull)) == "is a device or a pipe, not a file"
    assert "symbolic links" in (unreadable(tmp_path / "loop") or "")
    assert "too long" in (unreadable(tmp_path / ("x" * 300)) or "")


def test_the_reason_is_a_missing_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("")
    # The superuser may read everything, so the question is answered here.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert unreadable(tmp_path / "secret") == "cannot be read: Permission denied"


def test_names_with_a_suffix_are_listed_in_any_case(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.YML", "c.onnx", "yaml"):
        (tmp_path / name).write_text("")
    assert names_in(tmp_path, ".yaml", ".yml") == ["a.YML", "b.yaml"]
    assert names_in(tmp_path / "absent", ".yaml") == []
    assert names_in(tmp_path / "\x00", ".yaml") == []
    assert names_in(tmp_path / "yaml", ".yaml") == []


def test_a_digest_is_computed_once_for_each_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[str] = []
    digest_of = hashlib.file_digest

    def recorded(stream: Any, name: str) -> Any:
        computed.append(stream.name)
        return digest_of(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", recorded)
    # Files that were changed a moment ago may change again within the step of their time.
    clock = time.time
    file = tmp_path / "model.onnx"
    for content, at in ((b"one", 1000), (b"two", 1000), (b"longer", 1000), (b"other", 2000)):
        file.write_bytes(content)
        os.utime(file, (at, at))
        for ahead, times in ((0, 2), (10, 1)):
            monkeypatch.setattr(time, "time", lambda ahead=ahead: clock() + ahead)
            computed.clear()
            for _ in range(2):
                assert sha256(file) == hashlib.sha256(content).hexdigest()
            assert len(computed) == times
