import pytest

from builder.evaluation.parity.item import Item, item_of
from builder.evaluation.parity.measures import MEASURES, difference, limits_of
from tests.builder.conftest import failure
from tests.builder.evaluation.parity.test_pairing import box


def skeleton(*points: tuple[float, float, bool]) -> Item:
    """A skeleton of points: x, y, outside."""
    elements = [
        {"label": f"{place}", "type": "points", "points": [x, y], "outside": outside}
        for place, (x, y, outside) in enumerate(points)
    ]
    return item_of({"label": "a", "type": "skeleton", "elements": elements, "confidence": 0.5})


def test_boxes_differ_by_the_largest_difference_of_a_coordinate() -> None:
    found = difference(box(0, 0, 10, 10, score=0.9), box(0.25, 0, 10, 9, score=0.75))
    assert found.values == {"score": pytest.approx(0.15), "box": 1.0}
    assert found.counts == {"attributes": 0}


def test_a_rotated_box_that_starts_at_another_corner_is_the_same() -> None:
    # 4 wide and 2 high, and 2 wide and 4 high about the same center, a quarter turn further.
    found = difference(box(0, 0, 4, 2, rotation=30), box(1, -1, 3, 3, rotation=300))
    assert found.values["box"] == pytest.approx(0, abs=1e-9)
    assert found.values["rotated"] == pytest.approx(1, abs=1e-5)


def test_masks_and_polygons_have_measures_of_their_own() -> None:
    mask = item_of({"label": "a", "type": "mask", "mask": [1, 1, 0, 0, 1, 0]})
    half = item_of({"label": "a", "type": "mask", "mask": [1, 0, 0, 0, 0]})
    polygon = item_of({"label": "a", "type": "polygon", "points": [0, 0, 2, 0, 2, 1, 0, 1]})
    assert difference(mask, half).values == {"mask": 0.5}
    assert difference(mask, polygon).values == {"polygon": 1.0}


def test_keypoints_are_compared_where_both_sides_see_them() -> None:
    one = skeleton((0, 0, False), (5, 5, False), (9, 9, True))
    other = skeleton((3, 4, False), (50, 50, True), (90, 90, True))
    found = difference(one, other)
    assert found.values["keypoint"] == 5
    assert found.counts == {"visibility": 1, "attributes": 0}
    assert "keypoint" not in difference(skeleton((0, 0, True)), skeleton((0, 0, False))).values


def test_points_of_unequal_number_differ_by_the_hausdorff_distance() -> None:
    def line(*points: float) -> Item:
        return item_of({"label": "a", "type": "polyline", "points": points})

    assert difference(line(0, 0, 10, 0), line(0, 0, 10, 2)).values == {"points": 2}
    # The point (5, 4) is nearest to (10, 0), or to (0, 0): the square root of 41.
    assert difference(line(0, 0, 10, 0), line(0, 0, 5, 4, 10, 0)).values == {
        "points": pytest.approx(41**0.5)
    }


def test_attributes_that_differ_are_counted() -> None:
    def tag(**values: str) -> Item:
        attributes = [{"name": name, "value": value} for name, value in values.items()]
        return item_of({"label": "a", "type": "tag", "attributes": attributes})

    one = tag(color="red", age="31.2", size="big")
    # 31.2 and 31.4 are less than a percent apart.
    assert difference(one, tag(color="blue", age="31.4")).counts == {"attributes": 2}
    assert difference(one, tag(color="red", age="32", size="big")).counts == {"attributes": 1}
    unknown = Item("a", "tag", "tag")
    assert difference(one, unknown).counts == {"attributes": 0}


def test_a_tolerance_changes_all_limits_of_its_name() -> None:
    limits = limits_of(["px=2", "iou=0.9", "unmatched=3"])
    assert limits.measures["box"].limit == limits.measures["keypoint"].limit == 2
    assert limits.measures["mask"].limit == limits.measures["polygon"].limit == 0.9
    assert limits.measures["score"] == MEASURES["score"]
    assert limits.counts == {"unmatched": 3, "visibility": 0, "attributes": 0}
    assert limits_of([]).measures == MEASURES


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("px", "needs a name and a number"),
        ("scor=0.1", "did you mean 'score'?"),
        ("px=wide", "for example px=0.5"),
        ("px=-1", "needs a name and a number"),
        ("px=nan", "needs a name and a number"),
        ("iou=98", "0 to 1"),
        ("unmatched=0.5", "a whole number"),
    ],
)
def test_an_invalid_tolerance_is_refused(option: str, expected: str) -> None:
    error = failure(lambda: limits_of([option]))
    assert error.status == 2
    assert expected in str(error)
