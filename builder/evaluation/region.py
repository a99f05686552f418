"""Regions of pixels: masks and the insides of polygons."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor
from typing import Self

import numpy as np

from runtimes.arrays import Array, Size


@dataclass(frozen=True, slots=True)
class Region:
    """The pixels of an object.

    Attributes:
        bitmap: (h, w) bool; it covers a part of the image.
        left, top: position of the bitmap's first pixel in the image.
    """

    bitmap: Array
    left: int
    top: int

    @classmethod
    def inside(cls, rings: Iterable[Array], size: Size | None = None) -> Self:
        """Return the pixels whose center is inside one of several polygons.

        Args:
            rings: (P, 2) x y each; a pixel's center is at (0.5, 0.5) from its corner. Where a ring
                crosses itself, the even-odd rule decides.
            size: height and width of the image that the region is clipped to; None does not clip.
        """
        listed = [ring for ring in rings if len(ring)]
        if not listed:
            return cls(np.zeros((0, 0), bool), 0, 0)
        points = np.concatenate(listed)
        if size is not None:
            points = points.clip(0, (size[1], size[0]))
        left, top = (floor(value) for value in points.min(axis=0).tolist())
        right, bottom = (ceil(value) for value in points.max(axis=0).tolist())
        bitmap = np.zeros((bottom - top, right - left), bool)
        for ring in listed:
            bitmap |= _filled(ring - (left, top), bitmap.shape)
        return cls(bitmap, left, top)

    def on_canvas(self, size: Size) -> Array:
        """Return the region in an image of a size, (H, W) bool; what is outside is cut off."""
        canvas = np.zeros(size, bool)
        left, top = max(self.left, 0), max(self.top, 0)
        bitmap = self.bitmap[top - self.top :, left - self.left :]
        window = canvas[top : top + bitmap.shape[0], left : left + bitmap.shape[1]]
        window[:] = bitmap[: window.shape[0], : window.shape[1]]
        return canvas

    def iou(self, other: "Region") -> float:
        """Return the intersection over union with another region; 0 if both are empty."""
        height, width = self.bitmap.shape
        height2, width2 = other.bitmap.shape
        left, top = max(self.left, other.left), max(self.top, other.top)
        right = max(min(self.left + width, other.left + width2), left)
        bottom = max(min(self.top + height, other.top + height2), top)
        shared = int(
            (self._window(left, top, right, bottom) & other._window(left, top, right, bottom)).sum()
        )
        either = int(self.bitmap.sum()) + int(other.bitmap.sum()) - shared
        return shared / either if either else 0.0

    def _window(self, left: int, top: int, right: int, bottom: int) -> Array:
        """Return the bitmap between two corners of the image, which it covers."""
        return self.bitmap[top - self.top : bottom - self.top, left - self.left : right - self.left]


def _filled(ring: Array, shape: tuple[int, ...]) -> Array:
    """Fill a polygon, (P, 2) x y, in a bitmap of a shape that contains it.

    On the line through a row's pixel centers, each edge that crosses it toggles all pixels to its
    right.
    """
    height, width = shape
    toggles = np.zeros((height, width + 1), np.int64)
    for (x1, y1), (x2, y2) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
        # The rows whose centers are in [low, high).
        low, high = min(y1, y2), max(y1, y2)
        rows = np.arange(max(ceil(low - 0.5), 0), min(ceil(high - 0.5), height))
        if len(rows):
            x = x1 + (rows + 0.5 - y1) * (x2 - x1) / (y2 - y1)
            columns = np.ceil(x - 0.5).astype(np.int64).clip(0, width)
            np.add.at(toggles, (rows, columns), 1)
    return np.asarray(toggles.cumsum(axis=1)[:, :width] % 2 == 1)
