"""Tracks of a single object: OTB, GOT-10k and LaSOT.

Formats: http://got-10k.aitestunion.com/ and http://vision.cs.stonybrook.edu/~lasot/. A sequence is
a folder of frames and a text file with one box per frame: x, y, width, height.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from builder.datasets.annotation import Annotation, Rectangle
from builder.datasets.files import Files, read_lines
from builder.datasets.files import place as place_in
from builder.datasets.frames import add_frames, key
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.request import Request
from builder.datasets.value import Place, Value

_TRUTHS = ("groundtruth.txt", "groundtruth_rect.txt")
_ABSENT = ("absence.label", "full_occlusion.txt", "out_of_view.txt")
"""Files with a 1 for each frame in which the object cannot be seen: GOT-10k's, and LaSOT's two."""
_LABEL = "object"


def read(request: Request) -> Contents | None:
    """Return the contents of one or more sequences; None if they are not there.

    Raises:
        DatasetError: see open_dataset.
    """
    files = request.files
    sequences = [] if request.main else list(_sequences(files))
    if not sequences:
        return None
    for track, (folder, truth) in enumerate(sequences):
        images = (f"{folder}img", f"{folder}images", folder.rstrip("/"))
        count = add_frames(request, folder, *images, numbered=False)
        boxes = [_box(line, where) for where, line in read_lines(files, truth)]
        if len(boxes) != count:
            raise place_in(files, truth).error(
                f"has {len(boxes)} boxes for {count} frames", allowed="one box for each image"
            )
        absent = _absent(files, folder, count)
        for frame, box in enumerate(boxes, 1):
            if box is not None and frame not in absent:
                request.index.add_object(key(folder, frame), orjson.dumps((box, track)))
    request.index.finish(request.place)

    def objects(_: Entry, rows: list[bytes], __: Path) -> Objects:
        boxes = map(orjson.loads, rows)
        return tuple(Annotation(_LABEL, Rectangle(*it), track=track) for it, track in boxes), ()

    return Contents("Tracking", (_LABEL,), request.index, request.image_files([""]), objects)


def _sequences(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the folder of each sequence, "" or with a slash at its end, and the file of its boxes.

    Sequences are the dataset itself, folders in it, or folders in those, as in LaSOT.
    """
    for depth in range(3):
        found = False
        for folder in _folders(files, depth):
            for name in _TRUTHS:
                if folder + name in files:
                    found = True
                    yield folder, folder + name
                    break
        if found:
            return


def _folders(files: Files, depth: int) -> Iterator[str]:
    if depth == 0:
        yield ""
        return
    for folder in _folders(files, depth - 1):
        yield from (f"{folder}{name}/" for name in files.children(folder.rstrip("/")))


def _box(line: str, where: Place) -> tuple[float, float, float, float] | None:
    """Return the corners of a row; None if the object is absent, with NaN or without a size."""
    parts = re.split(r"[,;\s]+", line.strip(" ,;"))
    if len(parts) != 4:
        raise where.error(f"has {len(parts)} numbers", line, "x, y, width and height")
    if all(part.lower() == "nan" for part in parts):
        return None
    x, y, width, height = Value(parts, where).numbers()
    return (x, y, x + width, y + height) if width > 0 and height > 0 else None


def _absent(files: Files, folder: str, count: int) -> set[int]:
    """Return the frames, from 1, in which the object cannot be seen."""
    absent: set[int] = set()
    for name in _ABSENT:
        if folder + name not in files:
            continue
        flags = [
            Value(flag, where).flag()
            for where, line in read_lines(files, folder + name)
            for flag in re.split(r"[,\s]+", line.strip(" ,"))
        ]
        if len(flags) != count:
            raise place_in(files, folder + name).error(f"has {len(flags)} flags for {count} frames")
        absent.update(frame for frame, flag in enumerate(flags, 1) if flag)
    return absent
