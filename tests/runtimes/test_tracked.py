from typing import Any

import numpy as np
import pytest

from runtimes import rle
from runtimes.errors import BadRequest
from runtimes.tracked import Tracked

TYPES = ("rectangle", "polygon", "mask")
SIZE = (100, 200)


def shape(value: object, allowed: tuple[str, ...] = TYPES) -> Tracked:
    return Tracked.of(value, "shapes[1]", allowed)


def box(*numbers: float) -> Any:
    return np.array(numbers, np.float64)


def test_a_bare_list_is_a_rectangle_and_answered_by_a_list() -> None:
    drawn = shape([10, 20, 30, 60])
    assert drawn.as_sent() == [10, 20, 30, 60]
    assert drawn.at(box(11, 22, 33, 44.5), SIZE) == [11, 22, 33, 44.5]


def test_an_object_is_answered_by_an_object() -> None:
    drawn = shape({"type": "rectangle", "points": [10, 20, 30, 60]})
    assert drawn.at(box(11, 22, 33, 44), SIZE) == {"type": "rectangle", "points": [11, 22, 33, 44]}


def test_a_rectangle_may_be_drawn_from_any_corner() -> None:
    assert shape([30, 60, 10, 20]).as_sent() == [10, 20, 30, 60]


def test_shapes_are_clipped_to_the_image() -> None:
    drawn = shape([10, 20, 30, 60])
    assert drawn.at(box(-10, -20, 30, 60), SIZE) == [0, 0, 30, 60]
    assert drawn.at(box(190, 90, 230, 160), SIZE) == [190, 90, 200, 100]
    assert drawn.at(box(210, 20, 250, 60), SIZE) is None


def test_a_polygon_moves_and_grows_with_its_box() -> None:
    # Its box is 10 20 50 40; the new one is twice as wide, half as high.
    drawn = shape({"type": "polygon", "points": [10, 20, 50, 20, 30, 40]})
    moved = drawn.at(box(100, 50, 180, 60), SIZE)
    assert moved == {"type": "polygon", "points": [100, 50, 180, 50, 140, 60]}


def test_a_mask_moves_and_grows_with_its_box() -> None:
    bitmap = np.kron([[1, 0], [1, 1]], np.ones((10, 10))).astype(np.uint8)
    drawn = shape({"type": "mask", "points": rle.encode(bitmap, 10, 20)})
    assert drawn.box.tolist() == [10, 20, 30, 40]
    moved: Any = drawn.at(box(14, 25, 34, 45), SIZE)
    assert moved == {"type": "mask", "points": rle.encode(bitmap, 14, 25)}
    grown: Any = drawn.at(box(40, 30, 80, 70), SIZE)
    found, left, top = rle.decode(grown["points"])
    assert (left, top, found.shape) == (40, 30, (40, 40))
    wanted = np.kron(bitmap, np.ones((2, 2)))
    assert np.count_nonzero(found != wanted) <= 8  # at corners


def test_a_mask_is_clipped_to_the_image_and_none_outside_of_it() -> None:
    drawn = shape({"type": "mask", "points": rle.encode(np.ones((10, 10), np.uint8), 0, 0)})
    moved: Any = drawn.at(box(195, 95, 205, 105), SIZE)
    assert moved["points"] == [0, 25, 195, 95, 199, 99]
    assert drawn.at(box(300, 95, 310, 105), SIZE) is None


def test_a_mask_is_cropped_to_its_pixels() -> None:
    bitmap = np.zeros((6, 8), np.uint8)
    bitmap[2:4, 3:7] = 1
    drawn = shape({"type": "mask", "points": rle.encode(bitmap, 10, 20)})
    assert drawn.box.tolist() == [13, 22, 17, 24]


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "rectangle",
        {},
        {"type": "rectangle"},
        {"type": "rectangle", "points": None},
        {"type": "rectangle", "points": "10,20,30,40"},
        {"type": "rectangle", "points": [[10, 20], [30, 40]]},
        {"type": ["rectangle"], "points": [10, 20, 30, 40]},
        {"type": "ellipse", "points": [10, 20, 30, 10]},
        {"type": "polygon", "points": [10, 20, 30, 40]},
        {"type": "polygon", "points": [10, 20, 30, 40, 50, 60, 70]},
        {"type": "polygon", "points": [10, 20, 30, 20, 50, 20]},
        {"type": "mask", "points": [4, 10, 10, 11, 11]},
        {"type": "mask", "points": [0, 3, 10, 10, 11, 11]},
        {"type": "mask", "points": [0, 4.5, 10, 10, 11, 11]},
        {"type": "mask", "points": [5, -1, 10, 10, 11, 11]},
        {"type": "mask", "points": [0, 10**12, 0, 0, 10**6 - 1, 10**6 - 1]},
        {"type": "mask", "points": [0, 4, 11, 11, 10, 10]},
        {"type": "mask", "points": []},
        [],
        [10, 20, 30],
        [10, 20, 30, 40, 50, 60],
        [10, 20, 10, 40],
        [10, 20, 10.5, 40],
        [10, 20, "30", 40],
        [10, 20, None, 40],
        [10, 20, True, 40],
        [10, 20, float("nan"), 40],
        [10, 20, float("inf"), 40],
        [10, 20, 1e9, 40],
        [10, 20, 10**400, 40],
    ],
)
def test_invalid_shapes_are_refused(value: object) -> None:
    with pytest.raises(BadRequest) as caught:
        shape(value)
    assert caught.value.where == "shapes[1]"


