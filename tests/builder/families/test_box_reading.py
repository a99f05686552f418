"""The format of boxes, read from values."""

import numpy as np
import pytest

from builder.families.box_reading import BoxReading, read_boxes
from runtimes.arrays import Array

SIZE = (64, 96)


def boxes(seed: int = 0) -> Array:
    """(500, 4) x1 y1 x2 y2 in pixels, inside of the image."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(0, 1, (500, 2)) * (76, 44)
    return np.concatenate([first, first + rng.uniform(2, 20, (500, 2))], axis=1)


def centered(corners: Array) -> Array:
    middle = (corners[:, :2] + corners[:, 2:]) / 2
    return np.concatenate([middle, corners[:, 2:] - corners[:, :2]], axis=1)


FRACTION = np.array([96, 64, 96, 64])


@pytest.mark.parametrize(
    ("values", "box", "unit"),
    [
        (boxes(), "corners", "pixels"),
        (boxes() / FRACTION, "corners", "fraction"),
        (centered(boxes()), "center", "pixels"),
        (centered(boxes()) / FRACTION, "center", "fraction"),
        (np.concatenate([np.zeros((900, 4)), boxes()[:1]]), "corners", "pixels"),
        (centered(boxes())[:1], "center", "pixels"),
    ],
)
def test_values_show_the_format(values: Array, box: str, unit: str) -> None:
    found = read_boxes([values[None].astype(np.float32)], SIZE)
    assert found == BoxReading(box, unit, seen=True)  # type: ignore[arg-type]


def test_the_order_of_axes_is_read_where_it_is_in_question() -> None:
    wide = np.array([[70, 5, 90, 20], [60, 10, 95, 30]])
    formats = ("yx_corners", "corners")
    for values, box in ((wide, "corners"), (wide[:, [1, 0, 3, 2]], "yx_corners")):
        found = read_boxes([values], SIZE, formats)  # type: ignore[arg-type]
        assert found is not None
        assert found.box == box


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(0, 1, (500, 4)),
        np.random.default_rng(0).normal(0, 50, (500, 4)),
        boxes() * 40,
        np.full((9, 4), np.nan),
    ],
)
def test_offsets_and_other_numbers_are_no_boxes(values: Array) -> None:
    assert read_boxes([values], SIZE) is None


@pytest.mark.parametrize(("runs", "size"), [([], SIZE), ([np.zeros((1, 9, 4))], SIZE)])
def test_without_values_the_format_is_a_guess(runs: list[Array], size: tuple[int, int]) -> None:
    assert read_boxes(runs, size) == BoxReading("corners", "pixels", seen=False)
