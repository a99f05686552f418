"""Copies of files that share their blocks where the file system can."""

import shutil
import sys
from pathlib import Path

_FICLONE = 0x40049409
"""Number of the ioctl that clones a file on Btrfs, XFS, bcachefs and overlay file systems of them
(linux/fs.h; ioctl_ficlone(2))."""


def copy(source: Path, target: Path) -> None:
    """Copy a file's content, by reference if the file system can.

    The copy is a file of its own in either case: a change of one does not reach the other.

    Raises:
        OSError: the source cannot be read, or the target cannot be written.
    """
    if not _cloned(source, target):
        shutil.copyfile(source, target)


def _cloned(source: Path, target: Path) -> bool:
    """Return whether the target is now a clone of the source."""
    if sys.platform != "linux":
        return False
    import fcntl

    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
        except OSError:
            # Another file system, or one that cannot clone. Copying reports all other errors.
            return False
    return True
