"""Writing a function's directory: all of it or nothing, and nothing of anybody else's is lost."""

import ctypes
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from builder.diagnostics.errors import OutputError
from builder.diagnostics.files import sha256
from builder.diagnostics.problem import Problem
from builder.targets.bundle import LOCK, Tree

_PARTIAL = ".partial"
_STALE_SECONDS = 3600
"""A staging folder older than this was left behind by a build that was killed."""


@dataclass(frozen=True, slots=True)
class Existing:
    """What already lies where a function is to be written.

    Attributes:
        folder: the function's directory; it need not exist.
        locked: path -> digest of the files that an earlier build wrote.
        present: the paths that are there, byte code aside.
    """

    folder: Path
    locked: dict[str, str]
    present: tuple[str, ...]

    @classmethod
    def look(cls, folder: Path) -> "Existing":
        """Look at a directory.

        Raises:
            OutputError: something that is no directory lies there.
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
        return cls(folder, _read_lock(folder / LOCK), present)

    def edited(self, tree: Tree) -> list[str]:
        """The paths whose content a build of `tree` would lose although a person changed them."""
        return [path for path in self.present if self._is_edited(path, tree)]

    def _is_edited(self, path: str, tree: Tree) -> bool:
        """Whether a present file would be lost that no build wrote."""
        if path == LOCK or (path not in tree and path not in self.locked):
            return False
        digest = _digest(self.folder / path)
        return digest != self.locked.get(path) and digest != _content_digest(tree.get(path))

    def foreign(self, tree: Tree) -> list[str]:
        """The paths that neither an earlier build nor this one has anything to do with."""
        return [path for path in self.present if path not in tree and path not in self.locked]


def _read_lock(lock: Path) -> dict[str, str]:
    """The files that a lock speaks of; nothing where it is absent or not readable."""
    try:
        data = yaml.safe_load(lock.read_text("utf-8"))
        return {str(path): str(digest) for path, digest in data["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return {}


def _digest(path: Path) -> str:
    """The digest of a present file; a link's is that of nothing, for no build writes links."""
    return "" if path.is_symlink() or not path.is_file() else sha256(path)


def _content_digest(content: bytes | Path | None) -> str:
    """The digest of what is to be written."""
    if content is None:
        return "nothing"
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else sha256(content)


@contextmanager
def staged(tree: Tree, folder: Path, force: bool) -> Iterator[Path]:
    """Write `tree` beside `folder`; when the `with` block ends well, put it in its place.

    The block is where the new directory is tried out. If it raises, or the process dies, the old
    directory is there as it was.

    Args:
        tree: what to write.
        folder: where it is to be.
        force: overwrite files that were edited by hand.

    Yields:
        The folder that will become `folder`.

    Raises:
        OutputError: files were edited by hand, or the disk does not take what is written.
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
        shutil.rmtree(stage, ignore_errors=True)


def _disk_error(folder: Path, error: OSError) -> OutputError:
    """What the operating system refused."""
    return OutputError(
        Problem(f"cannot be written: {error.strerror or error}", file=folder, hint="see --out")
    )


def _remove_stale(folder: Path) -> None:
    """Remove what killed builds of the same function left behind."""
    for path in folder.parent.glob(f".{folder.name}.*{_PARTIAL}"):
        if time.time() - path.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _write(tree: Tree, stage: Path) -> None:
    """Write every file of the tree."""
    stage.chmod(0o755)
    for path, content in tree.items():
        target = stage / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            target.write_bytes(content)
        else:
            # A copy and no link: a model that is exported again in place must not change what was
            # built and tried out.
            shutil.copyfile(content, target)


def _copy(source: Path, target: Path) -> None:
    """A hard link where the file systems allow it, else a copy; links stay links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(source, target, follow_symlinks=False)


def _replace(stage: Path, folder: Path) -> None:
    """Put `stage` where `folder` is, at one stroke where the system can."""
    if not folder.exists():
        os.rename(stage, folder)
        return
    if _exchange(stage, folder):
        return
    # Without an exchange two renames are needed. The old directory's name says what it is, and
    # it comes back if the second one fails.
    aside = folder.with_name(f".{folder.name}.old{_PARTIAL}")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(folder, aside)
    try:
        os.rename(stage, folder)
    except BaseException:
        os.rename(aside, folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two directories in one system call; False where the system has none."""
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
