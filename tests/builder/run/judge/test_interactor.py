from typing import Any

import pytest

from builder.run.judge.interactor import judge

SIZE = (4, 6)
"""Height and width."""


def shape(**changes: Any) -> dict[str, Any]:
    """A mask of three pixels in a row, starting at x 2, y 1."""
    whole = {
        "type": "mask",
        "points": [0, 3, 2, 1, 4, 1],
        "attributes": [{"spec_id": 0, "value": "0.97"}],
    }
    return {key: value for key, value in {**whole, **changes}.items() if value is not None}


def rows(value: object = 0) -> list[list[Any]]:
    return [[value] * SIZE[1] for _ in range(SIZE[0])]


@pytest.mark.parametrize(
    "reply",
    [
        {"shapes": []},
        {"shapes": [shape()]},
        {"shapes": [shape(), shape(points=[1, 2, 2, 1, 1, 1, 3, 2])]},
        {"shapes": [shape(attributes=None)]},
        {"shapes": [shape(attributes=[{"spec_id": 7, "value": "anything"}])]},
        {"mask": rows()},
        {"mask": rows(1), "points": [[0, 0], [6, 0], [6.0, 4.5]]},
        {"mask": [[0, 1, 0, 1, 0, 1], *rows(1)[1:]], "points": []},
    ],
)
def test_both_forms_are_accepted(reply: object) -> None:
    assert judge(reply, SIZE) == []


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ([shape()], "the reply is a list, not an object with `shapes` or `mask`"),
        (None, "the reply is null, not an object"),
        ({}, "shapes: is missing"),
        ({"shapes": {"0": shape()}}, "shapes: is an object, not a list"),
        ({"shapes": [], "mask": rows()}, "the reply has both `mask` and `shapes`"),
        ({"shapes": ["mask"]}, "shapes[0]: is text, not an object"),
        ({"shapes": [shape(), shape(type="polygon")]}, "shapes[1].type: is 'polygon'"),
        ({"shapes": [shape(points=None)]}, "shapes[0].points: is not a list of whole numbers"),
        ({"shapes": [shape(points=[0, 3.0, 2, 1, 4, 1])]}, "is not a list of whole numbers"),
        ({"shapes": [shape(points=[3, 2, 1, 4, 1])]}, "an empty mask, which CVAT rejects"),
        ({"shapes": [shape(points=[0, 3, 4, 1, 6, 1])]}, "is not inside an image of 6x4"),
        ({"shapes": [shape(points=[0, 3, -1, 1, 1, 1])]}, "is not inside an image of 6x4"),
        ({"shapes": [shape(points=[0, 2, 2, 1, 4, 1])]}, "runs of 2 pixels do not fill"),
        ({"shapes": [shape(attributes={})]}, "shapes[0].attributes: is an object, not a list"),
        ({"shapes": [shape(attributes=["x"])]}, ".attributes[0]: is text, not an object"),
        (
            {"shapes": [shape(attributes=[{"spec_id": "0", "value": "1"}])]},
            ".attributes[0].spec_id: '0' is not a whole number",
        ),
        (
            {"shapes": [shape(attributes=[{"spec_id": 0, "value": 0.97}])]},
            ".attributes[0].value: is a number, not text",
        ),
        (
            {"shapes": [shape(attributes=[{"spec_id": 0, "value": "high"}])]},
            ".attributes[0].value: 'high' is not a score from 0 to 1",
        ),
        (
            {"shapes": [shape(attributes=[{"spec_id": 0, "value": "1.5"}])]},
            ".attributes[0].value: '1.5' is not a score from 0 to 1",
        ),
        ({"mask": "0101"}, "mask: is text, not a list of rows"),
        ({"mask": [0, 1]}, "mask: is a list, not a list of rows"),
        ({"mask": rows()[1:]}, "mask: is 3 rows of 6 pixels; the image has 4 of 6"),
        ({"mask": [[0], *rows()[1:]]}, "mask: is 4 rows of 1 or 6 pixels"),
        ({"mask": []}, "mask: is 0 rows of "),
        ({"mask": rows(255)}, "mask: has pixels that are neither 0 nor 1"),
        ({"mask": rows(0.5)}, "mask: has pixels that are neither 0 nor 1"),
        ({"mask": rows(True)}, "mask: has pixels that are neither 0 nor 1"),
        ({"mask": rows([1])}, "mask: has pixels that are neither 0 nor 1"),
        ({"mask": rows(), "points": [1, 2]}, "points: is not a list of [x, y]"),
        ({"mask": rows(), "points": [["1", 2]]}, "points: is not a list of [x, y]"),
    ],
)
def test_an_invalid_reply_has_one_fault(reply: object, fault: str) -> None:
    (found,) = judge(reply, SIZE)
    assert fault in found
