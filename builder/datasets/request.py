"""A dataset that a user names."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from builder.datasets.files import Archive, Files, Folder, is_image, opened
from builder.datasets.image_files import ImageFiles, ImageFolder
from builder.datasets.index import Index
from builder.datasets.value import Place
from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.files import similar
from builder.diagnostics.problem import Problem

ANNOTATIONS = "annotations"
"""The folder of COCO's and Datumaro's files; the images are in folders beside it."""
_START = 4096


@dataclass(frozen=True, slots=True)
class Request:
    """What `open_dataset` was called with.

    Attributes:
        path: the file, folder or archive.
        files: the files of the folder or the archive, or those beside the file.
        main: the name of the file in `files`; "" for a folder or an archive.
        images: the folder of the images, if the user names it.
        index: an empty index.
    """

    path: Path
    files: Files
    main: str
    images: Path | None
    index: Index

    @property
    def place(self) -> Place:
        """The dataset, for messages."""
        return Place(self.path)

    def start(self, name: str) -> bytes:
        """Return the first bytes of a file, without a byte order mark and white space."""
        with opened(self.files, name) as stream:
            return stream.read(_START).removeprefix(b"\xef\xbb\xbf").lstrip()

    def named_json(self) -> list[str]:
        """Return the file that the user named if it begins like a JSON object, else no file."""
        return [self.main] if self.start(self.main).startswith(b"{") else []

    def named(self, *names: str) -> str | None:
        """Return the file that the user named, or the first of these that exists."""
        return self.main or next((name for name in names if name in self.files), None)

    def image_files(self, folders: Sequence[str]) -> ImageFiles:
        """Return a search in the folder that the user named, or else in these."""
        if self.images is not None:
            return ImageFiles([ImageFolder(Folder(self.images))])
        return ImageFiles([ImageFolder(self.files, folder) for folder in folders])

    def own_images(self) -> ImageFiles:
        """Return the images in the dataset itself, by their paths in it."""
        return ImageFiles([ImageFolder(self.files)])

    def frames(self, *folders: str) -> Iterator[str]:
        """Yield the images of the first of these folders that exists, or of all if none does.

        They are in the folder that the user named, or else in the dataset. The paths are relative
        to that.
        """
        root = self.files if self.images is None else Folder(self.images)
        folder = next((it for it in folders if it and root.has_folder(it)), "")
        return filter(is_image, root.below(folder))


def request(path: Path, images: Path | None, stack: ExitStack) -> Request:
    """Return the request for a dataset.

    Args:
        path: a file, a folder or a ZIP archive.
        images: the folder of the images.
        stack: deletes temporary files.

    Raises:
        CommandLineError: one of the paths does not exist.
        DatasetError: the archive cannot be read.
    """
    if images is not None and not os.path.isdir(images):
        what = "is not a folder" if os.path.exists(images) else "there is no such folder"
        hint = similar(images) or "name the folder: --images DIR"
        raise CommandLineError(Problem(what, file=images, hint=hint))
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cvatbuild-")))
    index = Index(scratch)
    stack.callback(index.close)
    if os.path.isdir(path):
        return Request(path, Folder(path), "", images, index)
    if not os.path.isfile(path):
        what = "there is no such file or folder"
        raise CommandLineError(Problem(what, file=path, hint=similar(path)))
    folder = Folder(path.parent)
    with opened(folder, path.name) as stream:
        is_archive = stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    if not is_archive:
        parent = path.absolute().parent
        if parent.name == ANNOTATIONS:
            name = f"{ANNOTATIONS}/{path.name}"
            return Request(path, Folder(parent.parent), name, images, index)
        return Request(path, folder, path.name, images, index)
    archive = Archive(path, scratch / "files")
    stack.callback(archive.close)
    return Request(path, archive, "", images, index)
