"""Questions about files that must not fail, whatever a path holds."""

from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that the file system cannot hold is of none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
