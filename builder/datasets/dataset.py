"""The interface of datasets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, Self

from builder.datasets.annotation import LabeledImage


class Dataset(Protocol):
    """Labeled images in a stable order. At most one image's annotations are in memory at a time."""

    @property
    def format(self) -> str:
        """Name of the format, such as `COCO`."""

    @property
    def path(self) -> Path:
        """What the user named."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels, in the order of the dataset; also those without annotations."""

    def __len__(self) -> int:
        """Return the number of images, also of those without annotations."""

    def __getitem__(self, index: int) -> LabeledImage:
        """Return an image by its number, from 0.

        Raises:
            DatasetError: its annotations are invalid.
        """

    def __iter__(self) -> Iterator[LabeledImage]:
        """Yield the images in order; see __getitem__."""

    def __enter__(self) -> Self:
        """Return the dataset."""

    def __exit__(self, *_: object) -> None:
        """Delete temporary files."""
