"""Image files that are read, and pictures that are written."""

from collections.abc import Callable
from pathlib import Path

import cv2

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.diagnostics.files import unreadable
from builder.diagnostics.problem import Problem
from runtimes import image as images
from runtimes.arrays import Array
from runtimes.errors import BadRequest


def require(file: Path) -> None:
    """Stop where there is no file that can be read.

    Raises:
        CommandLineError: there is none, or it is empty.
    """
    wrong = unreadable(file) or ("" if file.stat().st_size else "is empty")
    if wrong:
        raise CommandLineError(Problem(wrong, file=file))


def read_bytes(file: Path) -> bytes:
    """The bytes of a file.

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
    """An encoded image as (H, W, 3) uint8 BGR, as functions see it."""
    return images.pixels(data)


class Pictures:
    """The folder that pictures are saved in, each under a name of its own."""

    def __init__(self, folder: Path | None) -> None:
        """Take the folder, or None where nothing is to be saved."""
        self._folder = folder
        self._used: set[str] = set()

    def save(self, file: Path, drawn: Callable[[], Array]) -> Path | None:
        """Write what `drawn` gives under the name of the image `file`.

        Args:
            file: the image; where two have one name, the pictures are numbered.
            drawn: draws the picture, (H, W, 3) uint8 BGR; called only where one is wanted.

        Returns:
            The picture's file, or None where nothing is to be saved.

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
            raise BuiltError(Problem(f"cannot be written: {error}", file=target)) from error
        return target

    def _free_name(self, file: Path) -> str:
        """The image's own name, numbered where two images have the same."""
        name, number = f"{file.stem}.png", 1
        while name in self._used:
            number += 1
            name = f"{file.stem}-{number}.png"
        self._used.add(name)
        return name
