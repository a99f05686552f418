import json
from typing import Any

import numpy as np
import pytest

from builder.run.judge.detector import judge

Item = dict[str, Any]

SPEC: list[dict[str, Any]] = [
    {"id": 0, "name": "any", "type": "any"},
    {"id": 1, "name": "box", "type": "rectangle"},
    {"id": 2, "name": "blob", "type": "mask"},
    {
        "id": 3,
        "name": "person",
        "type": "skeleton",
        "svg": "",
        "sublabels": [
            {"id": 1, "name": "head", "type": "points"},
            {"id": 2, "name": "hand", "type": "points"},
            {"id": 3, "name": "foot", "type": "points"},
        ],
    },
    {
        "id": 4,
        "name": "car",
        "type": "any",
        "attributes": [
            {"name": "color", "input_type": "select", "values": ["red", "dark red"]},
            {"name": "side", "input_type": "radio", "values": ["left", "right"]},
            {"name": "age", "input_type": "number", "values": ["0", "100", "5"]},
            {"name": "parked", "input_type": "checkbox", "values": ["false"]},
            {"name": "plate", "input_type": "text", "values": []},
        ],
    },
    {"id": 5, "name": "untyped"},
]

NAN, INF = float("nan"), float("inf")


def box(**changes: Any) -> Item:
    """A valid rectangle with some keys changed; None removes a key."""
    item = {"label": "box", "type": "rectangle", "points": [1, 2, 3.5, 4], "confidence": 0.5}
    return {key: value for key, value in {**item, **changes}.items() if value is not None}


def shape(shape_type: str, points: Any, **more: Any) -> Item:
    return {"label": "any", "type": shape_type, "points": points, **more}


def mask(*numbers: Any, **more: Any) -> Item:
    return {"label": "blob", "type": "mask", "mask": list(numbers), **more}


def element(name: Any, **changes: Any) -> Item:
    item = {"label": name, "type": "points", "points": [5, 6.5], "outside": False}
    return {key: value for key, value in {**item, **changes}.items() if value is not None}


HEAD, HAND, FOOT = element("head"), element("hand"), element("foot")


def person(*elements: Any, **more: Any) -> Item:
    return {"label": "person", "type": "skeleton", "elements": list(elements), **more}


def car(name: Any, value: Any) -> Item:
    attributes = [{"name": name, "value": value}]
    return {"label": "car", "type": "rectangle", "points": [1, 2, 3, 4], "attributes": attributes}


GOOD: dict[str, Item] = {
    "rectangle": box(),
    "whole numbers": box(points=[1, 2, 3, 4]),
    "below zero": box(points=[-5, -4.5, 3, 4]),
    "turned rectangle": box(rotation=359.999),
    "rotation 0": box(rotation=0),
    "rotation 360": box(rotation=360),
    "group": box(group_id=1),
    "no confidence": box(confidence=None),
    "confidence 0": box(confidence=0),
    "confidence 1": box(confidence=1),
    "outside": box(outside=True),
    "no attributes": box(attributes=[]),
    "further keys": box(whatever={"nested": [1, None]}),
    "rectangle under any": shape("rectangle", [1, 2, 3, 4]),
    "untyped label": box(label="untyped"),
    "ellipse": shape("ellipse", [30, 25, 50, 20]),
    "turned ellipse": shape("ellipse", [30, 25, 50, 20], rotation=45.5),
    "polygon": shape("polygon", [0, 0, 10, 0, 10, 10]),
    "flat polygon": shape("polygon", [0, 0, 1, 0, 1, 0.2]),
    "high polyline": shape("polyline", [0, 0, 0, 1]),
    "polyline": shape("polyline", [0, 0, 10, 0]),
    "a point": shape("points", [3.5, 4]),
    "points": shape("points", [3.5, 4, 5, 6, 7, 8]),
    "cuboid": shape("cuboid", list(range(16))),
    "mask": mask(1, 0, 1, 1, 0, 1, 10, 20, 12, 21),
    "mask of one pixel": mask(1, 0, 0, 0, 0),
    "mask of booleans": mask(True, False, 7, 9, 8, 9),
    "mask with a polygon": mask(1, 1, 0, 0, 1, 0, points=[0, 0, 2, 0, 2, 1]),
    "skeleton": person(HEAD, HAND, FOOT),
    "skeleton in another order": person(FOOT, HEAD, HAND),
    "skeleton partly outside": person(
        element("head", outside=True), element("hand", outside=1), element("foot", outside=0)
    ),
    "skeleton without outside": person(element("head", outside=None), HAND, FOOT),
    "skeleton in a group": person(HEAD, HAND, FOOT, group_id=3),
    "tag": {"label": "any", "type": "tag"},
    "tag with confidence": {"label": "any", "type": "tag", "confidence": 0.25},
    "select": car("color", "dark red"),
    "radio": car("side", "left"),
    "number": car("age", "35"),
    "least number": car("age", "0"),
    "most number": car("age", "100"),
    "checkbox on": car("parked", "true"),
    "checkbox off": car("parked", "false"),
    "text": car("plate", "Zürich 猫 \"'\n"),
    "no text": car("plate", ""),
    "long text": car("plate", "x" * 4096),
}

