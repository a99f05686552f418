"""An image during preprocessing, and its conversion to the model's input."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import cv2
import numpy as np

from runtimes.arrays import Array, Size, size_of
from runtimes.errors import BadModel, Fault
from runtimes.geometry import Geometry
from runtimes.signature import PIXEL_TYPES, LayoutName

ChannelOrder: TypeAlias = Literal["rgb", "bgr", "gray"]


def canvas(size: Size, fill: int | tuple[int, ...]) -> Array:
    """Return pixels of one color, (H, W, 3) uint8.

    Args:
        size: height and width.
        fill: BGR, or one number for all channels.
    """
    height, width = size
    # Whole rows: numpy needs 60 times as long to repeat the three numbers of a pixel.
    row = np.broadcast_to(np.array(fill, np.uint8), (width, 3)).reshape(-1)
    return np.full((height, 3 * width), row).reshape(height, width, 3)


@dataclass(frozen=True, slots=True)
class Frame:
    """An image and the preprocessing that was applied to it or is still pending.

    Steps that move pixels change `pixels` and `geometry`. Steps that only change values (channel
    order, normalization, layout) set the other fields; `tensor` applies them in one pass, which is
    several times faster than one pass for each step.

    Attributes:
        pixels: (H, W, 3) uint8 BGR, as OpenCV decodes it.
        geometry: from the pixels of the original image to those of `pixels`.
        channels: the order of channels in the tensor.
        scale: the divisor of the values 0..255.
        mean, std: per channel of the tensor, or one for all; subtracted from the scaled values, and
            their divisor.
        layout: the order of the tensor's axes.
        fill: the color with which `pixels` are padded, BGR, or one number for all channels.
    """

    pixels: Array
    geometry: Geometry
    channels: ChannelOrder = "bgr"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    layout: LayoutName = "nchw"
    fill: int | tuple[int, ...] = 0

    @property
    def size(self) -> Size:
        """Height and width of `pixels`."""
        return size_of(self.pixels)

    def linear(self) -> tuple[Array, Array]:
        """Return the pending change of values as pixel * factor + offset.

        Returns:
            factor and offset per channel of the tensor, each (C,) float32.
        """
        count = 1 if self.channels == "gray" else 3
        mean, std = np.broadcast_to(self.mean, count), np.broadcast_to(self.std, count)
        return (1.0 / (self.scale * std)).astype(np.float32), (-mean / std).astype(np.float32)

    def padded(self, size: Size) -> "Frame":
        """Return the frame with `pixels` padded on the right and at the bottom with `fill`.

        Args:
            size: height and width, not less than those of `pixels`.
        """
        height, width = self.size
        if size == (height, width):
            return self
        pixels = canvas(size, self.fill)
        pixels[:height, :width] = self.pixels
        return replace(self, pixels=pixels)

    def tensor(self, dtype: str) -> Array:
        """Return the model's input, in `layout` and of `dtype`: (value / scale - mean) / std.

        Raises:
            BadModel: pixel values cannot be converted to `dtype`.
        """
        pixels = self.pixels
        if self.channels == "gray":
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[:, :, None]
        elif self.channels == "rgb":
            # A fiftieth of the time of a copy of the reversed view.
            pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        if dtype not in PIXEL_TYPES:
            raise BadModel(
                f"the model's input is of type {dtype}, to which no image can be converted",
                allowed=", ".join(PIXEL_TYPES),
                fault=Fault.INPUT_VALUES,
            )
        kind = np.dtype(dtype)
        planes = pixels.transpose(2, 0, 1)
        factor, offset = self.linear()
        if (factor == 1).all() and (offset == 0).all():
            values = np.ascontiguousarray(planes if "chw" in self.layout else pixels, dtype=kind)
        else:
            values = np.empty(planes.shape if "chw" in self.layout else pixels.shape, np.float32)
            views = values if "chw" in self.layout else values.transpose(2, 0, 1)
            for plane, view, times, plus in zip(planes, views, factor, offset, strict=True):
                np.multiply(plane, times, out=view)
                if plus:
                    view += plus
            values = values.astype(kind, copy=False)
        return values[None] if len(self.layout) == 4 else values
