import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from runtimes.arrays import Array, Size
from runtimes.preprocess.antialias import resize


def noise(height: int, width: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_pillow(pixels: Array, size: Size) -> Array:
    picture = Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(picture, np.int64)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((480, 640), (224, 224)),
        ((361, 517), (224, 299)),
        ((224, 224), (224, 224)),
        ((37, 53), (101, 211)),
        ((300, 20), (60, 90)),
        ((20, 300), (90, 61)),
        ((5, 7), (1, 1)),
        ((1, 1), (9, 4)),
        ((1000, 3), (1, 3)),
        ((64, 64), (63, 65)),
    ],
)
def test_it_agrees_with_pillow(old: Size, new: Size) -> None:
    pixels = noise(*old)
    result = resize(pixels, new)
    assert result.dtype == np.uint8
    assert result.shape == (*new, 3)
    assert np.abs(result - by_pillow(pixels, new)).max() <= 1


sides = st.integers(1, 70)


@settings(deadline=None)
@given(st.tuples(sides, sides), st.tuples(sides, sides), st.integers(0, 99))
def test_it_agrees_with_pillow_at_any_size(old: Size, new: Size, seed: int) -> None:
    pixels = noise(*old, seed)
    assert np.abs(resize(pixels, new) - by_pillow(pixels, new)).max() <= 1


@pytest.mark.parametrize("value", [0, 1, 254, 255])
def test_a_uniform_color_is_unchanged(value: int) -> None:
    assert (resize(np.full((97, 41, 3), value, np.uint8), (31, 60)) == value).all()


def test_halving_by_hand() -> None:
    # The filter is four pixels wide with weights 1, 3, 3, 1; beyond the edge there is nothing.
    pixels = np.repeat(np.array([[[0], [70], [140], [210]]], np.uint8), 3, axis=2)
    result = resize(pixels, (1, 2))[0, :, 0].tolist()
    assert result == [50, 160]  # (3*0 + 3*70 + 140) / 7, (70 + 3*140 + 3*210) / 7


def test_a_slice_of_an_array_is_resized_correctly() -> None:
    whole = noise(60, 80)
    part = whole[5:50:2, 3:70, ::-1]
    assert np.abs(resize(part, (11, 13)) - by_pillow(part.copy(), (11, 13))).max() <= 1
