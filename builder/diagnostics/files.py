"""Questions about files."""

import hashlib
import os
import stat
import time
from pathlib import Path

from builder.diagnostics.text import closest

ABSENT = "there is no such file"
"""The reason that `unreadable` returns for a path that does not exist."""


def unreadable(path: Path) -> str | None:
    """Return the reason why `path` is not a readable file, or None."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return ABSENT
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if stat.S_ISDIR(mode):
        return "is a directory"
    if not stat.S_ISREG(mode):
        return "is a device or a pipe, not a file"
    return None if os.access(path, os.R_OK) else "cannot be read: Permission denied"


def similar(path: Path) -> str:
    """Return a hint with the existing path closest to an absent one; empty if none is close.

    The first part that does not exist is compared with the names beside it: those with its suffix
    first, then all, without their suffixes, since a common suffix makes any two short names
    similar.
    """
    folder, *absent = _absent_parts(path)
    if not absent:
        return ""
    name, rest = Path(absent[0]), absent[1:]
    beside = [Path(it) for it in names_in(folder, "") if not it.startswith(".")]
    if rest:
        beside = [it for it in beside if os.path.isdir(folder / it)]
    same = [it for it in beside if it.suffix.lower() == name.suffix.lower()]
    for names in (same, beside):
        stems = {it.stem: it for it in names}
        meant = closest(name.stem, stems)
        if meant is not None:
            found = folder / stems[meant]
            whole = found.joinpath(*rest)
            return f"did you mean '{whole if os.path.exists(whole) else found}'?"
    return ""


def _absent_parts(path: Path) -> tuple[Path, *tuple[str, ...]]:
    """Return the deepest folder of a path that exists, and the parts below it that do not."""
    parts: list[str] = []
    while not os.path.exists(path) and path != path.parent:
        parts.insert(0, path.name)
        path = path.parent
    return (path, *parts)


def names_in(folder: Path, *suffixes: str) -> list[str]:
    """Return the names in a folder that end in one of these suffixes, sorted.

    The list is empty if the folder cannot be read.
    """
    try:
        return sorted(name for name in os.listdir(folder) if name.lower().endswith(suffixes))
    except (OSError, ValueError):
        return []


_SETTLED_SECONDS = 2.0
"""Age from which a file's time of change tells whether it has changed again. File systems store
times in steps of up to two seconds."""

_digests: dict[tuple[Path, int, int, int, int, int], str] = {}
"""Path, device, inode, size, and times of the content and of the inode in ns -> SHA-256."""


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal.

    A file that several functions use is read once, unless it changes in between.
    """
    with file.open("rb") as stream:
        found = os.fstat(stream.fileno())
        times = (found.st_mtime_ns, found.st_ctime_ns)
        key = (file.absolute(), found.st_dev, found.st_ino, found.st_size, *times)
        if key in _digests:
            return _digests[key]
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if abs(time.time() - max(times) / 1e9) > _SETTLED_SECONDS:
            _digests[key] = digest
        return digest