BAD: dict[str, tuple[Any, str, str]] = {
    # Items.
    "text": ("box", "[0]: ", "text, not an object"),
    "a list": ([1, 2, 3, 4], "[0]: ", "a list, not an object"),
    "null": (None, "[0]: ", "null, not an object"),
    "a number": (5, "[0]: ", "a number, not an object"),
    # Labels and types.
    "no label": (box(label=None), "[0].label: ", "missing"),
    "a number as label": (box(label=1), "[0].label: ", "not text"),
    "a list as label": (box(label=["box"]), "[0].label: ", "not text"),
    "unknown label": (box(label="boat"), "[0].label: ", "'boat' is not in the function's spec"),
    "label in another case": (box(label="Box"), "[0].label: ", "'Box' is not in"),
    "a sublabel as label": (box(label="head"), "[0].label: ", "'head' is not in"),
    "no type": (box(type=None), "[0].type: ", "None is not one of"),
    "unknown type": (box(type="bbox"), "[0].type: ", "'bbox' is not one of"),
    "type in another case": (box(type="Rectangle"), "[0].type: ", "'Rectangle' is not one of"),
    "TAG": ({"label": "any", "type": "TAG"}, "[0].type: ", "'TAG' is not one of"),
    "any as type": (box(type="any"), "[0].type: ", "'any' is not one of"),
    "a list as type": (box(type=["rectangle"]), "[0].type: ", "is not one of"),
    "rectangle of a skeleton": (
        box(label="person"),
        "[0].type: ",
        "the item is a rect",
    ),
    "tag of a skeleton": ({"label": "person", "type": "tag"}, "[0].type: ", "the item is a tag"),
    "skeleton of a box": (
        {"label": "box", "type": "skeleton", "elements": [HEAD]},
        "[0].type: ",
        "'box' is not a skeleton",
    ),
    # Coordinates.
    "no points": (box(points=None), "[0].points: ", "missing"),
    "null points": ({"label": "box", "type": "rectangle", "points": None}, "[0].points: ", "miss"),
    "text points": (box(points="1,2,3,4"), "[0].points: ", "text, not a list"),
    "object points": (box(points={"x": 1}), "[0].points: ", "an object, not a list"),
    "NaN": (box(points=[1, NAN, 3, 4]), "[0].points: ", "nan is not a finite number"),
    "infinity": (box(points=[1, 2, INF, 4]), "[0].points: ", "inf is not a finite number"),
    "minus infinity": (box(points=[-INF, 2, 3, 4]), "[0].points: ", "-inf is not a finite"),
    "null in points": (box(points=[1, 2, None, 4]), "[0].points: ", "None is not a finite"),
    "boolean in points": (box(points=[1, 2, True, 4]), "[0].points: ", "True is not a finite"),
    "text in points": (box(points=[1, 2, "3", 4]), "[0].points: ", "'3' is not a finite"),
    "pairs": (box(points=[[1, 2], [3, 4]]), "[0].points: ", "[1, 2] is not a finite"),
    "three numbers": (box(points=[1, 2, 3]), "[0].points: ", "has 4 numbers, not 3"),
    "five numbers": (box(points=[1, 2, 3, 4, 5]), "[0].points: ", "has 4 numbers, not 5"),
    "no numbers": (box(points=[]), "[0].points: ", "has 4 numbers, not 0"),
    "right of left": (box(points=[3, 2, 1, 4]), "[0].points: ", "not left, top, right, bottom"),
    "below top": (box(points=[1, 4, 3, 2]), "[0].points: ", "not left, top, right, bottom"),
    "no width": (box(points=[1, 2, 1, 4]), "[0].points: ", "not left, top, right, bottom"),
    "no height": (box(points=[1, 2, 3, 2]), "[0].points: ", "not left, top, right, bottom"),
    "ellipse as a box": (shape("ellipse", [1, 2, 3, 4]), "[0].points: ", "not center x"),
    "ellipse as radii": (shape("ellipse", [50, 40, 10, 5]), "[0].points: ", "not center x"),
    "ellipse of 5": (shape("ellipse", [5, 4, 6, 3, 9]), "[0].points: ", "has 4 numbers, not 5"),
    "cuboid of 8": (shape("cuboid", list(range(8))), "[0].points: ", "has 16 numbers, not 8"),
    "empty polygon": (shape("polygon", []), "[0].points: ", "needs 3 points, not 0"),
    "2-point polygon": (shape("polygon", [0, 0, 9, 9]), "[0].points: ", "needs 3 points, not 2"),
    "tiny polygon": (
        shape("polygon", [0, 0, 0.9, 0, 0.9, 0.9]),
        "[0].points: ",
        "a polygon needs 1 pixel in width or height",
    ),
    "tiny polyline": (
        shape("polyline", [0, 0, 0.9, 0.9]),
        "[0].points: ",
        "a polyline needs 1 pixel in width or height",
    ),
    "odd polygon": (shape("polygon", [0, 0, 9, 0, 9, 9, 5]), "[0].points: ", "7 numbers are not"),
    "1-point polyline": (shape("polyline", [0, 0]), "[0].points: ", "needs 2 points, not 1"),
    "odd polyline": (shape("polyline", [0, 0, 9, 0, 9]), "[0].points: ", "5 numbers are not"),
    "no point": (shape("points", []), "[0].points: ", "needs 1 points, not 0"),
    "half a point": (shape("points", [1]), "[0].points: ", "1 numbers are not"),
    "NaN in a polygon": (shape("polygon", [0, 0, 9, 0, 9, NAN]), "[0].points: ", "nan"),
    # Rotation, groups, confidence, outside.
    "rotation 370": (box(rotation=370), "[0].rotation: ", "370"),
    "rotation -5": (box(rotation=-5), "[0].rotation: ", "-5"),
    "rotation NaN": (box(rotation=NAN), "[0].rotation: ", "nan"),
    "rotation infinite": (box(rotation=INF), "[0].rotation: ", "inf"),
    "rotation text": (box(rotation="90"), "[0].rotation: ", "'90'"),
    "rotation true": (box(rotation=True), "[0].rotation: ", "True"),
    "rotation null": ({**box(), "rotation": None}, "[0].rotation: ", "None"),
    "turned polygon": (
        shape("polygon", [0, 0, 10, 0, 10, 10], rotation=30),
        "[0].rotation: ",
        "a polygon cannot be rotated",
    ),
    "turned mask": (mask(1, 0, 0, 0, 0, rotation=1), "[0].rotation: ", "a mask cannot be rotated"),
    "group 0": (box(group_id=0), "[0].group_id: ", "0 means no group"),
    "group -1": (box(group_id=-1), "[0].group_id: ", "-1 is not a whole number"),
    "group 1.5": (box(group_id=1.5), "[0].group_id: ", "1.5 is not a whole number"),
    "group text": (box(group_id="1"), "[0].group_id: ", "'1' is not a whole number"),
    "group true": (box(group_id=True), "[0].group_id: ", "True is not a whole number"),
    "confidence 1.5": (box(confidence=1.5), "[0].confidence: ", "1.5 is not a number from 0 to 1"),
    "confidence NaN": (box(confidence=NAN), "[0].confidence: ", "nan is not a number"),
    "outside text": (box(outside="no"), "[0].outside: ", "'no' is neither"),
    # Masks.
    "no mask": ({"label": "blob", "type": "mask"}, "[0].mask: ", "missing"),
    "RLE in points": (
        {"label": "blob", "type": "mask", "points": [0, 4, 2, 1, 3, 2]},
        "[0].mask: ",
        "missing; CVAT's server reads pixels from `mask`, not RLE",
    ),
    "RLE as mask": (mask(0, 4, 2, 1, 3, 2), "[0].mask: ", "2 pixels do not fill a box of 2x2"),
    "mask of text": (mask("1", 0, 0, 0, 0), "[0].mask: ", "'1' is not a finite number"),
    "mask as text": ({"label": "blob", "type": "mask", "mask": "1"}, "[0].mask: ", "text, not"),
    "mask of rows": (mask([1, 1], [1, 1], 0, 0, 1, 1), "[0].mask: ", "[1, 1] is not a finite"),
    "mask without pixels": (mask(0, 0, 0, 0), "[0].mask: ", "4 numbers are too few"),
    "mask without anything": (mask(), "[0].mask: ", "0 numbers are too few"),
    "exclusive box": (
        mask(1, 1, 1, 1, 0, 0, 2, 2),
        "[0].mask: ",
        "4 pixels do not fill a box of 3",
    ),
    "sheared mask": (mask(*[1] * 7, 5, 5, 7, 6), "[0].mask: ", "7 pixels do not fill a box of 3x2"),
    "width and height": (mask(*[1] * 6, 5, 5, 3, 2), "[0].mask: ", "not left, top, right, bottom"),
    "three values": (mask(0, 1, 2, 1, 0, 0, 1, 1), "[0].mask: ", "pixels are 0 or 1; [2]"),
    "255": (mask(0, 255, 255, 0, 0, 0, 1, 1), "[0].mask: ", "pixels are 0 or 1; [255]"),
    "fractions": (mask(0, 0.5, 1, 0.25, 0, 0, 1, 1), "[0].mask: ", "[0.25, 0.5]"),
    "below 0": (mask(0, -1, 1, 0, 0, 0, 1, 1), "[0].mask: ", "[-1]"),
    "NaN pixel": (mask(0, NAN, 1, 0, 0, 0, 1, 1), "[0].mask: ", "nan is not a finite number"),
    "empty mask": (mask(0, 0, 0, 0, 0, 0, 1, 1), "[0].mask: ", "is empty"),
    "mask left of the image": (
        mask(1, 1, -1, 0, 0, 0),
        "[0].mask: ",
        "[-1, 0, 0, 0] is not four whole numbers",
    ),
    "mask between pixels": (
        mask(1, 1, 0.5, 0, 1.5, 0),
        "[0].mask: ",
        "[0.5, 0, 1.5, 0] is not four whole numbers",
    ),
    "floats as a box": (mask(1, 1, 0.0, 0.0, 1.0, 0.0), "[0].mask: ", "whole numbers"),
    "booleans as a box": (mask(1, False, False, False, False), "[0].mask: ", "whole numbers"),
    "inverted mask box": (mask(1, 1, 1, 0, 0, 0), "[0].mask: ", "not left, top, right, bottom"),
    "2-point polygon beside": (
        mask(1, 1, 0, 0, 1, 0, points=[0, 0, 1, 1]),
        "[0].points: ",
        "needs 3 points, not 2",
    ),
    "null polygon beside": (mask(1, 0, 0, 0, 0, points=None), "[0].points: ", "missing"),
    # Skeletons.
    "no elements": ({"label": "person", "type": "skeleton"}, "[0].elements: ", "missing"),
    "object of elements": (
        {"label": "person", "type": "skeleton", "elements": {"head": [1, 2]}},
        "[0].elements: ",
        "not a list",
    ),
    "empty elements": (person(), "[0].elements: ", "have no point for head, hand, foot"),
    "missing elements": (person(HAND), "[0].elements: ", "have no point for head, foot"),
    "unknown element": (
        person(HEAD, HAND, FOOT, element("tail")),
        "[0].elements[3].label: ",
        "'tail' is not among the sublabels",
    ),
    "element without label": (
        person(HEAD, HAND, FOOT, element(None)),
        "[0].elements[3].label: ",
        "None is not among",
    ),
    "duplicate element": (
        person(HEAD, HAND, FOOT, HAND),
        "[0].elements[3].label: ",
        "'hand' occurs twice",
    ),
    "all outside": (
        person(*(element(name, outside=True) for name in ("head", "hand", "foot"))),
        "[0].elements: ",
        "all outside",
    ),
    "element of text": (person(HEAD, "hand", FOOT, HAND), "[0].elements[1]: ", "text, not"),
    "element of another type": (
        person(HEAD, HAND, element("foot", type="rectangle")),
        "[0].elements[2].type: ",
        "'rectangle' is not 'points'",
    ),
    "element without points": (
        person(HEAD, element("hand", points=None), FOOT),
        "[0].elements[1].points: ",
        "missing",
    ),
    "element of three numbers": (
        person(element("head", points=[1, 2, 0.9]), HAND, FOOT),
        "[0].elements[0].points: ",
        "not one x and one y",
    ),
    "element at NaN": (
        person(element("head", points=[1, NAN]), HAND, FOOT),
        "[0].elements[0].points: ",
        "nan is not a finite number",
    ),
    "element at null": (
        person(element("head", points=[1, None]), HAND, FOOT),
        "[0].elements[0].points: ",
        "None is not a finite number",
    ),
    "element outside as text": (
        person(element("head", outside="false"), HAND, FOOT),
        "[0].elements[0].outside: ",
        "neither true nor false",
    ),
    # Tags.
    "tag with points": (
        {"label": "any", "type": "tag", "points": []},
        "[0].points: ",
        "has no points",
    ),
    "tag in a group": ({"label": "any", "type": "tag", "group_id": 1}, "[0].group_id: ", "tag"),
    # Attributes.
    "attributes as an object": (box(attributes={"a": "b"}), "[0].attributes: ", "not a list"),
    "attributes null": ({**box(), "attributes": None}, "[0].attributes: ", "not a list"),
    "attribute as text": (box(attributes=["a"]), "[0].attributes[0]: ", "no name or no value"),
    "attribute without value": (box(attributes=[{"name": "a"}]), "[0].attributes[0]: ", "no value"),
    "attribute without name": (box(attributes=[{"value": "a"}]), "[0].attributes[0]: ", "no name"),
    "undeclared": (car("wheels", "4"), "[0].attributes[0].name: ", "'wheels' is not declared"),
    "of another label": (
        box(attributes=[{"name": "age", "value": "5"}]),
        "[0].attributes[0].name: ",
        "'age' is not declared",
    ),
    "name of a list": (car(["age"], "5"), "[0].attributes[0].name: ", "['age'] is not declared"),
    "number as int": (car("age", 35), "[0].attributes[0].value: ", "35 is not text"),
    "number as float": (car("age", 35.0), "[0].attributes[0].value: ", "35.0 is not text"),
    "checkbox as boolean": (car("parked", True), "[0].attributes[0].value: ", "True is not text"),
    "null value": (car("plate", None), "[0].attributes[0].value: ", "None is not text"),
    "3.0": (car("age", "3.0"), "[0].attributes[0].value: ", "'3.0' is not a non-negative integer"),
    "-1": (car("age", "-1"), "[0].attributes[0].value: ", "'-1' is not a non-negative integer"),
    "1e1": (car("age", "1e1"), "[0].attributes[0].value: ", "'1e1' is not a non-negative integer"),
    "a blank": (
        car("age", " 5"),
        "[0].attributes[0].value: ",
        "' 5' is not a non-negative integer",
    ),
    "superscript": (
        car("age", "\u00b2"),
        "[0].attributes[0].value: ",
        "is not a non-negative integer",
    ),
    "no number": (car("age", ""), "[0].attributes[0].value: ", "'' is not a non-negative integer"),
    "too much": (car("age", "105"), "[0].attributes[0].value: ", "'105' is not from 0 to 100"),
    "off the steps": (car("age", "7"), "[0].attributes[0].value: ", "in steps of 5"),
    "True": (car("parked", "True"), "[0].attributes[0].value: ", "'True' is neither"),
    "1": (car("parked", "1"), "[0].attributes[0].value: ", "'1' is neither"),
    "no choice": (
        car("color", "blue"),
        "[0].attributes[0].value: ",
        "'blue' is not one of red, dark",
    ),
    "part of a choice": (car("color", "dark"), "[0].attributes[0].value: ", "'dark' is not one of"),
    "choice in another case": (
        car("side", "Left"),
        "[0].attributes[0].value: ",
        "'Left' is not one",
    ),
    "too long a text": (car("plate", "x" * 4097), "[0].attributes[0].value: ", "4096"),
}


