from itertools import permutations
from typing import Any

import numpy as np
import pytest

from builder.evaluation.parity.item import Item, item_of
from builder.evaluation.parity.pairing import iou, pair


def box(
    x1: float, y1: float, x2: float, y2: float, label: str = "a", score: float = 0.5, **extra: Any
) -> Item:
    """A rectangle."""
    points = [x1, y1, x2, y2]
    return item_of(
        {"label": label, "type": "rectangle", "points": points, "confidence": score, **extra}
    )


def indexes(one: list[Item], other: list[Item]) -> list[tuple[int, int]]:
    """The pairs."""
    return [(first, second) for first, second, _ in pair(one, other).pairs]


def test_items_are_paired_by_label_and_place() -> None:
    one = [box(0, 0, 10, 10), box(20, 0, 30, 10), box(0, 0, 10, 10, "b")]
    other = [box(0, 0, 10, 10, "b"), box(20, 0, 30, 9), box(0, 1, 10, 10)]
    assert indexes(one, other) == [(0, 2), (1, 1), (2, 0)]
    assert pair(one, other).only == ((), ())


def test_an_iou_below_one_half_is_no_pair() -> None:
    # Intersection 50, union 150; then 70 and 130.
    assert indexes([box(0, 0, 10, 10)], [box(5, 0, 15, 10)]) == []
    assert pair([box(0, 0, 10, 10)], [box(5, 0, 15, 10)]).only == ((0,), (0,))
    assert indexes([box(0, 0, 10, 10)], [box(3, 0, 13, 10)]) == [(0, 0)]


def test_empty_sides() -> None:
    assert pair([], []).pairs == ()
    assert pair([box(0, 0, 1, 1)], []).only == ((0,), ())
    assert pair([], [box(0, 0, 1, 1)]).only == ((), (0,))


def test_equal_places_are_paired_by_confidence() -> None:
    one = [box(0, 0, 10, 10, score=0.9), box(0, 0, 10, 10, score=0.4)]
    assert indexes(one, one[::-1]) == [(0, 1), (1, 0)]


@pytest.mark.parametrize("seed", range(20))
def test_the_total_iou_is_the_greatest_of_all_assignments(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Boxes of 12 pixels that are at most 2 apart have an IoU of at least 100 / 188.
    corners = rng.uniform(0, 2, (2, 4, 2))
    sides = [[box(x, y, x + 12, y + 12) for x, y in side.tolist()] for side in corners]
    best = max(
        sum(iou(sides[0][row], sides[1][column]) for row, column in enumerate(order))
        for order in permutations(range(4))
    )
    pairs = pair(sides[0], sides[1]).pairs
    assert len(pairs) == 4
    assert sum(it for _, _, it in pairs) == pytest.approx(best)


def test_the_iou_of_rotated_boxes_is_that_of_their_areas() -> None:
    # A square turned by 45 degrees shares an octagon with the unturned one: 2 (sqrt 2 - 1) of it.
    square, turned = box(0, 0, 10, 10), box(0, 0, 10, 10, rotation=45)
    shared = 2 * (2**0.5 - 1)
    assert iou(square, turned) == pytest.approx(shared / (2 - shared), abs=1e-5)
    far = box(10_000, 10_000, 10_010, 10_010, rotation=45)
    assert iou(box(10_000, 10_000, 10_010, 10_010), far) == pytest.approx(iou(square, turned))


def test_the_iou_of_other_forms() -> None:
    def of(**item: Any) -> Item:
        return item_of({"label": "a", **item})

    tag = of(type="tag")
    assert iou(tag, tag) == 1
    assert iou(tag, box(0, 0, 1, 1)) == 0
    mask = of(type="mask", mask=[1] * 4 + [0, 0, 1, 1])
    assert iou(mask, of(type="polygon", points=[0, 0, 2, 0, 2, 2, 0, 2])) == 1
    assert iou(mask, box(0, 0, 2, 1)) == 0.5
    # The boxes of points are a pixel larger on each side: 2x2 at (1, 1) and at (2, 1).
    one, other = of(type="points", points=[1, 1]), of(type="points", points=[2, 1])
    assert iou(one, other) == pytest.approx(2 / 6)
    # A box without area equals only itself.
    assert iou(box(1, 1, 1, 1), box(1, 1, 1, 1)) == 1
