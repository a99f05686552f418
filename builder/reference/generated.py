"""The generated files of the repository: their texts, and their comparison with the disk."""

import difflib
from pathlib import Path

from builder.reference import json_schema, manifest_pages
from builder.reference.diagnostics_page import page as diagnostics_page

_FOLDERS = ("docs/manifest",)
"""Directories in which every file is generated."""


def texts() -> dict[str, str]:
    """Return the text of every generated file by its path in the repository."""
    return {
        "builder/reference/manifest.schema.json": json_schema.text(),
        "docs/diagnostics.md": diagnostics_page(),
        **manifest_pages.pages(),
    }


def write(root: Path) -> None:
    """Write the generated files below `root` and delete stale ones."""
    expected = texts()
    for path in _present(root) - set(expected):
        (root / path).unlink()
    for path, text in expected.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8", newline="\n")


def difference(root: Path) -> str:
    """Return a unified diff from the files below `root` to the generated texts.

    The diff is empty if all files are up to date.
    """
    expected = texts()
    parts: list[str] = []
    for path in sorted(_present(root) | set(expected)):
        file = root / path
        old = file.read_text("utf-8") if file.is_file() else ""
        parts += difflib.unified_diff(
            old.splitlines(keepends=True),
            expected.get(path, "").splitlines(keepends=True),
            f"a/{path}",
            f"b/{path}",
        )
    return "".join(parts)


def _present(root: Path) -> set[str]:
    """Return the paths of the files in directories of which every file is generated."""
    return {
        file.relative_to(root).as_posix()
        for folder in _FOLDERS
        for file in (root / folder).glob("*")
    }
