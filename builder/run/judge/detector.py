"""Check a detector's reply against what CVAT's server and web page accept.

The server stores almost any reply, and the page then fails to open the job. The rules are those of
CVAT 2.15 and newer; if versions differ, the strictest rule applies.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from builder.manifest.attribute_values import value_fault
from builder.run.judge.values import is_whole, json_type, number_list_fault
from runtimes.numbers import is_number
from runtimes.shapes.region import LEAST_EXTENT, visible

_LEAST_POINTS = {"polygon": 3, "polyline": 2, "points": 1}
"""Shape type with any number of points -> the fewest points that the page can draw."""

_EXACT_NUMBERS = {"rectangle": 4, "ellipse": 4, "cuboid": 16}
"""Shape type -> length of its list of numbers."""

_TYPES = (*_LEAST_POINTS, *_EXACT_NUMBERS, "mask", "skeleton", "tag")

Label = Mapping[str, Any]
"""One entry of the `spec` annotation."""


def judge(reply: object, spec: Sequence[Label]) -> list[str]:
    """Return the faults of a detector's reply.

    Args:
        reply: the decoded JSON.
        spec: the function's labels, as its `spec` annotation lists them.

    Returns:
        One message per fault, with its place in the reply; empty if CVAT accepts the reply.
    """
    if not isinstance(reply, list):
        return [f"the reply is {json_type(reply)}, not a list of items"]
    labels = {str(label["name"]): label for label in spec}
    return [
        f"[{number}]{fault}"
        for number, item in enumerate(reply)
        for fault in _item_faults(item, labels)
    ]


def _item_faults(item: object, labels: Mapping[str, Label]) -> Iterator[str]:
    """Yield the faults of one item."""
    if not isinstance(item, dict):
        yield f": is {json_type(item)}, not an object"
        return
    name, shape_type = item.get("label"), item.get("type")
    if not isinstance(name, str):
        yield ".label: is missing" if name is None else ".label: is not text"
        return
    if name not in labels:
        yield f".label: '{name}' is not in the function's spec; CVAT drops the item silently"
        return
    if shape_type not in _TYPES:
        yield f".type: {shape_type!r} is not one of {', '.join(_TYPES)}"
        return
    label = labels[name]
    if label.get("type", "any") == "skeleton" and shape_type != "skeleton":
        yield f".type: the label '{name}' is a skeleton, the item is a {shape_type}"
    yield from _common_faults(item, str(shape_type))
    yield from _attribute_faults(item.get("attributes", []), label)
    yield from _SHAPE_FAULTS.get(str(shape_type), _points_faults)(item, label)


def _common_faults(item: Mapping[str, Any], shape_type: str) -> Iterator[str]:
    """Yield the faults of the keys that items of every type can have."""
    rotation = item.get("rotation", 0)
    if not is_number(rotation) or not 0 <= rotation <= 360:
        yield f".rotation: {rotation!r} is not a number from 0 to 360"
    elif rotation and shape_type not in ("rectangle", "ellipse"):
        yield f".rotation: a {shape_type} cannot be rotated"
    group = item.get("group_id")
    if group is not None and (not is_whole(group) or group < 1):
        yield f".group_id: {group!r} is not a whole number from 1; 0 means no group"
    confidence = item.get("confidence")
    if confidence is not None and not (is_number(confidence) and 0 <= confidence <= 1):
        yield f".confidence: {confidence!r} is not a number from 0 to 1"
    outside = item.get("outside", False)
    if outside not in (True, False):
        yield f".outside: {outside!r} is neither true nor false"


def _points_faults(item: Mapping[str, Any], label: Label) -> Iterator[str]:
    """Yield the faults of a shape that consists of numbers alone."""
    shape_type, points = item["type"], item.get("points")
    fault = number_list_fault(points)
    if fault:
        yield f".points: {fault}"
        return
    assert isinstance(points, list)
    if shape_type in _EXACT_NUMBERS:
        count = _EXACT_NUMBERS[shape_type]
        if len(points) != count:
            yield f".points: a {shape_type} has {count} numbers, not {len(points)}"
        elif shape_type == "rectangle" and not (points[0] < points[2] and points[1] < points[3]):
            yield f".points: {points} are not left, top, right, bottom of a rectangle"
        elif shape_type == "ellipse" and not (points[0] < points[2] and points[3] < points[1]):
            yield f".points: {points} are not center x, center y, right x, top y of an ellipse"
    elif len(points) % 2:
        yield f".points: {len(points)} numbers are not pairs of x and y"
    elif len(points) // 2 < _LEAST_POINTS[shape_type]:
        least = _LEAST_POINTS[shape_type]
        yield f".points: a {shape_type} needs {least} points, not {len(points) // 2}"
    elif shape_type in ("polygon", "polyline") and not visible(points):
        yield f".points: a {shape_type} needs {LEAST_EXTENT:g} pixel in width or height"


def _mask_faults(item: Mapping[str, Any], label: Label) -> Iterator[str]:
    """Yield the faults of a mask: the pixels of its box, then the box, inclusive."""
    mask = item.get("mask")
    if mask is None:
        yield ".mask: is missing; CVAT's server reads pixels from `mask`, not RLE from `points`"
        return
    fault = number_list_fault(mask, booleans=True)
    if fault:
        yield f".mask: {fault}"
        return
    if len(mask) < 5:
        yield f".mask: {len(mask)} numbers are too few for pixels and a box"
        return
    *pixels, left, top, right, bottom = mask
    if not all(is_whole(side) and side >= 0 for side in (left, top, right, bottom)):
        yield f".mask: the box {[left, top, right, bottom]} is not four whole numbers from 0"
        return
    width, height = right - left + 1, bottom - top + 1
    if width < 1 or height < 1:
        yield f".mask: the box {[left, top, right, bottom]} is not left, top, right, bottom"
    elif len(pixels) != width * height:
        yield (
            f".mask: {len(pixels)} pixels do not fill a box of {width}x{height} (right and bottom "
            "are inclusive)"
        )
    elif not set(pixels) <= {0, 1}:
        strange = sorted(set(pixels) - {0, 1})[:3]
        yield f".mask: pixels are 0 or 1; {strange} would corrupt the run lengths"
    elif not any(pixels):
        yield ".mask: is empty; CVAT's page cannot open a job with an empty mask"
    if "points" in item:
        yield from _points_faults({**item, "type": "polygon"}, label)


def _skeleton_faults(item: Mapping[str, Any], label: Label) -> Iterator[str]:
    """Yield the faults of a skeleton: one point per sublabel."""
    if label.get("type") != "skeleton":
        yield f".type: the label '{label['name']}' is not a skeleton"
        return
    elements = item.get("elements")
    if not isinstance(elements, list):
        yield ".elements: is missing" if elements is None else ".elements: is not a list"
        return
    sublabels = {str(sublabel["name"]): sublabel for sublabel in label.get("sublabels", [])}
    names = list(sublabels)
    seen: list[str] = []
    for number, element in enumerate(elements):
        place = f".elements[{number}]"
        if not isinstance(element, dict):
            yield f"{place}: is {json_type(element)}, not an object"
            continue
        name = element.get("label")
        if name not in names:
            yield f"{place}.label: {name!r} is not among the sublabels"
        elif name in seen:
            yield f"{place}.label: '{name}' occurs twice; CVAT uses the first"
        else:
            for fault in _attribute_faults(element.get("attributes", []), sublabels[str(name)]):
                yield f"{place}{fault}"
        seen.append(str(name))
        if element.get("type") != "points":
            yield f"{place}.type: {element.get('type')!r} is not 'points'"
        fault = number_list_fault(element.get("points"))
        if fault or len(element["points"]) != 2:
            yield f"{place}.points: {fault or 'are not one x and one y'}"
        if element.get("outside", False) not in (True, False):
            yield f"{place}.outside: is neither true nor false"
    missing = [name for name in names if name not in seen]
    if missing:
        yield f".elements: have no point for {', '.join(missing)}"
    if elements and all(isinstance(it, dict) and it.get("outside") for it in elements):
        yield ".elements: are all outside; CVAT drops the skeleton"


def _tag_faults(item: Mapping[str, Any], label: Label) -> Iterator[str]:
    """Yield the faults of a tag, which has no shape."""
    if "points" in item:
        yield ".points: a tag has no points"
    if item.get("group_id") is not None:
        yield ".group_id: a tag cannot have a group"


_SHAPE_FAULTS: dict[str, Callable[[Mapping[str, Any], Label], Iterator[str]]] = {
    "mask": _mask_faults,
    "skeleton": _skeleton_faults,
    "tag": _tag_faults,
}


def _attribute_faults(attributes: object, label: Label) -> Iterator[str]:
    """Yield the faults of an item's attributes, which CVAT checks as text."""
    if not isinstance(attributes, list):
        yield ".attributes: is not a list"
        return
    declared = {str(it["name"]): it for it in label.get("attributes", [])}
    for number, attribute in enumerate(attributes):
        place = f".attributes[{number}]"
        if not isinstance(attribute, dict) or not {"name", "value"} <= set(attribute):
            yield f"{place}: has no name or no value"
            continue
        name, value = attribute["name"], attribute["value"]
        if not isinstance(name, str) or name not in declared:
            yield f"{place}.name: {name!r} is not declared; CVAT drops it silently"
        elif not isinstance(value, str):
            yield f"{place}.value: {value!r} is not text; CVAT's number check fails on it"
        else:
            spec = declared[name]
            fault = value_fault(value, spec["input_type"], spec["values"])
            if fault:
                yield f"{place}.value: {fault}"
