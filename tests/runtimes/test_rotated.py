from math import atan2, cos, exp, log, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.rotated import bounds, corners, enclosing, from_corners, probiou

Box = tuple[float, float, float, float, float]

centers = st.floats(-500, 2000)
sides = st.floats(1, 800)
boxes = st.tuples(centers, centers, sides, sides, st.floats(-2 * pi, 2 * pi))
small = st.tuples(
    st.floats(0, 40), st.floats(0, 40), st.floats(4, 40), st.floats(4, 40), st.floats(-pi, pi)
)


def table(*rows: Box) -> Array:
    return np.array(rows, np.float64).reshape(-1, 5)


def ring_of(x: float, y: float, width: float, height: float, angle: float) -> list[list[float]]:
    """The corners of an axis-aligned box at the origin, rotated by a matrix and moved."""
    matrix = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    upright = [(width, height), (width, -height), (-width, -height), (-width, height)]
    return [(matrix @ np.array(corner) / 2 + [x, y]).tolist() for corner in upright]


def overlap(one: Box, other: Box) -> float:
    """ProbIoU of two boxes, as the paper has it: one minus the Hellinger distance.

    The Bhattacharyya distance of two normal distributions is (d' S^-1 d) / 8 + ln(det S /
    sqrt(det A det B)) / 2, where A and B are their covariances and S is the mean of both.
    """
    covariances = []
    for _, _, width, height, angle in (one, other):
        turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
        covariances.append(turn @ np.diag([width**2 / 12, height**2 / 12]) @ turn.T)
    mean = (covariances[0] + covariances[1]) / 2
    gap = np.array([one[0] - other[0], one[1] - other[1]])
    mahalanobis = float(gap @ np.linalg.inv(mean) @ gap)
    determinants = [float(np.linalg.det(matrix)) for matrix in (mean, *covariances)]
    distance = mahalanobis / 8 + log(determinants[0] / sqrt(determinants[1] * determinants[2])) / 2
    return 1 - sqrt(max(0.0, 1 - exp(-distance)))


@pytest.mark.parametrize(
    ("box", "ring"),
    [
        ((10, 20, 6, 4, 0), [[13, 22], [13, 18], [7, 18], [7, 22]]),
        ((10, 20, 6, 4, pi / 2), [[8, 23], [12, 23], [12, 17], [8, 17]]),
        ((10, 20, 6, 4, pi), [[7, 18], [7, 22], [13, 22], [13, 18]]),
        ((0, 0, 2 * sqrt(2), 2 * sqrt(2), pi / 4), [[0, 2], [2, 0], [0, -2], [-2, 0]]),
        # A width of 10 along (4, 3) / 5 and a height of 5 along (-3, 4) / 5.
        ((0, 0, 10, 5, atan2(3, 4)), [[2.5, 5], [5.5, 1], [-2.5, -5], [-5.5, -1]]),
    ],
    ids=["upright", "a quarter turn", "half a turn", "an eighth of a turn", "3-4-5"],
)
def test_corners_by_hand(box: Box, ring: list[list[float]]) -> None:
    np.testing.assert_allclose(corners(table(box)), [ring], atol=1e-9)


@given(st.lists(boxes, max_size=5))
def test_corners_are_those_of_a_rotated_rectangle(rows: list[Box]) -> None:
    wanted = np.array([ring_of(*row) for row in rows]).reshape(-1, 4, 2)
    np.testing.assert_allclose(corners(table(*rows)), wanted, atol=1e-6)


@given(boxes)
def test_corners_go_around_the_box(box: Box) -> None:
    ring = corners(table(box))[0]
    lengths = np.hypot(*(ring - np.roll(ring, -1, axis=0)).T)
    np.testing.assert_allclose(lengths, [box[3], box[2], box[3], box[2]], rtol=1e-6)


@given(st.lists(boxes, min_size=1, max_size=5))
def test_from_corners_is_the_inverse_of_corners(rows: list[Box]) -> None:
    found = from_corners(corners(table(*rows)))
    wanted = table(*rows)
    np.testing.assert_allclose(found[:, :4], wanted[:, :4], rtol=1e-6, atol=1e-6)
    turns = (found[:, 4] - wanted[:, 4]) / (2 * pi)
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-6)


def test_from_corners_by_hand() -> None:
    ring = np.array([[[2.5, 5], [5.5, 1], [-2.5, -5], [-5.5, -1]]])
    np.testing.assert_allclose(from_corners(ring), [[0, 0, 10, 5, atan2(3, 4)]], atol=1e-12)