@pytest.mark.parametrize("item", GOOD.values(), ids=GOOD.keys())
def test_a_valid_item_has_no_fault(item: Item) -> None:
    assert judge([item], SPEC) == []


@pytest.mark.parametrize(("item", "place", "words"), BAD.values(), ids=BAD.keys())
def test_an_invalid_item_has_one_fault_with_its_place(item: Any, place: str, words: str) -> None:
    faults = judge([item], SPEC)
    found = [fault for fault in faults if fault.startswith(place)]
    assert len(found) == 1, faults
    assert words in found[0].removeprefix(place)


@pytest.mark.parametrize("case", BAD)
def test_every_fault_has_a_place(case: str) -> None:
    for fault in judge([BAD[case][0]], SPEC):
        place, _, what = fault.partition(": ")
        assert place.startswith("[0]")
        assert what.strip()


@pytest.mark.parametrize("reply", [{}, {"error": "no"}, "[]", None, 5, 2.5, True, (1, 2)], ids=repr)
def test_a_reply_that_is_not_a_list_has_one_fault(reply: object) -> None:
    (fault,) = judge(reply, SPEC)
    assert "the reply is " in fault
    assert "a list of items" in fault


def test_an_empty_reply_is_valid() -> None:
    assert judge([], SPEC) == []


