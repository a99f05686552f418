import numpy as np
import pytest

from builder.evaluation.parity.item import item_of


def test_the_corners_of_a_rectangle_are_clockwise_from_the_top_left() -> None:
    item = item_of({"label": "cat", "type": "rectangle", "points": [1, 2, 5, 4], "confidence": 0.5})
    assert (item.label, item.form, item.confidence, item.rotated) == ("cat", "box", 0.5, False)
    assert item.points.tolist() == [[1, 2], [5, 2], [5, 4], [1, 4]]
    assert item.bounds() == (1, 2, 5, 4)


def test_a_rotated_rectangle_turns_clockwise_about_its_center() -> None:
    item = item_of({"label": "a", "type": "rectangle", "points": [0, 0, 4, 2], "rotation": 90})
    assert item.rotated
    # The top left corner moves to the top right.
    assert item.points.round(9).tolist() == [[3, -1], [3, 3], [1, 3], [1, -1]]


def test_an_ellipse_has_the_corners_of_the_rectangle_around_it() -> None:
    item = item_of({"label": "a", "type": "ellipse", "points": [5, 4, 8, 2]})
    assert item.form == "box"
    assert item.bounds() == (2, 2, 8, 6)


@pytest.mark.parametrize(
    "mask", [{"mask": [1, 0, 1, 1, 3, 5, 4, 6]}, {"points": [0, 1, 1, 2, 3, 5, 4, 6]}]
)
def test_a_mask_is_read_in_both_encodings(mask: dict[str, list[int]]) -> None:
    item = item_of({"label": "a", "type": "mask", **mask})
    assert item.region is not None
    assert item.region.bitmap.tolist() == [[True, False], [True, True]]
    assert item.bounds() == (3, 5, 5, 7)


def test_a_polygon_is_its_pixels() -> None:
    item = item_of({"label": "a", "type": "polygon", "points": [1, 1, 3, 1, 3, 4, 1, 4]})
    assert item.form == "region"
    assert item.region is not None
    assert (item.region.left, item.region.top) == (1, 1)
    assert item.region.bitmap.shape == (3, 2)


def test_the_keypoints_of_a_skeleton_are_in_the_order_of_their_names() -> None:
    elements = [
        {"label": "tail", "type": "points", "points": [3, 4], "outside": True},
        {"label": "head", "type": "points", "points": [1, 2]},
    ]
    item = item_of({"label": "a", "type": "skeleton", "elements": elements})
    assert item.points.tolist() == [[1, 2], [3, 4]]
    assert item.visible is not None
    assert item.visible.tolist() == [True, False]
    # Only visible keypoints span the bounding box.
    assert item.bounds() == (1, 2, 1, 2)


def test_tags_and_points() -> None:
    tag = item_of({"label": "night", "type": "tag", "attributes": [{"name": "a", "value": "1"}]})
    assert (tag.form, len(tag.points), tag.attributes) == ("tag", 0, {"a": "1"})
    assert tag.bounds() == (0, 0, 0, 0)
    line = item_of({"label": "a", "type": "polyline", "points": [1, 2, 3, 4]})
    assert (line.form, line.points.tolist()) == ("points", [[1, 2], [3, 4]])
    assert np.array_equal(line.bounds(), (1, 2, 3, 4))
