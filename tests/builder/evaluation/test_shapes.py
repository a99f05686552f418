import numpy as np
import pytest

from builder.datasets.annotation import Ellipse, Keypoints, Mask, Polygons, Rectangle, Tag
from builder.evaluation.shapes import bitmap_of, bounds_of, rings_of


def test_bounds_of_each_shape() -> None:
    bitmap = np.zeros((6, 8), bool)
    bitmap[2:4, 3:7] = True
    points = np.array([[5.0, 6.0], [1.0, 2.0], [99.0, 99.0]])
    seen = np.array([2, 1, 0])
    assert bounds_of(Rectangle(1, 2, 3, 4)) == (1, 2, 3, 4)
    assert bounds_of(Rectangle(0, 4, 10, 6, 90)) == pytest.approx((4, 0, 6, 10))
    assert bounds_of(Polygons(((1, 2, 5, 2, 3, 9), (7, 0, 8, 0, 8, 1)))) == (1, 0, 8, 9)
    assert bounds_of(Ellipse(10, 10, 4, 2, 90)) == pytest.approx((8, 6, 12, 14), abs=0.02)
    assert bounds_of(Mask(bitmap, 10, 20)) == (13, 22, 17, 24)
    assert bounds_of(Keypoints(("a", "b", "c"), points, seen)) == (1, 2, 5, 6)
    assert bounds_of(Keypoints((), points, seen, (0, 0, 9, 9))) == (0, 0, 9, 9)


def test_shapes_that_cover_nothing_have_no_bounds() -> None:
    assert bounds_of(Tag()) is None
    assert bounds_of(Mask(np.zeros((2, 2), bool), 0, 0)) is None
    assert bounds_of(Keypoints((), np.zeros((2, 2)), np.zeros(2))) is None


def test_rotation_is_clockwise_on_the_screen() -> None:
    (ring,) = rings_of(Rectangle(0, 4, 10, 6, 90))
    # The top left corner moves to the top right: y points down.
    assert ring[0].tolist() == pytest.approx([6, 0])


def test_bitmap_of_a_reply() -> None:
    bitmap, left, top = bitmap_of({"mask": [1, 0, 0, 1, 1, 1, 5, 7, 7, 8]})
    assert (bitmap.tolist(), left, top) == ([[1, 0, 0], [1, 1, 1]], 5, 7)
