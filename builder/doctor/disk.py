"""Free space on the disks that a build writes to."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from builder.diagnostics.errors import ModelError
from builder.doctor.check_result import CheckResult
from builder.model.download import cache_folder

_MINIMUM = 100 * 2**20
_LOW = 2 * 2**30
"""Bytes below which a build most likely fails, or may fail. A function needs the space of its
models; during deployment nuctl keeps a copy in the directory for temporary files."""


def check() -> Iterator[CheckResult]:
    """Check the free space for functions, downloads and the copies that nuctl makes."""
    folders: dict[str, tuple[Callable[[], Path], str]] = {
        "functions": (Path.cwd, "choose another directory with --out"),
        "downloads": (cache_folder, "set CVATBUILD_CACHE to another directory"),
        "temporary files": (
            lambda: Path(tempfile.gettempdir()),
            "set TMPDIR to another directory",
        ),
    }
    for use, (find, elsewhere) in folders.items():
        remedy = f"free disk space, or {elsewhere}"
        try:
            folder = find().absolute()
        except (OSError, ModelError) as error:
            # The current directory was deleted, or there is no home directory.
            reason = error.strerror if isinstance(error, OSError) else error.problems[0].what
            yield CheckResult("disk", "warning", f"no directory for {use}: {reason}", elsewhere)
            continue
        # Path.exists raises if a name is too long or a directory cannot be entered.
        there = next(path for path in (folder, *folder.parents) if os.path.exists(path))
        if not os.access(there, os.W_OK):
            yield CheckResult("disk", "warning", f"{there} (for {use}) is not writable", elsewhere)
            continue
        try:
            free = shutil.disk_usage(there).free
        except OSError as error:
            reason = error.strerror or str(error)
            yield CheckResult("disk", "warning", f"{there} (for {use}): {reason}", remedy)
            continue
        size = f"{free / 2**30:.1f} GiB"
        if free < _MINIMUM and use == "functions":
            yield CheckResult("disk", "error", f"only {size} free for {use} in {there}", remedy)
        elif free < _LOW:
            yield CheckResult("disk", "warning", f"only {size} free for {use} in {there}", remedy)
        else:
            yield CheckResult("disk", "ok", f"{size} free for {use} in {there}")
