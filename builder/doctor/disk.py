"""Room on the disks that a build writes to."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from builder.doctor.finding import Finding
from builder.download import cache_folder

_LEAST = 100 * 2**20
_SCANT = 2 * 2**30
"""Bytes below which nothing, or not much, can be built. A function takes what its models take, and
while it is deployed nuctl keeps a copy in the folder for temporary files."""


def check() -> Iterator[Finding]:
    """How much room there is where functions, downloads and nuctl's copies go."""
    folders = {
        "here": (Path.cwd(), "make room, or build elsewhere with --out"),
        "for downloads": (cache_folder(), "make room, or set CVATBUILD_CACHE to another folder"),
        "for temporary files": (
            Path(tempfile.gettempdir()),
            "make room, or set TMPDIR to another folder",
        ),
    }
    for use, (folder, remedy) in folders.items():
        # Not Path.exists, which raises where a name is too long or a folder may not be entered.
        above = (folder, *folder.absolute().parents)
        there = next(path for path in above if os.path.exists(path))
        try:
            free = shutil.disk_usage(there).free
        except OSError as error:
            reason = error.strerror or error
            yield Finding("disk", "warning", f"{there} ({use}): {reason}", remedy)
            continue
        size = f"{free / 2**30:.1f} GiB"
        if free < _LEAST and use == "here":
            yield Finding("disk", "error", f"only {size} free {use}, in {there}", remedy)
        elif free < _SCANT:
            yield Finding("disk", "warning", f"only {size} free {use}, in {there}", remedy)
        else:
            yield Finding("disk", "ok", f"{size} free {use}, in {there}")