def test_all_valid_items_in_one_reply_are_valid() -> None:
    assert judge(list(GOOD.values()), SPEC) == []


def test_places_count_items_from_zero() -> None:
    faults = judge([box(), box(label="boat"), box(), box(rotation=-5)], SPEC)
    assert [fault.partition(":")[0] for fault in faults] == ["[1].label", "[3].rotation"]


def test_all_faults_of_an_item_are_reported() -> None:
    item = box(rotation=-5, group_id=0, points=[1, 2, 3], attributes=[{"name": "x", "value": "y"}])
    places = {fault.partition(":")[0] for fault in judge([item], SPEC)}
    assert places == {"[0].rotation", "[0].group_id", "[0].points", "[0].attributes[0].name"}


def test_each_invalid_attribute_and_element_is_reported() -> None:
    item = car("age", "3.0")
    item["attributes"] += [{"name": "plate", "value": "x"}, {"name": "side", "value": 1}]
    places = [fault.partition(":")[0] for fault in judge([item], SPEC)]
    assert places == ["[0].attributes[0].value", "[0].attributes[2].value"]
    skeleton = person(element("head", type="tag"), HAND, element("foot", points=[]))
    places = [fault.partition(":")[0] for fault in judge([skeleton], SPEC)]
    assert places == ["[0].elements[0].type", "[0].elements[2].points"]


