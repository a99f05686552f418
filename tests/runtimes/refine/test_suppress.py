from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.instances import Instances
from runtimes.refine.suppress import MinSize, Nms, TopK
from tests.grids import grid

Box = tuple[int, int, int, int]
Row = tuple[Box, float, int]
"""A box, a score and a class."""


def box(x: int, y: int, width: int, height: int) -> Box:
    return (x, y, x + width, y + height)


boxes = st.builds(
    box, st.integers(0, 12), st.integers(0, 12), st.integers(1, 12), st.integers(1, 12)
)
tables = st.lists(
    st.tuples(boxes, st.integers(1, 16).map(lambda n: n / 16), st.integers(0, 2)), max_size=14
)


def instances(rows: list[Row]) -> Instances:
    return Instances.of(
        np.array([row[0] for row in rows], float).reshape(-1, 4),
        np.array([row[1] for row in rows], float),
        np.array([row[2] for row in rows], int),
    )


def rows_of(found: Instances) -> list[Row]:
    corners = [tuple(row) for row in found.boxes.tolist()]
    return list(zip(corners, found.scores.tolist(), found.classes.tolist(), strict=True))


def overlap(a: Box, b: Box) -> Fraction:
    """Intersection over union, exactly."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    common = max(width, 0) * max(height, 0)
    area_a = (a[2] - a[0]) * (a[3] - a[1])
    area_b = (b[2] - b[0]) * (b[3] - b[1])
    return Fraction(common, area_a + area_b - common)


def greedy(rows: list[Row], iou: str, *, per_class: bool, most: int, candidates: int) -> list[Row]:
    """Keep each row, by descending score, that no kept row overlaps."""
    kept: list[Row] = []
    for row in sorted(rows, key=lambda row: -row[1])[:candidates]:
        hidden = False
        for better in kept:
            if per_class and better[2] != row[2]:
                continue
            if overlap(better[0], row[0]) > Fraction(iou):
                hidden = True
        if not hidden:
            kept.append(row)
    return kept[:most]


@given(
    tables,
    st.sampled_from(["0", "0.25", "0.45", "0.5", "0.7", "0.75", "1"]),
    st.booleans(),
    st.sampled_from([1, 3, 300]),
    st.sampled_from([2, 5, 30000]),
)
def test_nms_matches_a_greedy_loop(
    rows: list[Row], iou: str, per_class: bool, most: int, candidates: int
) -> None:
    step = Nms(iou=float(iou), per_class=per_class, max=most, candidates=candidates)
    wanted = greedy(rows, iou, per_class=per_class, most=most, candidates=candidates)
    assert rows_of(step(instances(rows))) == wanted


@grid(("per_class", [True, False]), ("side", [20, 400]), ("most", [10, 300, 5000]), pairs=False)
def test_nms_of_many_boxes_matches_a_greedy_loop(per_class: bool, side: int, most: int) -> None:
    # With sides of 20, 300 survive among the first boxes; with sides of 400 few survive at all.
    random = np.random.default_rng(side)
    places, sides = random.integers(0, 300, (2500, 2)), random.integers(10, side, (2500, 2))
    scores, classes = random.permutation(2500) / 2500, random.integers(0, 3, 2500)
    corners = np.concatenate([places, places + sides], axis=1)
    kept: list[int] = []
    for number in np.argsort(-scores)[:2400]:
        others = [n for n in kept if not per_class or classes[n] == classes[number]]
        low = np.maximum(corners[others, :2], corners[number, :2])
        high = np.minimum(corners[others, 2:], corners[number, 2:])
        common = np.maximum(high - low, 0).prod(axis=1)
        union = sides[others].prod(axis=1) + sides[number].prod() - common
        if not (2 * common > union).any():  # an IoU of 0.5, exactly
            kept.append(number)
    step = Nms(iou=0.5, per_class=per_class, max=most, candidates=2400)
    found = step(Instances.of(corners, scores, classes))
    assert found.boxes.tolist() == corners[kept[:most]].tolist()
    assert found.scores.tolist() == scores[kept[:most]].tolist()


@pytest.mark.parametrize(
    ("iou", "left"),
    [(0.5, 2), (0.499, 1), (0.501, 2)],
)
def test_boxes_with_exactly_the_maximum_iou_are_kept(iou: float, left: int) -> None:
    # 2 x 10 and 1 x 10 with 10 in common: 10 / 20
    rows: list[Row] = [((0, 0, 2, 10), 0.9, 0), ((0, 0, 1, 10), 0.8, 0)]
    assert len(Nms(iou=iou)(instances(rows))) == left


@pytest.mark.parametrize(("iou", "left"), [(1.0, 2), (0.99, 1), (0.0, 1)])
def test_equal_boxes_are_kept_only_for_an_iou_of_1(iou: float, left: int) -> None:
    rows: list[Row] = [((3, 4, 9, 9), 0.9, 0), ((3, 4, 9, 9), 0.9, 0)]
    assert len(Nms(iou=iou)(instances(rows))) == left


def test_boxes_that_only_touch_do_not_overlap() -> None:
    rows: list[Row] = [((0, 0, 5, 5), 0.9, 0), ((5, 0, 10, 5), 0.8, 0), ((0, 5, 5, 10), 0.7, 0)]
    assert rows_of(Nms(iou=0)(instances(rows))) == rows


@pytest.mark.parametrize(("per_class", "classes"), [(True, [1, 0]), (False, [1])])
def test_classes_suppress_each_other_only_without_per_class(
    per_class: bool, classes: list[int]
) -> None:
    rows: list[Row] = [((0, 0, 9, 9), 0.8, 0), ((0, 0, 9, 9), 0.9, 1), ((0, 0, 9, 9), 0.7, 0)]
    assert Nms(per_class=per_class)(instances(rows)).classes.tolist() == classes


def test_a_suppressed_box_does_not_suppress() -> None:
    # Each overlaps the one before it by 8 / 12, but the third the first by 6 / 14 only.
    rows: list[Row] = [((0, 0, 10, 1), 0.9, 0), ((2, 0, 12, 1), 0.8, 0), ((4, 0, 14, 1), 0.7, 0)]
    assert rows_of(Nms(iou=0.5)(instances(rows))) == [rows[0], rows[2]]


def test_negative_and_fractional_coordinates_overlap() -> None:
    found = Instances.of(
        np.array([[-1.5, -1.5, -0.5, -0.5], [-1.5, -1.5, -0.5, -0.25], [0.25, 0.25, 0.5, 0.5]]),
        np.array([0.9, 0.8, 0.7]),
        np.zeros(3),
    )
    assert Nms(iou=0.5)(found).scores.tolist() == [0.9, 0.7]


def test_many_equal_scores_keep_their_order() -> None:
    rows: list[Row] = [((20 * n, 0, 20 * n + 9, 9), 0.5, n % 2) for n in range(40)]
    assert rows_of(Nms()(instances(rows))) == rows


@pytest.mark.parametrize(
    "bad",
    [(100, 10, 0, 20), (10, 100, 20, 0), (10, 10, 10, 20), (5, 5, 5, 5)],
    ids=["right of left", "below top", "no width", "a point"],
)
@pytest.mark.parametrize("per_class", [True, False])
def test_a_box_without_area_does_not_suppress(bad: Box, per_class: bool) -> None:
    real: Row = ((500, 500, 505, 505), 0.8, 0)
    found = Nms(per_class=per_class)(instances([(bad, 0.9, 0), real]))
    assert real in rows_of(found)


@pytest.mark.parametrize("step", [Nms(), Nms(per_class=False), TopK(), MinSize()])
def test_no_instances_give_none(step: Nms | TopK | MinSize) -> None:
    found = step(instances([]))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


@given(tables, st.integers(1, 16))
def test_top_k_keeps_the_highest_scores_and_the_first_of_equal_ones(
    rows: list[Row], k: int
) -> None:
    wanted = sorted(rows, key=lambda row: -row[1])[:k]
    assert rows_of(TopK(k)(instances(rows))) == wanted


@given(tables, st.sampled_from([1.0, 3.0, 3.5, 12.0]))
def test_min_size_checks_width_and_height(rows: list[Row], side: float) -> None:
    wanted = [
        (corners, score, number)
        for corners, score, number in rows
        if corners[2] - corners[0] >= side and corners[3] - corners[1] >= side
    ]
    assert rows_of(MinSize(side)(instances(rows))) == wanted


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Nms() == Nms(iou=0.45, per_class=True, max=300, candidates=30_000)
    assert TopK() == TopK(k=100)
    assert MinSize() == MinSize(side=4.0)
