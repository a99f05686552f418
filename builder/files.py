"""Questions about files."""

import hashlib
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that the file system cannot hold is of none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def sha256(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
