import errno
from pathlib import Path
from typing import NamedTuple

import pytest

from builder.doctor import disk
from tests.builder.doctor.conftest import check_form

MIB, GIB = 2**20, 2**30


class Usage(NamedTuple):
    """The result of shutil.disk_usage, in bytes."""

    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three directories that are checked; the one for downloads does not exist yet."""
    for name in ("here", "cache", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("CVATBUILD_CACHE", str(tmp_path / "cache/not/yet"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))


def set_free(monkeypatch: pytest.MonkeyPatch, **free: int) -> None:
    """Set the free bytes of directories by name; the others have enough."""

    def usage(path: Path) -> Usage:
        return Usage(0, 0, free.get(path.name, 100 * GIB))

    monkeypatch.setattr("shutil.disk_usage", usage)


def test_enough_room_is_ok(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_free(monkeypatch, here=2 * GIB)
    found = list(disk.check())
    check_form(found)
    assert [(result.severity, result.what) for result in found] == [
        ("ok", f"2.0 GiB free for functions in {tmp_path / 'here'}"),
        ("ok", f"100.0 GiB free for downloads in {tmp_path / 'cache'}"),
        ("ok", f"100.0 GiB free for temporary files in {tmp_path / 'temporary'}"),
    ]


@pytest.mark.parametrize(
    ("free", "severity"),
    [(2 * GIB - 1, "warning"), (100 * MIB, "warning"), (100 * MIB - 1, "error"), (0, "error")],
)
def test_too_little_room_for_functions_is_an_error(
    monkeypatch: pytest.MonkeyPatch, free: int, severity: str
) -> None:
    set_free(monkeypatch, here=free)
    found = list(disk.check())
    check_form(found)
    assert [result.severity for result in found] == [severity, "ok", "ok"]
    assert "--out" in found[0].remedy


def test_too_little_room_elsewhere_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(monkeypatch, cache=0, temporary=0)
    found = list(disk.check())
    check_form(found)
    assert [result.severity for result in found] == ["ok", "warning", "warning"]
    assert "CVATBUILD_CACHE" in found[1].remedy
    assert "TMPDIR" in found[2].remedy


def test_an_unreadable_disk_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(path: Path) -> Usage:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("shutil.disk_usage", usage)
    found = list(disk.check())
    check_form(found)
    assert [result.severity for result in found] == ["warning"] * 3
    assert all("Input/output error" in result.what for result in found)


def test_an_impossible_cache_name_is_judged_by_the_directory_above(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CVATBUILD_CACHE", str(tmp_path / "cache" / ("x" * 300)))
    found = list(disk.check())
    assert found[1].what.endswith(f"for downloads in {tmp_path / 'cache'}")


def test_a_missing_directory_is_only_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CVATBUILD_CACHE")
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    def nowhere() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr("pathlib.Path.home", homeless)
    monkeypatch.setattr("tempfile.gettempdir", nowhere)
    (tmp_path / "here").rmdir()
    found = list(disk.check())
    check_form(found)
    assert [(result.severity, result.what) for result in found] == [
        ("warning", "no directory for functions: No such file or directory"),
        ("warning", "no directory for downloads: the user has no home folder"),
        ("warning", "no directory for temporary files: No usable temporary directory found"),
    ]


def test_a_read_only_directory_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_free(monkeypatch)
    # The superuser may write everywhere, so the question is answered here.
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path / "cache")
    found = list(disk.check())
    check_form(found)
    assert [result.severity for result in found] == ["ok", "warning", "ok"]
    assert found[1].what == f"{tmp_path / 'cache'} (for downloads) is not writable"
