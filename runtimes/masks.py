"""Masks of instances, computed lazily: one instance at a time, within its box.

A decoder keeps the model's compact representation: coefficients, a small grid, a label map. The
pixels are computed on demand, so that no array of the image's size is allocated per instance.
"""

from dataclasses import dataclass, field, replace
from math import ceil, floor
from typing import Protocol

import cv2
import numpy as np

from runtimes.arrays import Array, Size
from runtimes.geometry import Geometry

_NEAR = 1e-9
"""Maximum difference of numbers that differ by rounding only."""

_MOST_ENLARGED = 5
"""Maximum ratio of the pixels that are computed from whole cells to those of a window."""


@dataclass(frozen=True, slots=True)
class Crop:
    """The mask of one instance, cropped to its bounding box.

    Attributes:
        bitmap: (h, w) uint8 of 0 and 1, with ones in its first and last row and column.
        left, top: the position of its first pixel in the image.
    """

    bitmap: Array
    left: int
    top: int


class Masks(Protocol):
    """The masks of N instances."""

    def take(self, index: Array) -> "Masks":
        """Return the masks that `index` selects; see Instances.take."""

    def to_image(self, geometry: Geometry) -> "Masks":
        """Map from pixels of the model's input to those of the image; see Instances.to_image."""

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """Return the mask of one instance in the image, or None if it is empty.

        Args:
            number: the instance's index.
            box: (4,) x1 y1 x2 y2 of the instance, image pixels.
            size: height and width of the image.
        """


def grid_size(masks: Masks) -> Size | None:
    """Return height and width of the grid that covers the model's input; None without one."""
    if isinstance(masks, PrototypeMasks | FrameMasks):
        grid = masks.prototypes if isinstance(masks, PrototypeMasks) else masks.values
        return grid.shape[1], grid.shape[2]
    return None


def tight(bitmap: Array, left: int, top: int) -> Crop | None:
    """Crop a bitmap, (h, w) uint8, to its nonzero pixels; None if there are none.

    Args:
        bitmap: of 0 and 1.
        left, top: the position of its first pixel in the image.
    """
    x, y, width, height = cv2.boundingRect(bitmap)
    if not width or not height:
        return None
    return Crop(bitmap[y : y + height, x : x + width], left + x, top + y)


def _window(box: Array, size: Size, margin: int) -> tuple[int, int, int, int] | None:
    """Return the pixels that a box touches, plus a margin: left, top, right, bottom (exclusive)."""
    left, top = max(0, floor(box[0]) - margin), max(0, floor(box[1]) - margin)
    right, bottom = min(size[1], ceil(box[2]) + margin), min(size[0], ceil(box[3]) + margin)
    return (left, top, right, bottom) if left < right and top < bottom else None


