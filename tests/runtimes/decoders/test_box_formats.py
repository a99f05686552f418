import numpy as np
import pytest

from runtimes.decoders.box_formats import BoxFormat, BoxUnit, to_corners

SIZE = (100, 200)
"""Height and width of the input."""


@pytest.mark.parametrize(
    ("box", "unit", "values", "wanted"),
    [
        ("corners", "pixels", (10, 20, 50, 90), (10, 20, 50, 90)),
        ("yx_corners", "pixels", (20, 10, 90, 50), (10, 20, 50, 90)),
        ("center", "pixels", (30, 55, 40, 70), (10, 20, 50, 90)),
        ("corners", "fraction", (0.05, 0.2, 0.25, 0.9), (10, 20, 50, 90)),
        ("yx_corners", "fraction", (0.2, 0.05, 0.9, 0.25), (10, 20, 50, 90)),
        ("center", "fraction", (0.15, 0.55, 0.2, 0.7), (10, 20, 50, 90)),
    ],
)
def test_every_format_of_one_box_gives_its_corners_in_pixels(
    box: BoxFormat, unit: BoxUnit, values: tuple[float, ...], wanted: tuple[float, ...]
) -> None:
    found = to_corners(np.array([values], np.float32), box, unit, SIZE)
    assert found == pytest.approx(np.array([wanted]), abs=1e-3)


@pytest.mark.parametrize("box", ["corners", "yx_corners", "center"])
@pytest.mark.parametrize("unit", ["pixels", "fraction"])
def test_no_boxes_stay_no_boxes(box: BoxFormat, unit: BoxUnit) -> None:
    assert to_corners(np.zeros((0, 4), np.float32), box, unit, SIZE).shape == (0, 4)
