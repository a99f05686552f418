"""COCO's JSON: instances and person keypoints, also as CVAT and Roboflow export them.

Format: https://cocodataset.org/#format-data
"""

import re
from pathlib import Path
from types import MappingProxyType

import numpy as np
import orjson

from builder.datasets.annotation import Annotation, Keypoints, Polygons, Rectangle, Shape
from builder.datasets.files import place as place_in
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.json_stream import entries, top_keys
from builder.datasets.request import Request
from builder.datasets.rle import coco_mask
from builder.datasets.subsets import chosen
from builder.datasets.value import Place, Value, label, packed
from runtimes.arrays import Size

_ROBOFLOW = "_annotations.coco.json"
_TASK = re.compile(r"^(instances|person_keypoints)_?")
_OTHER_TASKS = ("captions", "image_info", "labels", "panoptic", "stuff")
"""COCO's files without instances."""


class _Categories:
    """The categories: ID -> name and keypoints."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.keypoints: dict[str, tuple[str, ...]] = {}

    def add(self, category: Value) -> None:
        """Add an entry of `categories`."""
        number = str(category["id"].whole(-(2**62)))
        if number in self.names:
            raise category["id"].error("is the ID of another category")
        self.names[number] = label(category["name"].text(), category["name"].place)
        if "keypoints" in category:
            names = tuple(it.text() for it in category["keypoints"].entries())
            if len(set(names)) != len(names):
                raise category["keypoints"].error("has a name twice")
            self.keypoints[number] = names


def read(request: Request) -> Contents | None:
    """Return the contents of COCO's JSON; None if it is not there.

    Raises:
        DatasetError: see open_dataset.
    """
    found = _file(request)
    if found is None:
        return None
    subset, name = found
    files = request.files
    place = place_in(files, name)
    categories = _Categories()
    for category in entries(files, name, "categories"):
        categories.add(category)
    images = request.image_files(_folders(name, subset))
    for image in entries(files, name, "images"):
        text = image["file_name"].text()
        file = images.find(text, image["file_name"].place)
        if file is not None:
            key = str(image["id"].data)
            size = _size(image)
            entry = Entry(text, *file, key, orjson.dumps(size))
            request.index.add(entry, image["file_name"].place)
    images.check(place)
    for number, value in enumerate(entries(files, name, "annotations")):
        key = str(value["image_id"].data)
        category = value["category_id"]
        if str(category.data) not in categories.names:
            raise category.error("unknown category", ", ".join(categories.names))
        request.index.add_object(key, packed((number, value.data), value.place))
    request.index.finish(place)
    if not len(request.index):
        raise place.error("has no images")
    stray = request.index.stray()
    if stray is not None:
        raise place.error("an annotation is of an unknown image", f"image_id {stray}")

    def objects(entry: Entry, rows: list[bytes], _: Path) -> Objects:
        size = orjson.loads(entry.data)
        annotations: list[Annotation] = []
        ignored: list[Shape] = []
        for number, data in map(orjson.loads, rows):
            value = Value(data, Place(place.file, path=("annotations", number)))
            found = _annotation(value, categories, size and (size[0], size[1]))
            if "ignore" in value and value["ignore"].flag() and not found.crowd:
                ignored.append(found.shape)
            else:
                annotations.append(found)
        return tuple(annotations), tuple(ignored)

    labels = tuple(dict.fromkeys(categories.names.values()))
    return Contents(f"COCO, {subset}" if subset else "COCO", labels, request.index, images, objects)


def _file(request: Request) -> tuple[str, str] | None:
    """Return the subset and the name of the file with the annotations."""
    files = request.files
    if request.main:
        names = request.named_json()
    else:
        names = [_ROBOFLOW] if _ROBOFLOW in files else []
        names += [
            f"{folder}/{_ROBOFLOW}"
            for folder in files.children("")
            if f"{folder}/{_ROBOFLOW}" in files
        ]
        if not names and files.has_folder("annotations"):
            names = sorted(
                name
                for name in files.below("annotations")
                if name.endswith(".json") and not name.rpartition("/")[2].startswith(_OTHER_TASKS)
            )
    parts = [(_subset(name), name) for name in names if _is_coco(request, name)]
    return chosen(parts, request.place)


def _is_coco(request: Request, name: str) -> bool:
    """Return whether a JSON file has COCO's keys. Those of Datumaro are other ones."""
    for key, event in top_keys(request.files, name):
        if key in ("images", "annotations"):
            return event == "start_array"
        if key == "items":
            return False
    return False


