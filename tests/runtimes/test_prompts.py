import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import BadRequest
from runtimes.prompts import MAX_BOXES, MAX_POINTS, Prompts

NONE: dict[str, Any] = {"pos_points": [], "neg_points": [], "obj_bbox": None}


def read(**request: Any) -> Prompts:
    return Prompts.of({**NONE, **request})


def refusal(**request: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read(**request)
    return caught.value


def test_points_are_read_in_the_given_order() -> None:
    prompts = read(pos_points=[[1, 2], [3.5, -4.25]], neg_points=[[5, 6]])
    assert prompts.positive.tolist() == [[1, 2], [3.5, -4.25]]
    assert prompts.negative.tolist() == [[5, 6]]
    assert prompts.boxes.shape == (0, 4)


def test_an_empty_request_has_no_prompts() -> None:
    prompts = Prompts.of({})
    assert [len(prompts.positive), len(prompts.negative), len(prompts.boxes)] == [0, 0, 0]
    assert prompts.positive.shape == prompts.negative.shape == (0, 2)


@pytest.mark.parametrize(
    ("value", "boxes"),
    [
        (None, []),
        ([], []),
        ([[10, 20], [30, 40]], [[10, 20, 30, 40]]),
        ([[30, 20], [10, 40]], [[10, 20, 30, 40]]),
        ([[30, 40], [10, 20]], [[10, 20, 30, 40]]),
        ([10, 20, 30, 40], [[10, 20, 30, 40]]),
        ([30.5, 40, 10, 20], [[10, 20, 30.5, 40]]),
        ([[1, 2], [3, 4], [9, 8], [7, 6]], [[1, 2, 3, 4], [7, 6, 9, 8]]),
        ([1, 2, 3, 4, 9, 8, 7, 6], [[1, 2, 3, 4], [7, 6, 9, 8]]),
    ],
)
def test_a_box_may_have_several_forms(value: Any, boxes: list[list[float]]) -> None:
    assert read(obj_bbox=value).boxes.tolist() == boxes


@pytest.mark.parametrize("key", ["pos_points", "neg_points"])
@pytest.mark.parametrize(
    ("value", "where", "what"),
    [
        ("10,20", "{}", "must be a list of points"),
        ({"x": 1}, "{}", "must be a list of points"),
        (5, "{}", "must be a list of points"),
        (True, "{}", "must be a list of points"),
        ([5, 6], "{}[0]", "must be a point"),
        ([[1, 2], [3]], "{}[1]", "must be a point"),
        ([[1, 2, 3]], "{}[0]", "must be a point"),
        (["12"], "{}[0]", "must be a point"),
        ([None], "{}[0]", "must be a point"),
        ([["1", "2"]], "{}[0]", "has a coordinate that is not a number"),
        ([[1, None]], "{}[0]", "has a coordinate that is not a number"),
        ([[True, False]], "{}[0]", "has a coordinate that is not a number"),
        ([[math.nan, 1]], "{}[0]", "has a coordinate that is not a number"),
        ([[1, math.inf]], "{}[0]", "has a coordinate that is not a number"),
        ([[1, 10**400]], "{}[0]", "has a coordinate that is not a number"),
        ([[[1], 2]], "{}[0]", "has a coordinate that is not a number"),
        ([[1, 2]] * 10_000, "{}", "has too many points"),
    ],
)
def test_a_value_that_is_not_a_list_of_points_is_refused(
    key: str, value: Any, where: str, what: str
) -> None:
    error = refusal(**{key: value})
    assert (error.where, error.what) == (where.format(key), what)
    assert error.found


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("box", "must be a list of points"),
        ([1, 2, 3], "must be four numbers per box"),
        ([1, 2, 3, "4"], "has a coordinate that is not a number"),
        ([1, 2, 3, math.nan], "has a coordinate that is not a number"),
        ([[1, 2]], "must be two corners per box"),
        ([[1, 2], [3, 4], [5, 6]], "must be two corners per box"),
        ([[1, 2], [3]], "must be a point"),
        ([[0, 0], [9, 9]] * (MAX_BOXES + 1), "has too many boxes"),
        ([[0, 0], [9, 9]] * 5000, "has too many points"),
    ],
)
def test_a_value_that_is_not_a_box_is_refused(value: Any, what: str) -> None:
    error = refusal(obj_bbox=value)
    assert error.where.startswith("obj_bbox")
    assert error.what == what


