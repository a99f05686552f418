from math import cos, exp, log, pi, sin, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runtimes.instances import Instances
from runtimes.refine import suppress
from runtimes.refine.suppress import Nms

Box = tuple[float, float, float, float, float]
Row = tuple[Box, float, int]
"""An oriented box, a score and a class."""

boxes = st.tuples(
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(2, 30),
    st.integers(2, 30),
    st.sampled_from([0.0, 0.4, pi / 4, pi / 2, 2.0, -1.0]),
)
tables = st.lists(
    st.tuples(boxes, st.integers(1, 16).map(lambda n: n / 16), st.integers(0, 2)), max_size=14
)


def instances(rows: list[Row]) -> Instances:
    count = len(rows)
    return Instances.of(
        np.ones((count, 4)),
        np.array([row[1] for row in rows], float),
        np.array([row[2] for row in rows], int),
        rotated=np.array([row[0] for row in rows], float).reshape(-1, 5),
    )


def rows_of(found: Instances) -> list[Row]:
    assert found.rotated is not None
    turned = [tuple(row) for row in found.rotated.tolist()]
    return list(zip(turned, found.scores.tolist(), found.classes.tolist(), strict=True))


def covariance(box: Box) -> tuple[float, float, float]:
    """Variances along x and y, and the covariance."""
    _, _, width, height, angle = box
    a, b = width**2 / 12, height**2 / 12
    c, s = cos(angle), sin(angle)
    return a * c * c + b * s * s, a * s * s + b * c * c, (a - b) * c * s


def overlap(one: Box, other: Box) -> float:
    """ProbIoU, by its formula for two boxes."""
    (a1, b1, c1), (a2, b2, c2) = covariance(one), covariance(other)
    a, b, c = a1 + a2, b1 + b2, c1 + c2
    dx, dy = one[0] - other[0], one[1] - other[1]
    whole = a * b - c * c
    parts = sqrt(max(a1 * b1 - c1 * c1, 1e-12) * max(a2 * b2 - c2 * c2, 1e-12))
    distance = (a * dy * dy + b * dx * dx - 2 * c * dx * dy) / (4 * whole)
    distance += log(max(whole / (4 * parts), 1)) / 2
    return 1 - sqrt(max(0.0, 1 - exp(-distance)))


def looped(rows: list[Row], iou: float, *, per_class: bool, most: int) -> list[Row]:
    """Drop each row that overlaps one with a higher score, even a dropped one."""
    ordered = sorted(rows, key=lambda row: -row[1])
    kept = []
    for place, row in enumerate(ordered):
        hidden = False
        for better in ordered[:place]:
            if per_class and better[2] != row[2]:
                continue
            if overlap(better[0], row[0]) >= iou:
                hidden = True
        if not hidden:
            kept.append(row)
    return kept[:most]


def far_from(rows: list[Row], iou: float) -> bool:
    """Whether all overlaps differ from `iou` by more than rounding."""
    return all(
        abs(overlap(one[0], other[0]) - iou) > 2e-3
        for place, one in enumerate(rows)
        for other in rows[:place]
    )


@pytest.mark.parametrize("block", [1, 3, 512])
@given(tables, st.sampled_from([0.1, 0.3, 0.45, 0.7, 0.9]), st.booleans(), st.sampled_from([2, 99]))
def test_nms_matches_a_double_loop(
    block: int, rows: list[Row], iou: float, per_class: bool, most: int
) -> None:
    assume(far_from(rows, iou))
    wanted = looped(rows, iou, per_class=per_class, most=most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suppress, "_BLOCK", block)
        found = Nms(iou=iou, per_class=per_class, max=most)(instances(rows))
    assert rows_of(found) == wanted


def test_more_boxes_than_a_block_are_compared_with_all_higher_scores() -> None:
    # Every box is there twice, the lesser one far behind in the order.
    count = 600
    better: list[Row] = [((50 * n, 0, 10, 5, 0.3), 0.9, 0) for n in range(count)]
    lesser: list[Row] = [((50 * n, 0, 10, 5, 0.3), 0.5, 0) for n in range(count)]
    found = Nms(max=2000)(instances([*lesser, *better]))
    assert rows_of(found) == better


def test_a_perpendicular_box_is_another_object() -> None:
    # Upright boxes around them would overlap a lot, since both are turned by 45 degrees.
    rows: list[Row] = [((50, 50, 60, 6, pi / 4), 0.9, 0), ((50, 50, 60, 6, -pi / 4), 0.8, 0)]
    assert rows_of(Nms(iou=0.45)(instances(rows))) == rows


def test_equivalent_boxes_are_the_same_object() -> None:
    rows: list[Row] = [((50, 50, 60, 6, 0.2), 0.9, 0), ((50, 50, 6, 60, 0.2 + pi / 2), 0.8, 0)]
    assert rows_of(Nms(iou=0.9)(instances(rows))) == rows[:1]


def test_a_suppressed_oriented_box_still_suppresses() -> None:
    rows: list[Row] = [
        ((0, 0, 20, 10, 0), 0.9, 0),
        ((5, 0, 20, 10, 0), 0.8, 0),
        ((10, 0, 20, 10, 0), 0.7, 0),
    ]
    near, far = overlap(rows[0][0], rows[1][0]), overlap(rows[0][0], rows[2][0])
    assert far < 0.5 < near
    assert rows_of(Nms(iou=0.5)(instances(rows))) == rows[:1]


def test_the_number_of_oriented_boxes_is_bounded() -> None:
    # A hundred classes, so that few boxes are compared.
    rows: list[Row] = [((50 * n, 0, 10, 5, 0), 1 - n / 10000, n % 100) for n in range(5100)]
    found = Nms(max=9999, candidates=9999)(instances(rows))
    assert rows_of(found) == rows[:5000]
    assert rows_of(Nms(max=9999, candidates=7)(instances(rows))) == rows[:7]


def test_no_oriented_boxes_give_none() -> None:
    assert rows_of(Nms()(instances([]))) == []
