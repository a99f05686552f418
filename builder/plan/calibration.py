"""The images of a calibration folder."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2

from builder.backends.precision import Precision
from builder.datasets.files import is_image
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.files import sha256, similar, unreadable
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from runtimes import image
from runtimes.errors import BadImage

CALIBRATION_IMAGES = Rule(
    "calibration-images",
    "Calibration images cannot be used",
    "Ranges of values and differences are measured on them.",
)

LEAST = 10
"""Images that a folder must have; more give better ranges, up to some hundred."""

MOST_CALIBRATING, MOST_MEASURING = 300, 60
"""Images that are used, evenly from the sorted names of the folder."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The images of a folder, sorted by name.

    Attributes:
        folder: the folder, and its path in the manifest.
        files: the image files in it and in the folders below.
    """

    folder: Path
    named: str
    files: tuple[Path, ...]

    @classmethod
    def find(cls, named: str, manifest: Path, path: Path_) -> "Calibration":
        """Find the images of a folder.

        Args:
            named: the folder as in the manifest.
            manifest: the file of the manifest, to which it is relative.
            path: the path of the key in the manifest.

        Raises:
            ManifestError: there is no such folder, or it has too few images.
        """
        folder = manifest.parent / named
        wanted = f"a folder with {LEAST} or more images"
        if not os.path.lexists(folder):
            what = f"there is no folder {folder}"
            raise _error(what, manifest, path, named, wanted, similar(folder))
        if not folder.is_dir():
            raise _error("is not a folder", manifest, path, named, wanted)
        if not os.access(folder, os.R_OK | os.X_OK):
            hint = "correct the permissions of the folder"
            raise _error("cannot be read: Permission denied", manifest, path, named, hint=hint)
        try:
            found = sorted(it for it in folder.rglob("*") if is_image(it.name) and it.is_file())
        except OSError as error:
            raise _error(f"cannot be read: {error.strerror}", manifest, path, named) from error
        if len(found) < LEAST:
            raise _error(
                "the folder has too few images",
                manifest,
                path,
                f"{len(found)} images in {named}",
                f"{LEAST} or more; 100 to 300 are better",
                "add images like those that the function will get",
            )
        return cls(folder, named, tuple(found))

    @property
    def calibrating(self) -> tuple[Path, ...]:
        """Four of five images."""
        kept = [it for number, it in enumerate(self.files) if number % 5 != 4]
        return _evenly(kept, MOST_CALIBRATING)

    @property
    def measuring(self) -> tuple[Path, ...]:
        """The other images."""
        return _evenly(list(self.files[4::5]), MOST_MEASURING)

    @property
    def all(self) -> tuple[Path, ...]:
        """Images of the whole folder, for a precision that needs no calibration."""
        return _evenly(list(self.files), MOST_MEASURING)

    def used(self, precision: Precision) -> tuple[Path, ...]:
        """Return the images that a precision is calibrated or measured with."""
        return (*self.calibrating, *self.measuring) if precision == "int8" else self.all

    def digests(self, files: tuple[Path, ...]) -> dict[str, str]:
        """Return the path of each file, from the manifest's folder -> its SHA-256."""
        return {
            f"{self.named.rstrip('/')}/{it.relative_to(self.folder).as_posix()}": sha256(it)
            for it in files
        }


def not_an_image(file: Path, manifest: Path, path: Path_) -> Problem | None:
    """Return the problem of a file whose first bytes are not those of an image; None without one.

    An image that is damaged further on is found when it is decoded; see `read_image`.
    """
    reason = unreadable(file)
    if reason is None and cv2.haveImageReader(str(file)):
        return None
    return Problem(
        reason or "the file is no image that OpenCV can decode",
        manifest,
        path=path,
        found=_relative(file, manifest),
        hint="correct the permissions" if reason else "remove the file from the folder",
        rule=CALIBRATION_IMAGES,
    )


def read_image(file: Path, manifest: Path, path: Path_) -> bytes:
    """Return the bytes of an image file.

    Raises:
        ManifestError: it cannot be read, or is no image.
    """
    try:
        data = file.read_bytes()
        image.pixels(data)
    except OSError as error:
        found = _relative(file, manifest)
        raise _error(f"{file} cannot be read: {error.strerror}", manifest, path, found) from error
    except BadImage as error:
        raise _error(
            f"an image cannot be used: {error.what}",
            manifest,
            path,
            _relative(file, manifest),
            hint="remove the file from the folder",
        ) from error
    return data


def _relative(file: Path, manifest: Path) -> str:
    """Return the path of a file from the folder of the manifest."""
    return Path(os.path.relpath(file, manifest.parent)).as_posix()


def _evenly(files: list[Path], most: int) -> tuple[Path, ...]:
    """Return at most `most` files, evenly spaced."""
    if len(files) <= most:
        return tuple(files)
    return tuple(files[number * len(files) // most] for number in range(most))


def _error(
    what: str, manifest: Path, path: Path_, found: str = "", allowed: str = "", hint: str = ""
) -> ManifestError:
    return ManifestError(
        Problem(
            what,
            manifest,
            path=path,
            found=found,
            allowed=allowed,
            hint=hint,
            rule=CALIBRATION_IMAGES,
        )
    )
