from math import radians

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.upright import upright

IMAGE = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)


def cut(x: float, y: float, width: float, height: float, degrees: float = 0) -> Array:
    return upright(IMAGE, np.array([x, y, width, height, radians(degrees)]))


def test_a_box_without_rotation_is_a_slice() -> None:
    # The center of pixels 10 to 49 and 20 to 39.
    assert (cut(30, 30, 40, 20) == IMAGE[20:40, 10:50]).all()


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (-90, -1), (180, 2)])
def test_the_rotation_is_undone(degrees: int, turns: int) -> None:
    # Clockwise in the image, so counterclockwise back; the center is at 40 x 30.
    side = cut(40, 30, 20, 20, degrees)
    assert (side == np.rot90(IMAGE[20:40, 30:50], turns)).all()


def test_a_tilted_line_comes_out_level() -> None:
    # Brightness grows by 2 for each pixel along the line, which descends to the right.
    y, x = np.mgrid[0:200, 0:200] + 0.5
    angle = radians(20)
    along = (x - 100) * np.cos(angle) + (y - 100) * np.sin(angle)
    image = np.repeat((128 + 2 * along).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    part = upright(image, np.array([100, 100, 40, 10, angle]))
    assert part.shape == (10, 40, 3)
    expected = 128 + 2 * (np.arange(40) + 0.5 - 20)
    assert np.abs(part[..., 0] - expected).max() < 2


@pytest.mark.parametrize(("height", "turned"), [(29, False), (30, True)])
def test_vertical_text_is_turned_counterclockwise(height: int, turned: bool) -> None:
    # From pixel 15 on, so that the box ends between pixels.
    part = cut(40, 15 + height / 2, 20, height)
    expected = IMAGE[15 : 15 + height, 30:50]
    assert (part == (np.rot90(expected) if turned else expected)).all()


def test_outside_the_image_its_border_is_repeated() -> None:
    part = cut(0, 30, 20, 10)
    assert (part[:, 10:] == IMAGE[25:35, :10]).all()
    assert (part[:, :10] == IMAGE[25:35, :1]).all()


def test_a_thin_box_has_one_pixel() -> None:
    assert cut(40, 30, 0.2, 0.3).shape == (1, 1, 3)