def test_types_that_are_not_declared_are_refused() -> None:
    with pytest.raises(BadRequest) as caught:
        shape({"type": "polygon", "points": [10, 20, 50, 20, 30, 40]}, ("rectangle",))
    assert caught.value.allowed == "rectangle"
    with pytest.raises(BadRequest):
        shape([10, 20, 30, 40], ("polygon",))


def test_a_shape_that_is_too_small_is_named_by_its_size() -> None:
    with pytest.raises(BadRequest) as caught:
        shape([10, 20, 10.5, 40])
    assert caught.value.found == "0.5 x 20 pixels"
    with pytest.raises(BadRequest) as caught:
        shape([10, 20, 40, 20.25])
    assert caught.value.found == "30 x 0.25 pixels"


@pytest.mark.parametrize("far", [-1e7, -1_000_001, 1_000_001, 1e7])
@pytest.mark.parametrize("place", range(4))
def test_coordinates_beyond_any_image_are_refused(far: float, place: int) -> None:
    points = [10.0, 20.0, 30.0, 40.0]
    points[place] = far
    with pytest.raises(BadRequest) as caught:
        shape(points)
    assert caught.value.found == f"{far:g}"
    limit = [10.0, 20.0, 30.0, 40.0]
    limit[place] = 1_000_000 if far > 0 else -1_000_000
    assert shape(limit).box.tolist() == [
        min(limit[0], limit[2]),
        min(limit[1], limit[3]),
        max(limit[0], limit[2]),
        max(limit[1], limit[3]),
    ]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (7, 1), (5, 3)])
def test_a_mask_may_be_a_single_row_or_column(height: int, width: int) -> None:
    points = rle.encode(np.ones((height, width), np.uint8), 10, 20)
    drawn = shape({"type": "mask", "points": points})
    assert drawn.box.tolist() == [10, 20, 10 + width, 20 + height]
    assert drawn.as_sent() == {"type": "mask", "points": points}


@pytest.mark.parametrize(
    "box_of_mask",
    [
        (10, 20, 9, 30),
        (10, 20, 30, 19),
        # More than 2**26 pixels.
        (0, 0, 2**16 - 1, 2**10),
        (0, 0, 2**16, 2**10 - 1),
        (7, 5, 2**16 + 7, 2**10 + 4),
    ],
)
def test_a_mask_in_an_empty_or_huge_box_is_refused(box_of_mask: tuple[int, ...]) -> None:
    with pytest.raises(BadRequest, match="empty or too large box"):
        shape({"type": "mask", "points": [0, 1, *box_of_mask]})


def test_a_run_may_be_longer_than_the_largest_coordinate() -> None:
    points = [0, 1200 * 1000, 0, 0, 1199, 999]
    assert shape({"type": "mask", "points": points}).as_sent() == {"type": "mask", "points": points}


@pytest.mark.slow
def test_a_mask_may_have_2_to_the_26_pixels() -> None:
    points = [0, 2**26, 0, 0, 2**16 - 1, 2**10 - 1]
    assert shape({"type": "mask", "points": points}).box.tolist() == [0, 0, 2**16, 2**10]


def test_a_mask_may_lie_anywhere_in_a_large_image() -> None:
    points = rle.encode(np.ones((5, 7), np.uint8), 20_000, 30_000)
    drawn = shape({"type": "mask", "points": points})
    assert drawn.box.tolist() == [20_000, 30_000, 20_007, 30_005]


def test_the_first_of_several_far_coordinates_is_named() -> None:
    with pytest.raises(BadRequest) as caught:
        shape([10, 2e6, 30, 3e6])
    assert caught.value.found == "2e+06"


def test_moved_points_are_rounded_to_hundredths() -> None:
    drawn = shape([10, 20, 30, 60])
    assert drawn.at(box(11.0049, 22.006, 33.333, 44.996), SIZE) == [11.0, 22.01, 33.33, 45.0]


@pytest.mark.parametrize("place", [(200, 20, 220, 40), (-20, 20, 0, 40), (20, 100, 40, 120)])
def test_a_mask_that_touches_the_border_from_outside_is_outside(place: tuple[int, ...]) -> None:
    drawn = shape({"type": "mask", "points": rle.encode(np.ones((20, 20), np.uint8), 10, 20)})
    assert drawn.at(box(*place), SIZE) is None