@pytest.mark.parametrize(
    ("box", "around"),
    [
        ((10, 20, 6, 4, 0), [7, 18, 13, 22]),
        ((10, 20, 6, 4, pi / 2), [8, 17, 12, 23]),
        ((0, 0, 2 * sqrt(2), 2 * sqrt(2), pi / 4), [-2, -2, 2, 2]),
        ((0, 0, 10, 5, atan2(3, 4)), [-5.5, -5, 5.5, 5]),
    ],
)
def test_bounds_by_hand(box: Box, around: list[float]) -> None:
    np.testing.assert_allclose(bounds(table(box)), [around], atol=1e-9)


@given(st.lists(boxes, max_size=5))
def test_bounds_are_the_projections_of_both_sides(rows: list[Box]) -> None:
    wanted = []
    for x, y, width, height, angle in rows:
        wide = abs(width * cos(angle)) + abs(height * sin(angle))
        high = abs(width * sin(angle)) + abs(height * cos(angle))
        wanted.append([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2])
    found = bounds(table(*rows))
    assert found.shape == (len(rows), 4)
    np.testing.assert_allclose(found, np.array(wanted).reshape(-1, 4), atol=1e-6)


@given(st.lists(small, min_size=1, max_size=4), st.lists(small, min_size=1, max_size=4))
def test_probiou_is_one_minus_the_hellinger_distance(ones: list[Box], others: list[Box]) -> None:
    wanted = [[overlap(one, other) for other in others] for one in ones]
    found = probiou(table(*ones), table(*others))
    np.testing.assert_allclose(found, wanted, atol=2e-3)


@given(st.lists(small, min_size=1, max_size=4), st.lists(small, min_size=1, max_size=4))
def test_probiou_is_symmetric_and_a_fraction(ones: list[Box], others: list[Box]) -> None:
    found = probiou(table(*ones), table(*others))
    np.testing.assert_allclose(found, probiou(table(*others), table(*ones)).T, atol=1e-9)
    assert (found >= -1e-6).all()
    assert (found <= 1).all()


@given(small)
def test_equal_boxes_have_a_probiou_of_1(box: Box) -> None:
    assert probiou(table(box), table(box))[0, 0] == pytest.approx(1, abs=1e-3)


@given(small, small)
def test_a_rotation_by_90_degrees_equals_swapped_sides(one: Box, other: Box) -> None:
    x, y, width, height, angle = one
    plain = probiou(table(one), table(other))
    for turn in (pi / 2, -pi / 2):
        swapped = probiou(table((x, y, height, width, angle + turn)), table(other))
        np.testing.assert_allclose(swapped, plain, atol=1e-6)
    turned = probiou(table((x, y, width, height, angle + pi)), table(other))
    np.testing.assert_allclose(turned, plain, atol=1e-6)


@given(small, st.floats(-pi, pi))
def test_the_probiou_decreases_with_distance(box: Box, direction: float) -> None:
    x, y, *rest = box
    away = [
        (x + step * cos(direction), y + step * sin(direction), *rest) for step in (0, 2, 5, 9, 30)
    ]
    found = probiou(table(box), np.array(away))[0]
    assert (np.diff(found) < 0).all()


def test_a_long_box_across_another_overlaps_less_than_along_it() -> None:
    along, across = probiou(
        table((0, 0, 40, 4, 0)), table((3, 0, 40, 4, 0), (3, 0, 40, 4, pi / 2))
    )[0]
    assert along > 0.8
    assert across < 0.4


def test_boxes_far_apart_do_not_overlap() -> None:
    found = probiou(table((0, 0, 4, 4, 0)), table((1e4, 1e4, 4, 4, 1)))
    assert found[0, 0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("ones", "others"), [(0, 0), (0, 3), (3, 0)])
def test_no_boxes_give_no_overlaps(ones: int, others: int) -> None:
    assert probiou(np.ones((ones, 5)), np.ones((others, 5))).shape == (ones, others)


def test_no_boxes_give_no_corners() -> None:
    assert corners(np.zeros((0, 5))).shape == (0, 4, 2)
    assert bounds(np.zeros((0, 5))).shape == (0, 4)
    assert from_corners(np.zeros((0, 4, 2))).shape == (0, 5)


@pytest.mark.parametrize("degrees", [-45, -44, -20, -1, 0, 1, 20, 44])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_box_around_its_corners_is_the_box(degrees: float, turns: int) -> None:
    # A quarter turn swaps the sides; the angle stays in -45 to 45 degrees.
    width, height = (30.0, 12.0) if turns % 2 == 0 else (12.0, 30.0)
    turned = (100.0, 60.0, width, height, (degrees + 90 * turns) * pi / 180)
    ring = np.array(ring_of(*turned), np.float32)
    found = enclosing(ring)
    if degrees == -45:  # rounding may turn it to 45 degrees
        assert abs(found[4]) == pytest.approx(pi / 4, abs=1e-3)
        return
    assert found == pytest.approx((100, 60, 30, 12, degrees * pi / 180), abs=1e-3)
