"""Room on the disks that a build writes to."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.diagnostics.errors import ModelError
from builder.doctor.finding import Finding
from builder.model.download import cache_folder

_LEAST = 100 * 2**20
_SCANT = 2 * 2**30
"""Bytes below which nothing, or not much, can be built. A function takes what its models take, and
while it is deployed nuctl keeps a copy in the folder for temporary files."""


def check() -> Iterator[Finding]:
    """How much room there is where functions, downloads and nuctl's copies go."""
    folders: dict[str, tuple[Callable[[], Path], str]] = {
        "here": (Path.cwd, "build elsewhere with --out"),
        "for downloads": (cache_folder, "set CVATBUILD_CACHE to another folder"),
        "for temporary files": (
            lambda: Path(tempfile.gettempdir()),
            "set TMPDIR to another folder",
        ),
    }
    for use, (find, elsewhere) in folders.items():
        remedy = f"make room, or {elsewhere}"
        try:
            folder = find().absolute()
        except (OSError, ModelError) as error:
            # The current folder was deleted, or nobody knows of one.
            reason = error.strerror if isinstance(error, OSError) else error.problems[0].what
            yield Finding("disk", "warning", f"no folder {use}: {reason}", elsewhere)
            continue
        # Not Path.exists, which raises where a name is too long or a folder may not be entered.
        there = next(path for path in (folder, *folder.parents) if os.path.exists(path))
        if not os.access(there, os.W_OK):
            yield Finding("disk", "warning", f"{there} ({use}) may not be written to", elsewhere)
            continue
        try:
            free = shutil.disk_usage(there).free
        except OSError as error:
            reason = error.strerror or str(error)
            yield Finding("disk", "warning", f"{there} ({use}): {reason}", remedy)
            continue
        size = f"{free / 2**30:.1f} GiB"
        if free < _LEAST and use == "here":
            yield Finding("disk", "error", f"only {size} free {use}, in {there}", remedy)
        elif free < _SCANT:
            yield Finding("disk", "warning", f"only {size} free {use}, in {there}", remedy)
        else:
            yield Finding("disk", "ok", f"{size} free {use}, in {there}")
