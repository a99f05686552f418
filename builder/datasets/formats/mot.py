"""Tracks of several objects: MOTChallenge, and CVAT's MOT 1.1.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-mot/
"""

from pathlib import Path

import orjson

from builder.datasets.annotation import Annotation, Rectangle, Shape
from builder.datasets.files import place as place_in
from builder.datasets.files import read_lines
from builder.datasets.frames import add_frames, key
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.request import Request
from builder.datasets.value import Place, Value, label

_CHALLENGE = [
    *("pedestrian", "person on vehicle", "car", "bicycle", "motorbike", "non motorized vehicle"),
    *("static person", "distractor", "occluder", "occluder on the ground", "occluder full"),
    "reflection",
]
"""MOTChallenge's classes, from 1; see https://motchallenge.net/instructions/."""


def read(request: Request) -> Contents | None:
    """Return the contents of one or more MOT sequences; None if they are not there.

    Raises:
        DatasetError: see open_dataset.
    """
    files = request.files
    if request.main:
        return None
    folders = ["", *(f"{name}/" for name in files.children(""))]
    sequences = [folder for folder in folders if f"{folder}gt/gt.txt" in files]
    if not sequences:
        return None
    labels: dict[str, None] = {}
    for folder in sequences:
        images = (f"{folder}img1", f"{folder}images", folder.rstrip("/"))
        add_frames(request, folder, *images, numbered=True)
        names = _labels(request, folder)
        labels.update(dict.fromkeys(names))
        for where, line in read_lines(files, f"{folder}gt/gt.txt"):
            frame, row = _row(line, where, names)
            request.index.add_object(key(folder, frame), orjson.dumps(row))
    request.index.finish(request.place)
    stray = request.index.stray()
    if stray is not None:
        sequence, _, missing = stray.rpartition(":")
        raise place_in(files, f"{sequence}gt/gt.txt").error(
            f"frame {missing} has annotations and no image",
            hint="add the images, or name their folder: --images DIR",
        )

    def objects(_: Entry, rows: list[bytes], __: Path) -> Objects:
        return _objects([orjson.loads(row) for row in rows])

    return Contents("MOT", tuple(labels), request.index, request.image_files([""]), objects)


def _labels(request: Request, folder: str) -> list[str]:
    """Return the labels that CVAT writes beside the annotations, or MOTChallenge's."""
    name = f"{folder}gt/labels.txt"
    if name not in request.files:
        return _CHALLENGE
    return [label(line, where) for where, line in read_lines(request.files, name)]


def _row(line: str, where: Place, names: list[str]) -> tuple[int, tuple[object, ...]]:
    """Return the frame of a row, and its label, box, track, flag and visibility."""
    numbers = Value([it.strip() for it in line.split(",")], where).numbers()
    if len(numbers) < 6:
        raise where.error(
            f"has {len(numbers)} numbers", allowed="frame, track, x, y, width, height, ..."
        )
    frame, track = Value(numbers[0], where).whole(), Value(numbers[1], where).whole(-1)
    x, y, width, height = numbers[2:6]
    if width < 0 or height < 0:
        raise where.error("has a negative size", line, "x, y, width and height")
    flag, class_id, visibility = numbers[6:9] + [1.0, 1.0, 1.0][len(numbers[6:9]) :]
    if class_id == -1 and names is _CHALLENGE:
        # 2D MOT 2015 has pedestrians alone, and -1 in the last columns.
        class_id = visibility = 1.0
    if not class_id.is_integer() or not 1 <= class_id <= len(names):
        raise where.error("unknown class ID", f"{class_id:g}", f"1 to {len(names)}")
    box = (x, y, x + width, y + height)
    return frame, (names[int(class_id) - 1], box, track, flag == 0, f"{visibility:g}")


def _objects(rows: list[tuple[str, list[float], int, bool, str]]) -> Objects:
    annotations: list[Annotation] = []
    ignored: list[Shape] = []
    for name, (x1, y1, x2, y2), track, is_ignored, visibility in rows:
        shape = Rectangle(x1, y1, x2, y2)
        if is_ignored:
            ignored.append(shape)
        else:
            attributes = {"visibility": visibility}
            annotations.append(Annotation(name, shape, track=track, attributes=attributes))
    return tuple(annotations), tuple(ignored)
