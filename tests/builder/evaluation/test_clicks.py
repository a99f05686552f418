from typing import Any

import numpy as np
import pytest

from builder.evaluation.clicks import Click, next_click
from runtimes.arrays import Array


def drawn(*rows: str) -> Array:
    """A bitmap drawn in text."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def clicked(truth: Array, found: Array, *clicks: Click, counted: Any = None) -> Click | None:
    every = np.ones(truth.shape, bool) if counted is None else counted
    return next_click(truth, found, every, list(clicks))


DISC = drawn(".......", ".#####.", ".#####.", ".#####.", ".#####.", ".#####.", ".......")
NOTHING = np.zeros((7, 7), bool)


def test_the_first_click_is_in_the_middle_of_the_object() -> None:
    assert clicked(DISC, NOTHING) == Click(3, 3, True)
    assert Click(3, 3, True).point == [3.5, 3.5]


def test_a_false_positive_is_clicked_negatively() -> None:
    assert clicked(NOTHING, DISC) == Click(3, 3, False)


def test_the_deeper_error_is_clicked() -> None:
    truth = drawn("###....", "###....", "###....", ".......", ".......")
    found = drawn(".......", ".......", ".......", ".....##", ".....##")
    assert clicked(truth, found) == Click(1, 1, True)
    assert clicked(found, truth) == Click(1, 1, False)


def test_the_border_of_the_image_is_a_border() -> None:
    # The whole image is missed: the middle is farthest from its border.
    assert clicked(~NOTHING, NOTHING) == Click(3, 3, True)


def test_no_pixel_is_clicked_twice_and_without_an_error_none_is() -> None:
    dot = drawn("...", ".#.", "...")
    nothing = np.zeros((3, 3), bool)
    assert clicked(dot, nothing) == Click(1, 1, True)
    assert clicked(dot, nothing, Click(1, 1, True)) is None
    assert clicked(dot, dot) is None
    assert clicked(dot, nothing, counted=~dot) is None


@pytest.mark.parametrize("seed", range(10))
def test_the_click_is_the_deepest_pixel_of_all_errors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, found = (rng.random((2, 12, 12)) < 0.8).tolist()
    one, other = np.array(truth), np.array(found)

    def depth(region: Array, y: int, x: int) -> float:
        """The distance to the nearest pixel outside, by looking at all of them."""
        padded = np.pad(region, 1)
        outside = np.argwhere(~padded) - 1
        return float(np.hypot(*(outside - (y, x)).T).min()) if region[y, x] else 0.0

    best = max(
        depth(region, y, x)
        for region in (one & ~other, other & ~one)
        for y, x in np.ndindex(12, 12)
    )
    click = clicked(one, other)
    assert click is not None
    region = one & ~other if click.positive else other & ~one
    assert depth(region, click.y, click.x) == pytest.approx(best, abs=1e-4)