def _subset(name: str) -> str:
    """Return the part that a file name has: `val2017` of `instances_val2017.json`."""
    folder, _, base = name.rpartition("/")
    if base == _ROBOFLOW:
        return folder
    stem = base.removesuffix(".json")
    return _TASK.sub("", stem) if _TASK.search(stem) else ""


def _folders(name: str, subset: str) -> list[str]:
    """Return the folders in which the images may be."""
    folder, _, base = name.rpartition("/")
    if base == _ROBOFLOW or folder != "annotations":
        return [folder, f"{folder}/images".lstrip("/")]
    below = [f"images/{subset}", subset] if subset else []
    return [*below, "images", "", "annotations"]


def _size(image: Value) -> Size | None:
    """Return height and width of an entry of `images`, which some tools leave out or set to 0."""
    if "height" not in image or "width" not in image:
        return None
    size = image["height"].whole(), image["width"].whole()
    return size if all(size) else None


def _annotation(value: Value, categories: _Categories, size: Size | None) -> Annotation:
    category = str(value["category_id"].data)
    attributes = value["attributes"].data if "attributes" in value else {}
    if not isinstance(attributes, dict):
        raise value["attributes"].error("is not a map", "a map")
    return Annotation(
        categories.names[category],
        _shape(value, categories.keypoints.get(category, ()), size),
        crowd="iscrowd" in value and value["iscrowd"].flag(),
        area=value["area"].number() if "area" in value else None,
        track=value["track_id"].whole() if "track_id" in value else None,
        attributes=MappingProxyType({key: str(text) for key, text in attributes.items()}),
    )


def _shape(value: Value, names: tuple[str, ...], size: Size | None) -> Shape:
    if "keypoints" in value and value["keypoints"].data:
        return _keypoints(value, names)
    segmentation = value.optional("segmentation")
    if segmentation is not None and isinstance(segmentation.data, dict):
        return coco_mask(segmentation, size)
    if segmentation is not None and segmentation.data:
        rings = list(segmentation.entries())
        if not isinstance(segmentation.data[0], list):
            raise segmentation.error("is not a list of polygons", "[[x1, y1, x2, y2, ...], ...]")
        return Polygons(tuple(_ring(ring) for ring in rings))
    return Rectangle(*_corners(value["bbox"]))


def _ring(value: Value) -> tuple[float, ...]:
    numbers = value.numbers(multiple=2)
    if len(numbers) < 6:
        raise value.error("is not a polygon", "at least 3 points")
    return tuple(numbers)


def _corners(value: Value) -> tuple[float, float, float, float]:
    x, y, width, height = value.numbers(4)
    if width < 0 or height < 0:
        raise value.error("has a negative size", "x, y, width and height")
    return x, y, x + width, y + height


def _keypoints(value: Value, names: tuple[str, ...]) -> Keypoints:
    keypoints = value["keypoints"]
    count = 3 * len(names) if names else None
    rows = np.array(keypoints.numbers(count, multiple=3), float).reshape(-1, 3)
    if not np.isin(rows[:, 2], (0, 1, 2)).all():
        raise keypoints.error("has an invalid visibility", "0, 1 or 2 after each x and y")
    box = _corners(value["bbox"]) if "bbox" in value else None
    return Keypoints(names, rows[:, :2], rows[:, 2].astype(int), box)
