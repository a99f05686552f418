"""Datumaro's JSON, also as CVAT exports it.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-datumaro/
"""

from pathlib import Path
from types import MappingProxyType

import numpy as np
import orjson

from builder.datasets.annotation import (
    Annotation,
    Ellipse,
    Keypoints,
    Polygons,
    Rectangle,
    Shape,
    Tag,
)
from builder.datasets.files import place as place_in
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.json_stream import entries, top_keys
from builder.datasets.request import ANNOTATIONS, Request
from builder.datasets.rle import coco_mask
from builder.datasets.subsets import chosen
from builder.datasets.value import Place, Value, label, packed
from runtimes.arrays import Array

_READ = ("bbox", "polygon", "mask", "points", "skeleton", "ellipse", "label")
"""Types of annotations; others, such as captions and polylines, are not read."""


class _Categories:
    """The labels by their numbers, and the names of the keypoints of those that have some."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.parents: list[str] = []
        self.keypoints: dict[int, tuple[str, ...]] = {}

    def add_label(self, entry: Value) -> None:
        """Add an entry of `categories.label.labels`."""
        self.names.append(label(entry["name"].text(), entry["name"].place))
        self.parents.append(str(entry.data.get("parent") or ""))

    def add_points(self, item: Value) -> None:
        """Add an entry of `categories.points.items`."""
        number = item["label_id"].whole()
        self.keypoints[number] = tuple(name.text() for name in item["labels"].entries())

    def labels(self) -> tuple[str, ...]:
        """Return the names of the labels, without those of keypoints."""
        keypoints = {
            (self.names[number], name)
            for number, names in self.keypoints.items()
            if number < len(self.names)
            for name in names
        }
        pairs = zip(self.parents, self.names, strict=True)
        return tuple(dict.fromkeys(pair[1] for pair in pairs if pair not in keypoints))

    def number(self, annotation: Value) -> int:
        """Return the number of an annotation's label."""
        value = annotation["label_id"]
        number = value.whole()
        if number >= len(self.names):
            raise value.error("unknown label", f"0 to {len(self.names) - 1}")
        return number


def read(request: Request) -> Contents | None:
    """Return the contents of Datumaro's JSON; None if it is not there.

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
    for entry in entries(files, name, "categories", "label", "labels"):
        categories.add_label(entry)
    for item in entries(files, name, "categories", "points", "items"):
        categories.add_points(item)
    folders = [f"images/{subset}", "images", ""] if name.startswith(f"{ANNOTATIONS}/") else [""]
    images = request.image_files(folders)
    for number, item in enumerate(entries(files, name, "items")):
        identity, path = item["id"].text(), _image_path(item)
        file = images.find(path, item.place, subset)
        if file is not None:
            data = packed((number, item.data.get("annotations")), item.place)
            request.index.add(Entry(identity, *file, data=data), item["id"].place)
    images.check(place)
    request.index.finish(place)
    if not len(request.index):
        raise place.error("has no images")

    def objects(entry: Entry, _: list[bytes], __: Path) -> Objects:
        number, data = orjson.loads(entry.data)
        value = Value(data or [], Place(place.file, path=("items", number, "annotations")))
        found = [
            _annotation(it, categories) for it in value.entries() if it["type"].text() in _READ
        ]
        return tuple(it for it in found if it is not None), ()

    return Contents(f"Datumaro, {subset}", categories.labels(), request.index, images, objects)


def _file(request: Request) -> tuple[str, str] | None:
    """Return the subset and the name of the file with the annotations."""
    files = request.files
    if request.main:
        names = request.named_json()
    elif files.has_folder(ANNOTATIONS):
        names = sorted(name for name in files.below(ANNOTATIONS) if name.endswith(".json"))
    else:
        names = []
    parts = [
        (name.rpartition("/")[2].removesuffix(".json"), name)
        for name in names
        if ("items", "start_array") in top_keys(files, name)
    ]
    return chosen(parts, request.place)


def _image_path(item: Value) -> str:
    """Return the path of an item's image, which older versions leave out."""
    for key in ("image", "media"):
        image = item.optional(key)
        if image is not None and image.optional("path") is not None and image["path"].data:
            return image["path"].text()
    return item["id"].text()


def _annotation(value: Value, categories: _Categories) -> Annotation | None:
    number = categories.number(value)
    attributes = value.optional("attributes") or Value({}, value.place)
    if not isinstance(attributes.data, dict):
        raise attributes.error("is not a map", "a map")
    if "outside" in attributes and attributes["outside"].flag():
        return None
    return Annotation(
        categories.names[number],
        _shape(value, attributes, categories, number),
        crowd="is_crowd" in attributes and attributes["is_crowd"].flag(),
        track=attributes["track_id"].whole() if "track_id" in attributes else None,
        attributes=MappingProxyType({key: str(text) for key, text in attributes.data.items()}),
    )


def _shape(value: Value, attributes: Value, categories: _Categories, number: int) -> Shape:
    kind = value["type"].text()
    rotation = attributes["rotation"].number() if "rotation" in attributes else 0.0
    if kind == "bbox":
        x, y, width, height = value["bbox"].numbers(4)
        if width < 0 or height < 0:
            raise value["bbox"].error("has a negative size", "x, y, width and height")
        return Rectangle(x, y, x + width, y + height, rotation)
    if kind == "ellipse":
        x1, y1, x2, y2 = value["points"].numbers(4)
        center = (x1 + x2) / 2, (y1 + y2) / 2
        return Ellipse(*center, abs(x2 - x1) / 2, abs(y2 - y1) / 2, rotation)
    if kind == "polygon":
        points = value["points"].numbers(multiple=2)
        if len(points) < 6:
            raise value["points"].error("is not a polygon", "at least 3 points")
        return Polygons((tuple(points),))
    if kind == "mask":
        return coco_mask(value["rle"])
    if kind == "label":
        return Tag()
    names = categories.keypoints.get(number, ())
    if kind == "points":
        points_, visibility = _points(value)
        return Keypoints(names if len(names) == len(points_) else (), points_, visibility)
    return _skeleton(value, categories, names)


def _points(value: Value) -> tuple[Array, Array]:
    """Return the points, (K, 2), and their visibility, (K,), of an annotation."""
    points = np.array(value["points"].numbers(multiple=2), float).reshape(-1, 2)
    if "visibility" not in value:
        return points, np.full(len(points), 2)
    visibility = np.array(value["visibility"].numbers(len(points)))
    if not np.isin(visibility, (0, 1, 2)).all():
        raise value["visibility"].error("has an invalid visibility", "0, 1 or 2")
    return points, visibility.astype(int)


def _skeleton(value: Value, categories: _Categories, names: tuple[str, ...]) -> Keypoints:
    found: dict[str, tuple[Array, int]] = {}
    for element in value["elements"].entries():
        name = categories.names[categories.number(element)]
        points, visibility = _points(element)
        if len(points) != 1 or name in found or (names and name not in names):
            raise element.error("is not a keypoint of this skeleton", ", ".join(names))
        found[name] = points[0], int(visibility[0])
    names = names or tuple(found)
    absent = np.zeros(2), 0
    pairs = [found.get(name, absent) for name in names]
    return Keypoints(
        names,
        np.array([point for point, _ in pairs]).reshape(-1, 2),
        np.array([visible for _, visible in pairs], int),
    )
