"""Datasets on a temporary index."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

from builder.datasets.annotation import Annotation, LabeledImage, Shape
from builder.datasets.image_files import ImageFiles
from builder.datasets.image_size import ImageError
from builder.datasets.index import Entry, Index

Objects: TypeAlias = tuple[tuple[Annotation, ...], tuple[Shape, ...]]
"""The annotations and the ignored regions of an image."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a format finds in a dataset.

    Attributes:
        format, labels: see Dataset.
        index: the images.
        files: their files.
        read: the objects of an image from its entry, its objects in the index, and its file.
    """

    format: str
    labels: tuple[str, ...]
    index: Index
    files: ImageFiles
    read: Callable[[Entry, list[bytes], Path], Objects]


class IndexedDataset:
    """Labeled images on a temporary index; see Dataset.

    Args:
        path: see Dataset.
        contents: what the format found.
        stack: deletes temporary files.
    """

    def __init__(self, path: Path, contents: Contents, stack: ExitStack) -> None:
        self.path = path
        self.format = contents.format
        self.labels = contents.labels
        self._contents = contents
        self._stack = stack

    def __len__(self) -> int:
        return len(self._contents.index)

    def __getitem__(self, index: int) -> LabeledImage:
        """See Dataset.

        Raises:
            IndexError: there is no such image.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        entry, objects = self._contents.index[index]
        file = self._contents.files.path(entry.root, entry.file)
        try:
            annotations, ignored = self._contents.read(entry, objects, file)
        except ImageError as error:
            return LabeledImage(entry.name, file, (), fault=error.problems[0].what)
        return LabeledImage(entry.name, file, annotations, ignored)

    def __iter__(self) -> Iterator[LabeledImage]:
        """See Dataset."""
        return (self[index] for index in range(len(self)))

    def __enter__(self) -> Self:
        """See Dataset."""
        return self

    def __exit__(self, *_: object) -> None:
        """See Dataset."""
        self._stack.close()
