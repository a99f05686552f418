import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.stretch import UPPER_8_BITS, Stretch

RGB = np.array([[[100, 200, 300], [40, 50, 60]]], np.uint16)


@pytest.mark.parametrize(
    ("samples", "low", "high"),
    [
        (np.array([[5, 4080]], np.uint16), 5, 4080),
        (np.array([[7, 8]], np.uint16), 7, 8),
        # 15 bits are fewer than 16, wherever they lie.
        (np.array([[0, 32767]], np.uint16), 0, 32767),
        (np.array([[30000, 62767]], np.uint16), 30000, 62767),
        # Equal channels are gray.
        (np.full((2, 2, 3), 7, np.uint16) + np.array([[[0], [9]]], np.uint16), 7, 16),
        # The minimum of a color image stays, for the hue.
        (RGB, 0, 300),
        (np.array([[0.0, 1.0]]), 0, 1),
        (np.array([[0.0, 1.5]]), 0, 255),
        (np.array([[0.0, 255.0]]), 0, 255),
        (np.array([[-1.0, 0.5]]), -1, 0.5),
        (np.array([[10.0, 256.0]]), 10, 256),
        (np.array([[np.nan, np.inf, 3.0]]), 0, 255),
        (np.array([[np.nan]]), 0, 255),
        (np.array([[300.0]]), 0, 255),
    ],
)
def test_the_stretch_of_an_image(samples: Array, low: float, high: float) -> None:
    assert Stretch.of(samples) == Stretch(low, high)


@pytest.mark.parametrize(
    "samples",
    [
        np.array([[0, 32768]], np.uint16),
        np.array([[0, 65535]], np.uint16),
        np.array([[9, 9]], np.uint16),
        np.array([[0, 0]], np.uint16),
        RGB * 110,
    ],
)
def test_other_images_of_16_bits_keep_the_upper_8(samples: Array) -> None:
    assert Stretch.of(samples) == UPPER_8_BITS


def test_8_bits_are_not_stretched() -> None:
    assert Stretch.of(np.array([[0, 3]], np.uint8)) is None


def test_the_upper_8_bits_of_all_values() -> None:
    values = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    found = UPPER_8_BITS(values)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values // 256)


@pytest.mark.parametrize(("low", "high"), [(0, 4080), (7, 1023), (16383, 16384), (0, 3)])
def test_all_values_of_16_bits_are_scaled_and_clipped(low: int, high: int) -> None:
    values = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    wanted = [min(max((it - low) * 255 // (high - low), 0), 255) for it in range(2**16)]
    found = Stretch(low, high)(values)
    np.testing.assert_array_equal(found.ravel(), wanted)


def test_floating_point_values_are_scaled_and_clipped() -> None:
    values = np.array([[-9.0, -1.0, 0.0, 0.25, 1.0, 7.0, np.nan, np.inf, -np.inf]], np.float32)
    wanted = [[0, 0, 127, 159, 255, 255, 0, 255, 0]]
    assert Stretch(-1.0, 1.0)(values).tolist() == wanted


def test_fractions_of_255_become_whole_again() -> None:
    values = np.arange(256, dtype=np.float32)[None] / np.float32(255)
    assert Stretch(0, 1)(values).tolist() == [list(range(256))]
