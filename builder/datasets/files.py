"""The files of a dataset: a folder, or a ZIP archive as CVAT exports it."""

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from builder.datasets.value import Place
from builder.diagnostics.errors import DatasetError
from builder.diagnostics.text import has_controls, printable
from builder.manifest.text_encoding import decode

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
LARGEST_TEXT = 64 * 2**20
"""Bytes of a text file that is read as a whole, such as the labels of one image."""
_HARMLESS = 64 * 2**20
_LARGEST_RATIO = 200
"""A member of an archive that is larger than _HARMLESS and was compressed to less than this part of
its size is not a dataset's: annotations of the same box in every image reach 30."""


class Files(Protocol):
    """Files by their paths relative to a folder, with `/` between the parts."""

    @property
    def root(self) -> Path:
        """The folder or the archive, for messages."""

    def __contains__(self, name: str) -> bool:
        """Return whether there is such a file."""

    def has_folder(self, name: str) -> bool:
        """Return whether there is such a folder."""

    def below(self, folder: str) -> Iterator[str]:
        """Yield the files in a folder and in its folders; "" is the root."""

    def children(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder, sorted; hidden ones are left out."""

    def path(self, name: str) -> Path:
        """Return the path of a file on disk. A file of an archive is extracted first."""


def safe(name: str) -> str | None:
    """Return a relative path with `/` and without `.`; None if it leads out of its folder.

    The root of an absolute path is removed.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and parts[0].endswith(":"):
        del parts[0]
    if not parts or ".." in parts or "\0" in name:
        return None
    return "/".join(parts)


def is_image(name: str) -> bool:
    """Return whether a file name has the suffix of an image, and the file is not hidden."""
    base = name.rpartition("/")[2]
    return base.lower().endswith(IMAGE_SUFFIXES) and not base.startswith(".")


def place(files: Files, name: str, line: int = 0) -> Place:
    """Return the location of a file, or of a line of it."""
    return Place(files.root / name if name else files.root, line)


def read_text(files: Files, name: str) -> str:
    """Return the text of a file; for the encodings see text_encoding.decode.

    Raises:
        DatasetError: it cannot be read or decoded.
    """
    with opened(files, name) as stream:
        if os.fstat(stream.fileno()).st_size > LARGEST_TEXT:
            raise place(files, name).error(f"is larger than {LARGEST_TEXT // 2**20} MiB")
        data = stream.read()
    try:
        return decode(data).text
    except UnicodeDecodeError as error:
        raise place(files, name).error(
            f"is not text: {error.reason}", hint="save the file as UTF-8"
        ) from error


def read_lines(files: Files, name: str) -> Iterator[tuple[Place, str]]:
    """Yield the lines of a text file that are not empty, with their locations."""
    for number, line in enumerate(read_text(files, name).splitlines(), 1):
        if line.strip():
            yield place(files, name, number), line.strip()


def opened(files: Files, name: str) -> BinaryIO:
    """Open a file.

    Raises:
        DatasetError: it cannot be opened.
    """
    try:
        return files.path(name).open("rb")
    except OSError as error:
        raise place(files, name).error(f"cannot be read: {error.strerror or error}") from error


class Folder:
    """The files of a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __contains__(self, name: str) -> bool:
        return os.path.isfile(os.path.join(self.root, name))

    def has_folder(self, name: str) -> bool:
        """See Files."""
        return os.path.isdir(os.path.join(self.root, name))

    def below(self, folder: str) -> Iterator[str]:
        """See Files."""
        try:
            entries = os.scandir(self.root / folder)
        except OSError as error:
            raise Place(self.root / folder).error(
                f"cannot be read: {error.strerror or error}"
            ) from error
        with entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    yield from self.below(name)
                elif entry.is_file():
                    yield name

    def children(self, folder: str) -> list[str]:
        """See Files."""
        try:
            with os.scandir(self.root / folder) as entries:
                names = [entry.name for entry in entries if entry.is_dir()]
        except OSError:
            return []
        return sorted(name for name in names if not name.startswith("."))

    def path(self, name: str) -> Path:
        """See Files."""
        return self.root / name


class Archive:
    """The files of a ZIP archive. If one folder contains all of them, it is the root.

    Args:
        file: the archive.
        folder: where files are extracted to.

    Raises:
        DatasetError: it is not a ZIP archive, or has a path that leads out of it.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.root = file
        self._folder = folder
        try:
            self._zip = zipfile.ZipFile(file)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise Place(file).error(f"is not a readable ZIP archive: {error}") from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._zip.infolist():
            name = safe(member.filename)
            absolute = member.filename.startswith(("/", "\\")) or ":" in member.filename[:3]
            if name is None or absolute or has_controls(name):
                raise Place(file).error(
                    "has a member whose path is not allowed",
                    printable(member.filename),
                    "relative paths inside the archive",
                )
            if not member.is_dir() and not name.startswith("__MACOSX/"):
                self._members[name] = member
        tops = {name.partition("/")[0] for name in self._members}
        if len(tops) == 1 and all("/" in name for name in self._members):
            self._members = {name.partition("/")[2]: it for name, it in self._members.items()}
        self._folders = {
            name[:end] for name in self._members for end, letter in enumerate(name) if letter == "/"
        }

    def close(self) -> None:
        """Close the archive."""
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def has_folder(self, name: str) -> bool:
        """See Files."""
        return name in self._folders or not name

    def below(self, folder: str) -> Iterator[str]:
        """See Files."""
        prefix = f"{folder}/" if folder else ""
        return (name for name in self._members if name.startswith(prefix))

    def children(self, folder: str) -> list[str]:
        """See Files."""
        return sorted(
            name.rpartition("/")[2]
            for name in self._folders
            if name.rpartition("/")[0] == folder and not name.rpartition("/")[2].startswith(".")
        )

    def path(self, name: str) -> Path:
        """See Files.

        Raises:
            DatasetError: the member is damaged, encrypted or a ZIP bomb, or the disk is full.
        """
        target = self._folder / name
        if target.exists():
            return target
        member = self._members[name]
        if (
            member.file_size > _HARMLESS
            and member.file_size > _LARGEST_RATIO * member.compress_size
        ):
            raise place(self, name).error(
                f"is compressed from {member.file_size} to {member.compress_size} bytes",
                allowed=f"at most {_LARGEST_RATIO} times smaller",
                hint="unzip the archive yourself if you trust it, and name the folder",
            )
        part: Path | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with (
                self._zip.open(member) as source,
                tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as copy,
            ):
                part = Path(copy.name)
                shutil.copyfileobj(source, copy)
            part.rename(target)
        except (
            OSError,
            RuntimeError,
            zipfile.BadZipFile,
            NotImplementedError,
            EOFError,
            zlib.error,
        ) as error:
            if part:
                part.unlink(missing_ok=True)
            raise self._unreadable(name, error) from error
        return target

    def _unreadable(self, name: str, error: Exception) -> DatasetError:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return place(self, name).error(
            f"cannot be extracted: {reason}", hint="export or download the archive again"
        )
