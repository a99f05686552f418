"""Shapes of CVAT's XML.

Format: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

from builder.datasets.annotation import (
    Annotation,
    Ellipse,
    Keypoints,
    Polygons,
    Rectangle,
    Shape,
    Tag,
)
from builder.datasets.rle import cvat_mask
from builder.datasets.value import Place, Value
from builder.datasets.xml import Element

NOT_READ = ("polyline", "cuboid")
"""Shapes that no function type is evaluated on."""
SHAPES = ("box", "polygon", "ellipse", "mask", "points", "skeleton", "tag", *NOT_READ)


def annotation(
    element: Element,
    place: Place,
    label: str,
    skeletons: Mapping[str, tuple[str, ...]],
    track: int | None = None,
) -> Annotation | None:
    """Return the annotation of an element, or None if it is outside or is not read.

    Args:
        element: one of SHAPES.
        place: the file.
        label: the label of the element or of its track.
        skeletons: label -> names of its keypoints.
        track: see Annotation.

    Raises:
        DatasetError: a value is missing or invalid.
    """
    value = element.value(place)
    if element.tag in NOT_READ or element.attributes.get("outside") == "1":
        return None
    shape = (
        _skeleton(element, place, skeletons.get(label, ()))
        if element.tag == "skeleton"
        else _shape(element.tag, value)
    )
    return (
        None
        if shape is None
        else Annotation(label, shape, track=track, attributes=_attributes(element))
    )


def _shape(tag: str, value: Value) -> Shape:
    if tag == "box":
        x1, y1, x2, y2 = (value[key].number() for key in ("xtl", "ytl", "xbr", "ybr"))
        return Rectangle(x1, y1, x2, y2, _rotation(value))
    if tag == "ellipse":
        cx, cy, rx, ry = (value[key].number() for key in ("cx", "cy", "rx", "ry"))
        return Ellipse(cx, cy, rx, ry, _rotation(value))
    if tag == "polygon":
        points = _points(value["points"])
        if len(points) < 3:
            raise value["points"].error("is not a polygon", "at least 3 points")
        return Polygons((tuple(float(number) for point in points for number in point),))
    if tag == "mask":
        left, top = value["left"].whole(-(10**9)), value["top"].whole(-(10**9))
        width, height = value["width"].whole(1), value["height"].whole(1)
        runs = Value(value["rle"].text().split(","), value["rle"].place)
        return cvat_mask(runs, left, top, width, height)
    if tag == "points":
        found = np.array(_points(value["points"]), float)
        return Keypoints((), found, np.full(len(found), 2))
    return Tag()


def _skeleton(element: Element, place: Place, names: tuple[str, ...]) -> Keypoints | None:
    """Return the keypoints of a skeleton in the order of its names; None if all are outside."""
    elements: dict[str, Element] = {}
    for child in element.children:
        if child.tag != "points":
            continue
        value = child.value(place)["label"]
        name = value.text()
        if name in elements or (names and name not in names):
            raise value.error(
                "is not a keypoint of this skeleton, or is given twice", ", ".join(names)
            )
        elements[name] = child
    names = names or tuple(elements)
    points, visibility = np.zeros((len(names), 2)), np.zeros(len(names), int)
    for number, name in enumerate(names):
        child = elements.get(name, element)
        if child is element or child.attributes.get("outside") == "1":
            continue
        value = child.value(place)["points"]
        found = _points(value)
        if len(found) != 1:
            raise value.error("is not a keypoint", "one point")
        points[number] = found[0]
        visibility[number] = 1 if child.attributes.get("occluded") == "1" else 2
    return Keypoints(names, points, visibility) if visibility.any() else None


def _points(value: Value) -> list[list[float]]:
    """Return the points of a text such as `1.5,2;3,4`."""
    return [Value(pair.split(","), value.place).numbers(2) for pair in value.text().split(";")]


def _rotation(value: Value) -> float:
    return value["rotation"].number() if "rotation" in value else 0.0


def _attributes(element: Element) -> Mapping[str, str]:
    return MappingProxyType(dict(_named(element.children)))


def _named(children: Iterable[Element]) -> Iterable[tuple[str, str]]:
    for child in children:
        if child.tag == "attribute" and "name" in child.attributes:
            yield child.attributes["name"], child.text