def test_the_maximum_number_of_points_is_accepted() -> None:
    assert len(read(pos_points=[[1, 2]] * MAX_POINTS).positive) == MAX_POINTS


def test_a_long_value_is_truncated_in_the_message() -> None:
    assert len(refusal(pos_points="x" * 10_000).found) == 60


SIZE = (100, 200)
"""Height and width; a point may be 20 pixels outside of the image."""


def test_points_near_the_image_are_clipped_to_it() -> None:
    prompts = read(pos_points=[[-20, 50], [220, 120], [200, 100]], neg_points=[[30, -1]])
    moved = prompts.within(SIZE)
    assert moved.positive.tolist() == [[0, 50], [200, 100], [200, 100]]
    assert moved.negative.tolist() == [[30, 0]]


@pytest.mark.parametrize("point", [[-20.5, 50], [221, 50], [50, 121], [50, -21], [1e300, -1e300]])
@pytest.mark.parametrize("key", ["pos_points", "neg_points"])
def test_points_far_outside_are_refused(key: str, point: list[float]) -> None:
    prompts = read(**{key: [[10, 10], point]})
    with pytest.raises(BadRequest) as caught:
        prompts.within(SIZE)
    error = caught.value
    assert (error.where, error.what) == (f"{key}[1]", "is far outside of the image")
    assert error.allowed == "x from 0 to 200, y from 0 to 100"


def test_boxes_are_clipped_to_the_image() -> None:
    prompts = read(obj_bbox=[[-500, 20], [50, 1e9], [150, 10], [190, 40]])
    assert prompts.within(SIZE).boxes.tolist() == [[0, 20, 50, 100], [150, 10, 190, 40]]


@pytest.mark.parametrize(
    "box",
    [[210, 10, 250, 50], [10, -50, 50, 0], [10, 10, 10, 50], [10, 50, 50, 50], [-9, -9, -1, -1]],
)
def test_boxes_without_area_in_the_image_are_refused(box: list[float]) -> None:
    prompts = read(obj_bbox=[0, 0, 5, 5, *box])
    with pytest.raises(BadRequest, match="the box has no area inside the image") as caught:
        prompts.within(SIZE)
    assert caught.value.found == "[" + ", ".join(f"{number}" for number in box) + "]"


def test_points_and_one_box_are_one_object() -> None:
    prompts = read(pos_points=[[1, 2]], neg_points=[[90, 90]], obj_bbox=[10, 20, 30, 40])
    assert list(prompts.objects()) == [prompts]


def test_without_a_box_there_is_one_object() -> None:
    prompts = read(pos_points=[[1, 2], [3, 4]])
    assert list(prompts.objects()) == [prompts]


def test_each_of_several_boxes_gets_the_nearest_points() -> None:
    prompts = read(
        obj_bbox=[0, 0, 10, 10, 8, 0, 20, 10],
        pos_points=[[5, 5], [9, 5], [19, 5], [40, 5], [4, 90]],
        neg_points=[[-3, 0]],
    )
    first, second = prompts.objects()
    assert first.boxes.tolist() == [[0, 0, 10, 10]]
    assert second.boxes.tolist() == [[8, 0, 20, 10]]
    # 9, 5 lies in both; 40, 5 is beside the second, 4, 90 below the first.
    assert first.positive.tolist() == [[5, 5], [9, 5], [4, 90]]
    assert second.positive.tolist() == [[9, 5], [19, 5], [40, 5]]
    assert first.negative.tolist() == [[-3, 0]]
    assert second.negative.tolist() == []


places = st.tuples(st.integers(-10, 60), st.integers(-10, 60))
boxes = st.tuples(places, st.integers(1, 30), st.integers(1, 30)).map(
    lambda it: [*it[0], it[0][0] + it[1], it[0][1] + it[2]]
)


@given(st.lists(places, max_size=8), st.lists(boxes, min_size=2, max_size=4))
def test_each_point_belongs_to_a_box(points: list[tuple[int, int]], corners: list[Any]) -> None:
    prompts = read(pos_points=points, obj_bbox=np.concatenate(corners).tolist())
    given_ = [tuple(point) for it in prompts.objects() for point in it.positive.tolist()]
    assert set(given_) == {(float(x), float(y)) for x, y in points}
