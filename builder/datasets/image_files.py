"""Search for the image files of a dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.datasets.files import IMAGE_SUFFIXES, Files, is_image, safe
from builder.datasets.value import Place

_SUFFIXES = (*IMAGE_SUFFIXES, *(suffix.upper() for suffix in IMAGE_SUFFIXES))


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A folder that may contain the images.

    Attributes:
        files: the files around it.
        folder: its path in them; "" is all of them.
    """

    files: Files
    folder: str = ""


class ImageFiles:
    """Finds image files by the names that a dataset has for them.

    Args:
        folders: where to look, the best first.
    """

    def __init__(self, folders: Sequence[ImageFolder]) -> None:
        self._folders = folders
        self._missing = 0
        self._first = ""

    def find(self, name: str, place: Place, subset: str = "") -> tuple[int, str] | None:
        """Return the number of a folder and a file's path in the files around it.

        A name need not have the folders or the suffix of the file: `a/b/1.jpg` is also looked for
        as `b/1.jpg` and as `1.jpg`, and `a/1` with each suffix of an image.

        Args:
            name: the name in the dataset.
            place: where the dataset has the name.
            subset: a folder that the files may be in beside.

        Returns:
            None if there is no such file; `check` reports it.

        Raises:
            DatasetError: the name leads out of the folder.
        """
        clean = safe(name)
        if clean is None:
            raise place.error("is the path of an image outside the dataset", name, "no `..`")
        for candidate in _candidates(clean, subset):
            for number, root in enumerate(self._folders):
                file = f"{root.folder}/{candidate}" if root.folder else candidate
                if file in root.files:
                    return number, file
        self._missing += 1
        self._first = self._first or name
        return None

    def names(self) -> Iterator[tuple[int, str]]:
        """Yield all images of the first folder that has some, as `find` returns them."""
        for number, root in enumerate(self._folders):
            found = False
            if root.files.has_folder(root.folder):
                for file in filter(is_image, root.files.below(root.folder)):
                    found = True
                    yield number, file
            if found:
                return

    def check(self, place: Place) -> None:
        """Report the names that were not found.

        Raises:
            DatasetError: there are some.
        """
        if self._missing:
            looked = ", ".join(str(root.files.root / root.folder) for root in self._folders)
            raise place.error(
                "image not found"
                if self._missing == 1
                else f"{self._missing} images not found, the first is named below",
                self._first,
                f"a file in {looked}",
                "name the folder with the images: --images DIR",
            )

    def path(self, number: int, file: str) -> Path:
        """Return the path of a file that was found."""
        return self._folders[number].files.path(file)


def _candidates(name: str, subset: str) -> Iterator[str]:
    names = [f"{subset}/{name}"] if subset and safe(subset) else []
    parts = name.split("/")
    names += ["/".join(parts[start:]) for start in range(len(parts))]
    yield from names
    if not is_image(name):
        for stem in names:
            yield from (stem + suffix for suffix in _SUFFIXES)
