from typing import Any

import pytest

from builder.run.judge.tracker import judge

TYPES = ("rectangle", "polygon", "mask")

RECTANGLE = {"type": "rectangle", "points": [1, 2, 3.5, 4]}
POLYGON = {"type": "polygon", "points": [1, 2, 3, 2, 3, 4.5]}
MASK = {"type": "mask", "points": [1, 3, 5, 6, 6, 7]}
"""2x2 pixels; all except the first are set."""


def reply(*shapes: object, states: Any = None) -> dict[str, Any]:
    """A reply with one state per shape."""
    return {"shapes": list(shapes), "states": ["s"] * len(shapes) if states is None else states}


def declared(shape: object) -> list[str]:
    """Faults of a shape for a server that reads declared types."""
    tracked = shape.get("type") if isinstance(shape, dict) else None
    return judge(reply(shape), [tracked if tracked in TYPES else "rectangle"])


def bare(shape: object) -> list[str]:
    """Faults of a shape for a server that reads bare lists."""
    return judge(reply(shape), ["rectangle"], declared=False)


@pytest.mark.parametrize("shape", [RECTANGLE, POLYGON, MASK])
def test_a_declared_shape_is_accepted(shape: object) -> None:
    assert declared(shape) == []


@pytest.mark.parametrize("shape_type", ["polygon", "mask"])
def test_null_stands_for_a_lost_polygon_or_mask(shape_type: str) -> None:
    assert judge(reply(None), [shape_type]) == []


@pytest.mark.parametrize("shape", [[1, 2, 3, 4], [-1.5, 2, 3, 4]])
def test_a_bare_list_is_accepted_without_declared_types(shape: object) -> None:
    assert bare(shape) == []


def test_an_empty_reply_to_a_request_without_objects_is_accepted() -> None:
    assert judge(reply(), []) == []


def test_a_state_can_be_any_json_value() -> None:
    states = [{"version": 1}, "text", [1], 5, False]
    assert judge(reply(*[RECTANGLE] * 5, states=states), ["rectangle"] * 5) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ([], "the reply is a list, not an object with shapes and states"),
        (None, "the reply is null, not an object"),
        ({"states": ["s"]}, ".shapes: is missing"),
        ({"shapes": [None]}, ".states: is missing"),
        ({"shapes": {}, "states": ["s"]}, ".shapes: is not a list"),
        ({"shapes": [None], "states": "s"}, ".states: is not a list"),
        ({"shapes": [None, None], "states": ["s"]}, ".shapes: has 2 entries for 1 objects"),
        ({"shapes": [None], "states": []}, ".states: has 0 entries for 1 objects"),
        ({"shapes": [None], "states": [None]}, ".states[0]: is null"),
    ],
)
def test_both_lists_need_one_entry_per_object(body: object, fault: str) -> None:
    (found,) = judge(body, ["polygon"])
    assert fault in found


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        ([1, 2, 3, 4], ".shapes[0]: is a list, not an object with type and points"),
        ("rectangle", ".shapes[0]: is text, not an object with type and points"),
        (
            {"type": "tag", "points": []},
            ".shapes[0].type: 'tag' is not rectangle, the type of the object",
        ),
        ({"points": [1, 2, 3, 4]}, ".shapes[0].type: None is not rectangle"),
        ({"type": "rectangle"}, ".shapes[0].points: is missing"),
        ({"type": "rectangle", "points": "1234"}, ".shapes[0].points: is text, not a list"),
        ({"type": "rectangle", "points": [1, 2, 3, "4"]}, "'4' is not a finite number"),
        ({"type": "rectangle", "points": [1, 2, 3, float("nan")]}, "nan is not a finite number"),
        ({"type": "rectangle", "points": [1, 2, 3]}, "a rectangle has 4 numbers, not 3"),
        ({"type": "rectangle", "points": [3, 2, 1, 4]}, "are not left, top, right, bottom"),
        ({"type": "rectangle", "points": [1, 4, 3, 4]}, "are not left, top, right, bottom"),
        ({"type": "polygon", "points": [1, 2, 3, 4]}, "4 numbers are not three or more pairs"),
        ({"type": "polygon", "points": [1, 2, 3, 4, 5, 6, 7]}, "7 numbers are not three or more"),
        ({"type": "mask", "points": [1, 3, 5, 6, 6, 7.5]}, "must be whole numbers from 0"),
        ({"type": "mask", "points": [1, 3, -5, 6, -4, 7]}, "must be whole numbers from 0"),
        ({"type": "mask", "points": [4, 5, 6, 6, 7]}, "is an empty mask"),
        ({"type": "mask", "points": []}, "is an empty mask"),
        ({"type": "mask", "points": [1, 4, 5, 6, 6, 7]}, "runs of 5 pixels do not fill the box"),
    ],
)
def test_an_invalid_shape_has_one_fault(shape: object, fault: str) -> None:
    (found,) = declared(shape)
    assert fault in found


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        (RECTANGLE, ".shapes[0]: is an object, not a list"),
        ([1, 2, 3], ".shapes[0]: a rectangle has 4 numbers, not 3"),
        ([3, 2, 1, 4], ".shapes[0]: [3, 2, 1, 4] are not left, top, right, bottom"),
        ([1, 2, None, 4], ".shapes[0]: None is not a finite number"),
    ],
)
def test_a_bare_list_must_be_a_rectangle(shape: object, fault: str) -> None:
    (found,) = bare(shape)
    assert fault in found


def test_an_undeclared_type_is_a_fault() -> None:
    (found,) = judge(reply(POLYGON), ["rectangle"])
    assert found == ".shapes[0].type: 'polygon' is not rectangle, the type of the object"


@pytest.mark.parametrize("form", [True, False])
def test_null_is_a_fault_for_a_rectangle_of_every_version(form: bool) -> None:
    assert judge(reply(None, MASK), ["rectangle", "mask"], declared=form)[0] == (
        ".shapes[0]: is null, which CVAT's page cannot read; a lost rectangle must keep its last "
        "box"
    )


def test_all_faults_are_reported() -> None:
    body = reply(POLYGON, {"type": "tag"}, RECTANGLE, states=["s", None, None])
    assert [it.partition(":")[0] for it in judge(body, ["polygon", "rectangle", "rectangle"])] == [
        ".shapes[1].type",
        ".states[1]",
        ".states[2]",
    ]