def sample(values: Array, to_grid: Geometry, window: tuple[int, int, int, int]) -> Array:
    """Interpolate a grid bilinearly at the pixel centers of a window of the image.

    Args:
        values: (h, w) float32, at the centers of the grid's cells; beyond the grid, the values at
            its border are repeated.
        to_grid: from the image's pixels to the grid's cells.
        window: left, top, right, bottom (exclusive), in pixels of the image.

    Returns:
        (bottom - top, right - left) float32.
    """
    left, top, right, bottom = window
    if (to_grid.scale_x, to_grid.scale_y) == (1, 1) and not to_grid.shift_x and not to_grid.shift_y:
        return values[top:bottom, left:right]
    enlarged = _enlarged(values, to_grid, window)
    if enlarged is not None:
        return enlarged
    # In OpenCV, integer coordinates are pixel centers; in this project, they are pixel edges.
    matrix = np.array(
        [
            [to_grid.scale_x, 0, (left + 0.5) * to_grid.scale_x + to_grid.shift_x - 0.5],
            [0, to_grid.scale_y, (top + 0.5) * to_grid.scale_y + to_grid.shift_y - 0.5],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            values,
            matrix,
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _whole(scale: float, shift: float) -> tuple[int, int] | None:
    """Return the size of a cell and the position of the first one in pixels, if both are whole."""
    size = round(1 / scale)
    place = round(-shift * size)
    near = abs(scale * size - 1) < _NEAR and abs(shift * size + place) < _NEAR
    return (size, place) if near else None


def _enlarged(values: Array, to_grid: Geometry, window: tuple[int, int, int, int]) -> Array | None:
    """Interpolate by cv2.resize if each cell covers whole pixels of the image; otherwise None.

    Videos of the usual sizes have such grids: at 1920x1080, a cell of a 640x640 model's masks is 12
    pixels wide. Resizing takes a sixth of the time of warpAffine; the results differ by rounding
    only. See `sample`.
    """
    columns = _whole(to_grid.scale_x, to_grid.shift_x)
    rows = _whole(to_grid.scale_y, to_grid.shift_y)
    if columns is None or rows is None:
        return None
    (across, x), (down, y) = columns, rows
    left, top, right, bottom = window
    height, width = values.shape
    # One more cell on each side, which interpolation reaches.
    x1, x2 = (left - x) // across - 1, (right - x - 1) // across + 2
    y1, y2 = (top - y) // down - 1, (bottom - y - 1) // down + 2
    x1, y1, x2, y2 = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    x, y = x + x1 * across, y + y1 * down
    size = (x2 - x1) * across, (y2 - y1) * down
    if not (x <= left and right <= x + size[0] and y <= top and bottom <= y + size[1]):
        return None
    if size[0] * size[1] > _MOST_ENLARGED * (right - left) * (bottom - top):
        return None
    large = cv2.resize(values[y1:y2, x1:x2], size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(large[top - y : bottom - y, left - x : right - x])


@dataclass(frozen=True, slots=True)
class PrototypeMasks:
    """Linear combinations of prototype masks, as in YOLO's segmentation heads.

    Attributes:
        coefficients: (N, C) float32.
        prototypes: (C, h, w) float32 logits that cover the model's whole input.
        to_grid: from pixels to cells of the prototypes.
    """

    coefficients: Array
    prototypes: Array
    to_grid: Geometry

    @classmethod
    def over(cls, coefficients: Array, prototypes: Array, size: Size) -> "PrototypeMasks":
        """Return masks that cover a model's input of `size`."""
        height, width = prototypes.shape[1:]
        return cls(coefficients, prototypes, Geometry(width / size[1], height / size[0]))

    def take(self, index: Array) -> "PrototypeMasks":
        """See Masks.take."""
        return replace(self, coefficients=self.coefficients[index])

    def to_image(self, geometry: Geometry) -> "PrototypeMasks":
        """See Masks.to_image."""
        return replace(self, to_grid=geometry.followed_by(self.to_grid))

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """Upsample the logits within the box, then threshold them at 0.

        The order matters: thresholding first loses up to 0.1 IoU. A pixel belongs to the box if its
        index is in [x1, x2), as in Ultralytics' crop_mask.
        """
        left, top, right, bottom = (ceil(value) for value in box)
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(right, size[1]), min(bottom, size[0])
        if left >= right or top >= bottom:
            return None
        channels, height, width = self.prototypes.shape
        grid = self.to_grid
        # Bilinear interpolation reaches one cell beyond the window.
        x1 = min(max(floor(left * grid.scale_x + grid.shift_x) - 1, 0), width - 1)
        y1 = min(max(floor(top * grid.scale_y + grid.shift_y) - 1, 0), height - 1)
        x2 = max(ceil(right * grid.scale_x + grid.shift_x) + 1, x1 + 1)
        y2 = max(ceil(bottom * grid.scale_y + grid.shift_y) + 1, y1 + 1)
        part = self.prototypes[:, y1:y2, x1:x2].astype(np.float32, copy=False)
        weights = self.coefficients[number : number + 1].astype(np.float32, copy=False)
        logits = np.dot(weights, part.reshape(channels, -1)).reshape(part.shape[1:])
        shift_x, shift_y = grid.shift_x - x1, grid.shift_y - y1
        to_part = Geometry(grid.scale_x, grid.scale_y, shift_x, shift_y)
        values = sample(logits, to_part, (left, top, right, bottom))
        return tight((values > 0).view(np.uint8), left, top)


@dataclass(frozen=True, slots=True)
class FrameMasks:
    """One grid of values per instance, which covers the model's whole input.

    The grids stay in the model's output: 100 masks of 800x1333 pixels take 400 MB.

    Attributes:
        values: (M, h, w) of any float or integer type.
        level: the value that a mask's pixels must exceed.
        to_grid: from pixels to cells.
        rows: (N,) the index of each instance's grid.
    """

    values: Array
    level: float
    to_grid: Geometry
    rows: Array

    @classmethod
    def over(
        cls, values: Array, level: float, size: Size, rows: Array | None = None
    ) -> "FrameMasks":
        """Return masks that cover a model's input of `size`; by default, those of all grids."""
        height, width = values.shape[1:]
        rows = np.arange(len(values)) if rows is None else rows
        return cls(values, level, Geometry(width / size[1], height / size[0]), rows)

    def take(self, index: Array) -> "FrameMasks":
        """See Masks.take."""
        return replace(self, rows=self.rows[index])

    def to_image(self, geometry: Geometry) -> "FrameMasks":
        """See Masks.to_image."""
        return replace(self, to_grid=geometry.followed_by(self.to_grid))

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """See Masks.crop. The mask is not cropped to the box: in some heads it extends beyond."""
        grid = self.values[self.rows[number]]
        x, y, width, height = cv2.boundingRect((grid > self.level).view(np.uint8))
        if not width:
            return None
        # Interpolation reaches one cell beyond the cells above the level.
        around = np.array([[x - 1, y - 1, x + width + 1, y + height + 1]])
        window = _window(self.to_grid.inverse.boxes(around)[0], size, margin=1)
        if window is None:
            return None
        values = sample(grid.astype(np.float32, copy=False), self.to_grid, window)
        return tight((values > self.level).view(np.uint8), window[0], window[1])


@dataclass(frozen=True, slots=True)
class BoxMasks:
    """One small grid of values per instance, stretched over its box, as in Mask R-CNN's heads.

    Attributes:
        values: (N, h, w) float32.
        level: the value that a mask's pixels must exceed.
        boxes: (N, 4) x1 y1 x2 y2, not clipped.
    """

    values: Array
    level: float
    boxes: Array

    def take(self, index: Array) -> "BoxMasks":
        """See Masks.take."""
        return replace(self, values=self.values[index], boxes=self.boxes[index])

    def to_image(self, geometry: Geometry) -> "BoxMasks":
        """See Masks.to_image."""
        return replace(self, boxes=geometry.inverse.boxes(self.boxes))

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """See Masks.crop."""
        window = _window(box, size, margin=0)
        x1, y1, x2, y2 = self.boxes[number].tolist()
        if window is None or x2 <= x1 or y2 <= y1:
            return None
        height, width = self.values.shape[1:]
        scale_x, scale_y = width / (x2 - x1), height / (y2 - y1)
        to_grid = Geometry(scale_x, scale_y, -x1 * scale_x, -y1 * scale_y)
        values = sample(self.values[number].astype(np.float32), to_grid, window)
        return tight((values > self.level).view(np.uint8), window[0], window[1])


@dataclass(frozen=True, slots=True)
class RegionMasks:
    """A label map of the whole image, in which each instance has its own number.

    Attributes:
        regions: (H, W) integers, in pixels of the image.
        numbers: (N,) the instances' numbers in the map.
    """

    regions: Array = field(repr=False)
    numbers: Array

    def areas(self) -> Array:
        """Return the number of pixels of each instance, (N,)."""
        counts = np.bincount(
            self.regions.ravel().clip(0), minlength=self.numbers.max(initial=0) + 1
        )
        return np.asarray(counts[self.numbers])

    def take(self, index: Array) -> "RegionMasks":
        """See Masks.take."""
        return replace(self, numbers=self.numbers[index])

    def to_image(self, geometry: Geometry) -> "RegionMasks":
        """Return the masks unchanged: the map is in pixels of the image."""
        return self

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """See Masks.crop."""
        window = _window(box, size, margin=0)
        if window is None:
            return None
        left, top, right, bottom = window
        part = self.regions[top:bottom, left:right] == self.numbers[number]
        return tight(part.view(np.uint8), left, top)


@dataclass(frozen=True, slots=True)
class CropMasks:
    """Masks that are computed already, of instances that may overlap.

    Attributes:
        crops: the mask of each instance, in pixels of the image.
    """

    crops: tuple[Crop | None, ...]

    def take(self, index: Array) -> "CropMasks":
        """See Masks.take."""
        return CropMasks(tuple(self.crops[it] for it in np.arange(len(self.crops))[index].tolist()))

    def to_image(self, geometry: Geometry) -> "CropMasks":
        """Return the masks unchanged: they are in pixels of the image."""
        return self

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """See Masks.crop."""
        return self.crops[number]
