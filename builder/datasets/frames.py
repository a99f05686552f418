"""Frames of videos that are stored as image files."""

from collections.abc import Iterable

from builder.datasets.index import Entry
from builder.datasets.request import Request
from builder.datasets.value import Place


def add_frames(request: Request, sequence: str, *folders: str, numbered: bool) -> int:
    """Add the frames of a sequence to the index of a request.

    They are ordered by their numbers if all names are numbers, such as `000012.jpg`, and otherwise
    by their names.

    Args:
        request: the dataset.
        sequence: the folder of the sequence, for `key`.
        folders: see Request.frames.
        numbered: whether `000012.jpg` is frame 12. Otherwise, and if not all names are numbers,
            frames are counted from 1.

    Returns:
        The number of frames.

    Raises:
        DatasetError: the folder has no frames, or two have the same number or name.
    """
    place = Place(request.files.root / sequence)
    files = sorted(request.frames(*folders))
    if not files:
        raise place.error(
            "the sequence has no images",
            allowed=", ".join(folders),
            hint="name the folder with the images: --images DIR",
        )
    stems = [file.rpartition("/")[2].rpartition(".")[0] for file in files]
    numbers: Iterable[int] = range(1, len(files) + 1)
    if all(stem.isdecimal() for stem in stems):
        by_number = sorted((int(stem), file) for stem, file in zip(stems, files, strict=True))
        files = [file for _, file in by_number]
        numbers = [number for number, _ in by_number] if numbered else numbers
    for number, file in zip(numbers, files, strict=True):
        request.index.add(Entry(file, 0, file, key(sequence, number)), place)
    return len(files)


def key(sequence: str, frame: int) -> str:
    """Return the key of a frame in the index."""
    return f"{sequence}:{frame}"
