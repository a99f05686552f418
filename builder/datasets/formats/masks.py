"""Masks as PNG files: Pascal VOC, and CVAT's Segmentation mask 1.1.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-smask/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from builder.datasets.annotation import Annotation, Shape
from builder.datasets.files import Files, read_lines
from builder.datasets.files import place as place_in
from builder.datasets.index import Entry
from builder.datasets.indexed import Contents, Objects
from builder.datasets.request import Request
from builder.datasets.rle import cropped
from builder.datasets.subsets import chosen
from builder.datasets.value import Place, Value, label
from runtimes.arrays import Array

_CLASSES, _OBJECTS, _SETS = "SegmentationClass", "SegmentationObject", "ImageSets/Segmentation"
_VOID = 0xE0E0C0
"""Color of Pascal VOC's borders between objects, which are not evaluated."""
_BACKGROUND = "background"
_VOC = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)
"""Pascal VOC's labels."""


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels in their order, and by their colors, 0xRRGGBB."""

    names: tuple[str, ...]
    by_color: dict[int, str]

    def name(self, code: int, gray: bool, place: Place) -> str:
        """Return the label of a color, or of the value of a mask with one channel."""
        if gray and code < len(self.names):
            return self.names[code]
        if not gray and code in self.by_color:
            return self.by_color[code]
        if code == 0:
            return _BACKGROUND
        found = str(code) if gray else f"{code >> 16},{code >> 8 & 255},{code & 255}"
        raise place.error("has a color of no label", found, hint="add it to labelmap.txt")


def read(request: Request) -> Contents | None:
    """Return the contents of masks as PNG files; None if they are not there.

    Raises:
        DatasetError: see open_dataset.
    """
    files = request.files
    if request.main or not files.has_folder(_CLASSES):
        return None
    labels = _labels(files)
    images = request.image_files(["JPEGImages", "images", ""])
    place = request.place
    subset, names = _names(request)
    for name, where in names:
        found = images.find(name, where)
        if found is not None:
            request.index.add(Entry(name, *found), where)
    images.check(place)
    request.index.finish(place, by_name=True)
    if not len(request.index):
        raise place.error("has no masks", allowed=f"PNG files in {_CLASSES}")

    def objects(entry: Entry, _: list[bytes], __: Path) -> Objects:
        return _objects(files, entry.name, labels)

    shown = tuple(dict.fromkeys(name for name in labels.names if name != _BACKGROUND))
    kind = f"Segmentation mask, {subset}" if subset else "Segmentation mask"
    return Contents(kind, shown, request.index, images, objects)


def _labels(files: Files) -> _Labels:
    """Return the labels of labelmap.txt, or Pascal VOC's if there is no such file.

    A label without a color has the one of its position in Pascal VOC's color map.
    """
    if "labelmap.txt" not in files:
        return _Labels(_VOC, {_voc_color(it): name for it, name in enumerate(_VOC)})
    by_color: dict[int, str] = {}
    for where, line in read_lines(files, "labelmap.txt"):
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        channels = rest.partition(":")[0]
        color = _color(channels, where) if channels.strip() else _voc_color(len(by_color))
        if color in by_color:
            raise where.error(f"has the color of label {by_color[color]}", line)
        by_color[color] = label(name, where)
    return _Labels(tuple(by_color.values()), by_color)


def _color(channels: str, where: Place) -> int:
    """Return the number of a color such as `128,0,255`."""
    numbers = [Value(channel, where).whole() for channel in channels.split(",")]
    if len(numbers) != 3 or max(numbers) > 255:
        raise where.error("has an invalid color", channels, "red,green,blue from 0 to 255")
    return numbers[0] << 16 | numbers[1] << 8 | numbers[2]


def _voc_color(number: int) -> int:
    """Return the color of a class in Pascal VOC's color map, whose bits are those of the number."""
    red = green = blue = 0
    for bit in range(8):
        red |= (number >> 3 * bit & 1) << 7 - bit
        green |= (number >> 3 * bit + 1 & 1) << 7 - bit
        blue |= (number >> 3 * bit + 2 & 1) << 7 - bit
    return red << 16 | green << 8 | blue


def _names(request: Request) -> tuple[str, Iterator[tuple[str, Place]]]:
    """Return the subset, and the names of the images without suffixes with their locations."""
    files = request.files
    lists = sorted(files.below(_SETS)) if files.has_folder(_SETS) else []
    parts = [(it.rpartition("/")[2][:-4], it) for it in lists if it.endswith(".txt")]
    part = chosen(parts, request.place)
    if part is None:
        masks = (name for name in files.below(_CLASSES) if name.endswith(".png"))
        return "", ((it[len(_CLASSES) + 1 : -4], place_in(files, it)) for it in masks)
    lines = read_lines(files, part[1])
    return part[0], ((line.removeprefix("/"), where) for where, line in lines)


def _objects(files: Files, name: str, labels: _Labels) -> Objects:
    """Return the masks of an image: one for each object, or for each label without objects."""
    mask = f"{_CLASSES}/{name}.png"
    if mask not in files:
        return (), ()
    place = place_in(files, mask)
    codes, gray = _codes(files.path(mask), place)
    instances = np.zeros_like(codes)
    if f"{_OBJECTS}/{name}.png" in files:
        other = place_in(files, f"{_OBJECTS}/{name}.png")
        instances, _ = _codes(files.path(f"{_OBJECTS}/{name}.png"), other)
        if instances.shape != codes.shape:
            raise other.error("has another size than the mask of the classes")
    annotations: list[Annotation] = []
    ignored: list[Shape] = []
    for code in np.unique(codes).tolist():
        pixels = codes == code
        if code == (255 if gray else _VOID) and code not in labels.by_color:
            ignored.append(cropped(pixels))
            continue
        name_ = labels.name(code, gray, place)
        if name_ == _BACKGROUND:
            continue
        annotations += [
            Annotation(name_, cropped(pixels & (instances == instance)))
            for instance in np.unique(instances[pixels]).tolist()
        ]
    return tuple(annotations), tuple(ignored)


def _codes(file: Path, place: Place) -> tuple[Array, bool]:
    """Return the colors of a PNG as numbers, (H, W), and whether it has one channel."""
    try:
        image = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None or image.dtype != np.uint8:
        raise place.error("is not a mask", allowed="a PNG with 8 bits per channel")
    if image.ndim == 2:
        return image.astype(np.int32), True
    blue, green, red = (image[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue, False
