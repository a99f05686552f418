import cv2
import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.trackers.crops import area_side, best_of, context_side, cut, hann, view_of

BOX = np.array([10.0, 20.0, 50.0, 110.0])


def picture(height: int = 60, width: int = 80) -> Array:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3)).astype(np.uint8)


def test_sides_by_hand() -> None:
    # w 40, h 90: the margin is half of 130.
    assert context_side(BOX, 0.5) == pytest.approx((105 * 155) ** 0.5)
    assert area_side(BOX, 4) == pytest.approx(4 * 3600**0.5)
    square = np.array([0.0, 0, 30, 30])
    assert context_side(square, 0.5) == pytest.approx(60)
    assert context_side(square, 1.5) == pytest.approx(120)


def test_a_view_is_centerd_on_the_box_and_has_the_given_side() -> None:
    view = view_of(BOX, 200, 100, (300, 400))
    corners = np.array([[30.0, 65], [30 - 100, 65 - 100], [30 + 100, 65 + 100]])
    np.testing.assert_allclose(view.geometry.points(corners), [[50, 50], [0, 0], [100, 100]])
    assert (view.image, view.input) == ((300, 400), (100, 100))


def test_a_crop_without_scaling_has_the_same_pixels() -> None:
    image = picture()
    view = view_of(np.array([20.0, 20, 40, 40]), 32, 32, (60, 80))
    np.testing.assert_array_equal(cut(image, view, (0, 0, 0)), image[14:46, 14:46])


@pytest.mark.parametrize("corner", [(-5.0, -7.0), (70.0, 40.0), (-30.0, 20.0)])
def test_a_crop_matches_that_of_a_padded_image(corner: tuple[float, float]) -> None:
    image, fill, side = picture(), (10.0, 200.0, 90.0), 40
    x, y = corner
    view = view_of(np.array([x, y, x + side, y + side]), side, 80, (60, 80))
    padded = cv2.copyMakeBorder(image, 50, 50, 50, 50, cv2.BORDER_CONSTANT, value=fill)
    left, top = int(x) + 50, int(y) + 50
    wanted = cv2.resize(
        padded[top : top + side, left : left + side], (80, 80), interpolation=cv2.INTER_LINEAR
    )
    # At the crop's own rim the resized one repeats pixels where this one sees the next.
    found = cut(image, view, fill)[1:-1, 1:-1].astype(int)
    assert np.abs(found - wanted[1:-1, 1:-1].astype(int)).max() <= 2


def test_a_crop_outside_of_the_image_is_filled() -> None:
    view = view_of(np.array([500.0, 500, 540, 540]), 40, 16, (60, 80))
    assert (cut(picture(), view, (1, 2, 3)) == [1, 2, 3]).all()


def test_a_square_much_larger_than_the_image_needs_little_memory() -> None:
    view = view_of(np.array([-4e5, -4e5, 4e5, 4e5]), 3.2e6, 64, (60, 80))
    found = cut(picture(), view, (7, 7, 7))
    assert found.shape == (64, 64, 3)
    assert (found[0] == 7).all()


def test_windows_match_the_formula() -> None:
    rim = [0.5 * (1 - np.cos(2 * np.pi * n / 15)) for n in range(16)]
    np.testing.assert_allclose(hann(16, 16), np.outer(rim, rim), atol=1e-12)
    # OSTrack's hann1d: 0.5 * (1 - cos(2 pi / (n + 1) * i)) for i from 1 to n.
    inner = [0.5 * (1 - np.cos(2 * np.pi / 17 * n)) for n in range(1, 17)]
    np.testing.assert_allclose(hann(16, 16, open_ends=True), np.outer(inner, inner), atol=1e-12)


def test_the_maximum_ignores_values_that_are_not_finite() -> None:
    response = np.array([[0.1, np.nan], [np.inf, 0.2]])
    assert best_of(response) == (1, 1)
