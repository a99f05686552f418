"""The images that two sides answer, read one after the other."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.predict.files import SUFFIXES, read_bytes, require


@dataclass(frozen=True, slots=True)
class File:
    """An image file that the command line names, alone or by its folder.

    Attributes:
        path: the file.
        folder: the folder that the command line names; the file's own folder if it names the file.
    """

    path: Path
    folder: Path

    @property
    def name(self) -> str:
        """The path relative to the folder, with forward slashes."""
        return self.path.relative_to(self.folder).as_posix()


@dataclass(frozen=True, slots=True)
class Picture:
    """The images of one request.

    Attributes:
        name: for people: the path of the image, or of both.
        files: the image files; two for ReID, one for other types.
        data: their contents.
    """

    name: str
    files: tuple[File, ...]
    data: tuple[bytes, ...]


def files_of(paths: Sequence[Path]) -> list[File]:
    """Return the image files that paths name, in order; those of a folder sorted by path.

    Raises:
        CommandLineError: a path cannot be read, or a folder contains no image.
    """
    found: list[File] = []
    for path in paths:
        if not os.path.isdir(path):
            require(path)
            found.append(File(path, path.parent))
            continue
        inside = [it for it in path.rglob("*") if it.suffix.lower() in SUFFIXES and it.is_file()]
        if not inside:
            allowed = f"image files: {', '.join(SUFFIXES)}"
            raise CommandLineError(Problem("contains no images", file=path, allowed=allowed))
        found += [File(it, path) for it in sorted(inside, key=_natural)]
    return found


def _natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts `2.png` before `10.png`, as frames of videos are named."""
    parts = re.split(r"([0-9]+)", str(path))
    return [(int(it), "") if place % 2 else (-1, it) for place, it in enumerate(parts)]


def pictures(files: Sequence[File], together: int = 1) -> Iterator[Picture]:
    """Read images, and yield `together` of them at a time.

    Raises:
        CommandLineError: a file cannot be read.
    """
    for start in range(0, len(files), together):
        group = tuple(files[start : start + together])
        name = " ".join(str(file.path) for file in group)
        yield Picture(name, group, tuple(read_bytes(file.path) for file in group))
