"""The reference of folded models: loops over pixels and channels."""

from pathlib import Path

import numpy as np

from builder.model.pixel_operations import Operation, pixel_operations
from runtimes.arrays import Array
from runtimes.signature import LayoutName, Tensor
from tests.runtimes import graphs

HEIGHT, WIDTH = 3, 5

CHANGES: dict[str, tuple[list[float], list[float]]] = {
    "none": ([1], [0]),
    "0 to 1": ([1 / 255], [0]),
    "-1 to 1": ([1 / 127.5], [-1]),
    "offset alone": ([1], [-127.5]),
    "ImageNet": (
        [1 / 255 / it for it in (0.229, 0.224, 0.225)],
        [-2.1179, -2.0357, -1.8044],
    ),
    "means alone": ([1, 1, 1], [-123.675, -116.28, -103.53]),
}
"""Factor and offset, for all channels or for each."""


def picture(channels: int = 3) -> Array:
    """A small image, (H, W, C) uint8."""
    return np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, channels), dtype=np.uint8)


def looped(pixels: Array, change: str, layout: LayoutName) -> Array:
    """Return the values of one pixel after the other, in float64."""
    factor, offset = CHANGES[change]
    height, width, count = pixels.shape
    hwc, chw = np.zeros((height, width, count)), np.zeros((count, height, width))
    for y in range(height):
        for x in range(width):
            for channel in range(count):
                times, plus = factor[channel % len(factor)], offset[channel % len(offset)]
                hwc[y, x, channel] = float(pixels[y, x, channel]) * times + plus
                chw[channel, y, x] = hwc[y, x, channel]
    values = chw if "chw" in layout else hwc
    return values[None] if "n" in layout else values


def given(pixels: Array, layout: LayoutName) -> Array:
    """Return pixels as the folded model takes them."""
    return pixels[None] if "n" in layout else pixels


def echo(
    path: Path,
    layout: LayoutName,
    *,
    channels: int = 3,
    dtype: str = "float32",
    is_open: bool = False,
) -> Path:
    """Write a model that returns its input `images` as `seen`, float32."""
    sides: list[int | str] = ["height", "width"] if is_open else [HEIGHT, WIDTH]
    axes = [channels, *sides] if "chw" in layout else [*sides, channels]
    return graphs.echo(path, shape=[1, *axes] if "n" in layout else axes, dtype=dtype)


def operations_of(
    name: str,
    layout: LayoutName,
    change: str,
    *,
    channels: int = 3,
    dtype: str = "float32",
    is_open: bool = False,
) -> tuple[Tensor, tuple[Operation, ...]]:
    """Return the input `name` of pixels, and the operations for such a model."""
    sides = (None, None) if is_open else (HEIGHT, WIDTH)
    axes = (1, *sides, channels) if "n" in layout else (*sides, channels)
    pixels = Tensor(name, axes, "uint8")
    factor, offset = (np.resize(it, channels).astype(np.float32) for it in CHANGES[change])
    return pixels, pixel_operations(pixels, dtype, layout, factor, offset)
