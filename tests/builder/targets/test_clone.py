import fcntl
import os
from pathlib import Path

import pytest

from builder.targets import clone


@pytest.mark.parametrize("content", [b"", b"weights" * 1000])
def test_a_copy_is_a_file_of_its_own(tmp_path: Path, content: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    target.write_bytes(b"what was there before, which is longer" * 1000)
    clone.copy(source, target)
    assert target.read_bytes() == content
    assert not os.path.samefile(source, target)
    with source.open("r+b") as stream:
        stream.write(b"exported again")
    assert target.read_bytes() == content


def test_a_file_system_that_can_clone_copies_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"weights")

    def ioctl(writer: int, number: int, reader: int) -> int:
        # ioctl_ficlone(2): the target's descriptor, the request, the source's descriptor.
        assert number == 0x40049409
        assert os.readlink(f"/proc/self/fd/{reader}") == str(source)
        assert os.readlink(f"/proc/self/fd/{writer}") == str(target)
        os.write(writer, b"cloned")
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    clone.copy(source, target)
    assert target.read_bytes() == b"cloned"


@pytest.mark.parametrize("name", ["EOPNOTSUPP", "EXDEV", "EINVAL", "ENOTTY", "EPERM"])
def test_a_file_system_that_cannot_clone_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def ioctl(*_: object) -> int:
        raise OSError(getattr(__import__("errno"), name), name)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    (tmp_path / "source").write_bytes(b"weights")
    clone.copy(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"weights"


def test_a_full_disk_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"weights")
    with pytest.raises(OSError, match="No space left"):
        clone.copy(tmp_path / "source", Path("/dev/full"))
