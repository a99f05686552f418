import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.geometry import Geometry

scales = st.floats(0.01, 100)
shifts = st.floats(-5000, 5000)
coordinates = st.floats(-20000, 20000)
geometries = st.builds(Geometry, scales, scales, shifts, shifts)
points = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=5)


def test_default_leaves_points_alone() -> None:
    assert Geometry().points(np.array([[3.0, 4.5]])).tolist() == [[3.0, 4.5]]


def test_points_are_scaled_then_shifted_per_axis() -> None:
    mapped = Geometry(2, 3, 10, -1).points(np.array([[1, 1], [5, 7]]))
    assert mapped.tolist() == [[12, 2], [20, 20]]


def test_then_scales_the_shift_that_was_there() -> None:
    # x -> 2x + 10 -> (2x + 10) * 0.5 + 3 = x + 8; y -> 3y - 1 -> (3y - 1) * 4 + 5 = 12y + 1
    assert Geometry(2, 3, 10, -1).then(0.5, 4, 3, 5) == Geometry(1, 12, 8, 1)


def test_inverse_by_hand() -> None:
    # y = 4x + 2, so x = y / 4 - 0.5
    assert Geometry(4, 2, 2, -3).inverse == Geometry(0.25, 0.5, -0.5, 1.5)


@given(geometries, points)
def test_inverse_restores_points(geometry: Geometry, xy: list[tuple[float, float]]) -> None:
    there = geometry.points(np.array(xy))
    back = geometry.inverse.points(there)
    # Rounding errors grow with the coordinates on the way and with the scale of the way back.
    slack = 1e-12 * (np.abs(there).max() + 5000) / min(geometry.scale_x, geometry.scale_y)
    np.testing.assert_allclose(back, xy, rtol=1e-9, atol=slack)


@given(geometries, scales, scales, shifts, shifts, points)
def test_then_is_one_map_after_the_other(
    first: Geometry,
    scale_x: float,
    scale_y: float,
    shift_x: float,
    shift_y: float,
    xy: list[tuple[float, float]],
) -> None:
    both = first.then(scale_x, scale_y, shift_x, shift_y).points(np.array(xy))
    for (x, y), found in zip(xy, both, strict=True):
        between_x = first.scale_x * x + first.shift_x
        between_y = first.scale_y * y + first.shift_y
        assert found[0] == pytest.approx(between_x * scale_x + shift_x, rel=1e-9, abs=1e-4)
        assert found[1] == pytest.approx(between_y * scale_y + shift_y, rel=1e-9, abs=1e-4)


def test_boxes_map_both_corners() -> None:
    boxes = np.array([[0, 0, 10, 20], [1, 2, 3, 4]])
    mapped = Geometry(2, 0.5, 1, -1).boxes(boxes)
    assert mapped.tolist() == [[1, -1, 21, 9], [3, 0, 7, 1]]


def test_no_boxes_map_to_no_boxes() -> None:
    assert Geometry(2, 2, 1, 1).boxes(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("shape", [(2,), (4, 2), (3, 5, 2)])
def test_points_keep_their_shape_and_become_float64(shape: tuple[int, ...]) -> None:
    mapped = Geometry(2, 2, 1, 1).points(np.ones(shape, np.float32))
    assert mapped.shape == shape
    assert mapped.dtype == np.float64
    assert (mapped == 3).all()
