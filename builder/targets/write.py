"""Writing a function's directory atomically, without losing files that people wrote."""

import ctypes
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import OutputError
from builder.diagnostics.files import sha256
from builder.diagnostics.problem import Problem
from builder.plan.content import Derived, digest, read
from builder.targets import clone
from builder.targets.lock import LOCK, Lock
from builder.targets.measured import MEASURED
from builder.targets.target import Tree

_PARTIAL = ".partial"
_STALE_SECONDS = 3600
"""Age at which a staging folder counts as left behind by a killed build."""


@dataclass(frozen=True, slots=True)
class Existing:
    """The existing content of a function's directory.

    Attributes:
        folder: the directory; it need not exist.
        locked: path -> digest of the files that an earlier build wrote.
        present: the paths of the existing files, except byte code.
    """

    folder: Path
    locked: dict[str, str]
    present: tuple[str, ...]

    @classmethod
    def look(cls, folder: Path) -> "Existing":
        """Read a directory and its lock.

        Raises:
            OutputError: the path is not a directory.
        """
        try:
            if not folder.exists():
                return cls(folder, {}, ())
        except OSError as error:
            raise _disk_error(folder, error) from error
        if not folder.is_dir() or folder.is_symlink():
            raise OutputError(
                Problem("is not a directory", file=folder, hint="move it away, or use --out")
            )
        present = tuple(
            path.relative_to(folder).as_posix()
            for path in sorted(folder.rglob("*"))
            if (path.is_symlink() or not path.is_dir()) and "__pycache__" not in path.parts
        )
        lock = Lock.read(folder)
        return cls(folder, lock.files if lock else {}, present)

    def edited(self, tree: Tree) -> list[str]:
        """Return the paths of files that people edited and that writing `tree` would overwrite."""
        return [path for path in self.present if self._is_edited(path, tree)]

    def _is_edited(self, path: str, tree: Tree) -> bool:
        """Return whether a file was edited and would be overwritten or removed."""
        if path == LOCK or (path not in tree and path not in self.locked):
            return False
        found, content = _digest(self.folder / path), tree.get(path)
        return found != self.locked.get(path) and (content is None or found != digest(content))

    def foreign(self, tree: Tree) -> list[str]:
        """Return the paths of files that no build writes: those that people added."""
        written = {*tree, *self.locked, MEASURED}
        return [path for path in self.present if path not in written]


def _digest(path: Path) -> str:
    """Return the digest of an existing file; empty for a link, which no build writes."""
    return "" if path.is_symlink() or not path.is_file() else sha256(path)


@contextmanager
def staged(tree: Tree, folder: Path, force: bool) -> Iterator[Path]:
    """Write `tree` to a staging folder that replaces `folder` when the `with` block ends.

    The block tests the new directory. If it raises, or if the process is killed, the old directory
    stays unchanged.

    Args:
        tree: the files to write.
        folder: the function's directory.
        force: whether to overwrite files that were edited by hand.

    Yields:
        The staging folder, next to `folder`.

    Raises:
        OutputError: files were edited by hand, or the disk refuses a write.
    """
    existing = Existing.look(folder)
    edited = [] if force else existing.edited(tree)
    if edited:
        raise OutputError(
            Problem(
                f"{len(edited)} file{'s were' if len(edited) > 1 else ' was'} edited by hand since "
                "the function was generated",
                file=folder,
                found=", ".join(edited[:8]) + (", ..." if len(edited) > 8 else ""),
                hint="`cvatbuild diff` shows the changes; put them into the manifest, or overwrite "
                "them with --force",
            )
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        stage = Path(
            tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=_PARTIAL, dir=folder.parent)
        )
    except OSError as error:
        raise _disk_error(folder, error) from error
    try:
        try:
            _write(tree, stage)
            for path in existing.foreign(tree):
                _copy(folder / path, stage / path)
        except OSError as error:
            raise _disk_error(folder, error) from error
        yield stage
        try:
            _replace(stage, folder)
        except OSError as error:
            raise _disk_error(folder, error) from error
    finally:
        _remove(stage)


def _disk_error(folder: Path, error: OSError) -> OutputError:
    """Return the error of an operation that the operating system refused."""
    reason = error.strerror or str(error)
    if os.path.exists(folder.parent) and not os.path.isdir(folder.parent):
        reason = f"{folder.parent} is not a directory"
    return OutputError(
        Problem(
            f"cannot be written: {reason}",
            file=folder,
            hint="pass another directory with --out DIR",
        )
    )


def _remove_stale(folder: Path) -> None:
    """Remove the staging folders that killed builds of the same function left behind."""
    for path in folder.parent.glob(f".{folder.name}.*{_PARTIAL}"):
        if time.time() - path.stat().st_mtime > _STALE_SECONDS:
            _remove(path)


def _remove(folder: Path) -> None:
    """Remove a directory with its content, also read-only directories of the user."""
    with suppress(OSError):
        folder.chmod(0o700)
        for path, names, _ in os.walk(folder):
            for inner in (Path(path, name) for name in names):
                if not inner.is_symlink():
                    inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _write(tree: Tree, stage: Path) -> None:
    """Write every file of the tree."""
    stage.chmod(0o755)
    for path, content in tree.items():
        target = stage / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            # Not a link: exporting a model again in place must not change a tested function.
            clone.copy(content, target)
        else:
            target.write_bytes(read(content))
        if isinstance(content, Derived):
            content.release()  # A smoke test may need as much memory as the model file again.


def _copy(source: Path, target: Path) -> None:
    """Make a hard link if the file systems allow it, or a copy. Symbolic links stay links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(source, target, follow_symlinks=False)


def _replace(stage: Path, folder: Path) -> None:
    """Replace `folder` by `stage`, atomically where the system can."""
    if not folder.exists():
        os.rename(stage, folder)
        return
    if _exchange(stage, folder):
        return
    # Without an exchange two renames are needed. If the second one fails, the old directory is
    # renamed back.
    aside = folder.with_name(f".{folder.name}.old{_PARTIAL}")
    _remove(aside)
    os.rename(folder, aside)
    try:
        os.rename(stage, folder)
    except BaseException:
        os.rename(aside, folder)
        raise
    _remove(aside)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two directories in one system call, or return False if the system has none."""
    library: Any = None if sys.platform == "win32" else ctypes.CDLL(None)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        at_cwd, exchange = -100, 2
        status = library.renameat2(
            at_cwd, os.fsencode(one.resolve()), at_cwd, os.fsencode(other.resolve()), exchange
        )
        return bool(status == 0)
    if sys.platform == "darwin" and hasattr(library, "renamex_np"):
        swap = 2
        status = library.renamex_np(os.fsencode(one.resolve()), os.fsencode(other.resolve()), swap)
        return bool(status == 0)
    return False
