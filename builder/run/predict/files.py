"""Reading image files, and saving pictures."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.diagnostics.files import ABSENT, names_in, similar, unreadable
from builder.diagnostics.problem import Problem
from runtimes import image as images
from runtimes.arrays import Array
from runtimes.errors import BadRequest
from runtimes.quiet import no_stderr

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Suffixes of the files in a folder that are images."""


def require(file: Path) -> None:
    """Check that a file can be read. It may be empty, or have any content.

    Raises:
        CommandLineError: it cannot be read.
    """
    wrong = unreadable(file)
    if wrong:
        is_folder = os.path.isdir(file)
        hint = similar(file) if wrong == ABSENT else _inside(file) if is_folder else ""
        allowed = "files, not directories" if is_folder else ""
        raise CommandLineError(Problem(wrong, file=file, allowed=allowed, hint=hint))


def _inside(folder: Path) -> str:
    """Return a hint that names an image in a folder; empty if it contains none."""
    there = names_in(folder, *SUFFIXES)
    return f"pass the files in it, such as {folder / there[0]}" if there else ""


def read_bytes(file: Path) -> bytes:
    """Return the content of a file.

    Raises:
        CommandLineError: it cannot be read.
    """
    require(file)
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandLineError(
            Problem(f"cannot be read: {error.strerror or error}", file=file)
        ) from error


def pixels_of(data: bytes) -> Array:
    """Decode an image file as functions do: (H, W, 3) uint8 BGR.

    Raises:
        BadImage: it cannot be decoded.
    """
    with no_stderr():
        return images.pixels(data)


class Pictures:
    """A folder for pictures, each with a name of its own."""

    def __init__(self, folder: Path | None) -> None:
        """Set the folder; None saves nothing."""
        self._folder = folder
        self._used: set[str] = set()

    def save(self, file: Path, drawn: Callable[[], Array]) -> Path | None:
        """Save a picture under the name of its image.

        Args:
            file: the image. Pictures of images with the same name are numbered.
            drawn: returns the picture, (H, W, 3) uint8 BGR; not called if nothing is saved.

        Returns:
            The picture's file, or None if nothing is saved.

        Raises:
            BuiltError: it cannot be written.
        """
        if self._folder is None:
            return None
        target = self._folder / self._free_name(file)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _, png = cv2.imencode(".png", drawn())
            target.write_bytes(png.tobytes())
        except (OSError, BadRequest) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            if os.path.exists(self._folder) and not os.path.isdir(self._folder):
                reason = f"{self._folder} is not a directory"
            raise BuiltError(
                Problem(
                    f"cannot be written: {reason}",
                    file=target,
                    hint="pass another directory with --save DIR",
                )
            ) from error
        return target

    def _free_name(self, file: Path) -> str:
        """Return the image's name, with a number if an earlier image has the same."""
        name, number = f"{file.stem}.png", 1
        while name in self._used:
            number += 1
            name = f"{file.stem}-{number}.png"
        self._used.add(name)
        return name