@pytest.mark.parametrize("seed", range(4))
def test_a_mask_must_fill_its_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = rng.integers(2, 9, 2).tolist()
    pixels = [1, *rng.integers(0, 2, width * height - 1).tolist()]
    assert judge([mask(*pixels, 3, 4, 2 + width, 3 + height)], SPEC) == []
    for right, bottom in (
        (3 + width, 4 + height),
        (3 + width, 3 + height),
        (1 + width, 3 + height),
    ):
        (fault,) = judge([mask(*pixels, 3, 4, right, bottom)], SPEC)
        assert f"{width * height} pixels do not fill" in fault


def test_an_integer_too_large_for_a_float_is_a_fault() -> None:
    reply = json.loads(
        '[{"label": "box", "type": "rectangle", "points": [1, 2, 1' + "0" * 400 + ", 4]}]"
    )
    (fault,) = judge(reply, SPEC)
    assert fault.startswith("[0].points: ")


def test_attributes_of_elements_are_checked_against_the_sublabels() -> None:
    spec = json.loads(json.dumps(SPEC))
    spec[3]["sublabels"][0]["attributes"] = [
        {"name": "covered", "input_type": "checkbox", "values": ["false"]}
    ]
    good = element("head", attributes=[{"name": "covered", "value": "true"}])
    assert judge([person(good, HAND, FOOT)], spec) == []
    bad = element("head", attributes=[{"name": "covered", "value": True}])
    (fault,) = judge([person(bad, HAND, FOOT)], spec)
    assert fault.startswith("[0].elements[0].attributes[0].value: ")
