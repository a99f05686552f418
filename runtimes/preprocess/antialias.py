"""Resizing with antialiasing, as in Pillow and torchvision."""

from math import floor

import cv2
import numpy as np

from runtimes.arrays import Array, Size


def resize(pixels: Array, size: Size) -> Array:
    """Resize with a triangle filter whose support grows with the reduction factor.

    The result equals that of Pillow's `Image.resize` with BILINEAR (src/libImaging/Resample.c)
    within one gray level. cv2.resize always interpolates between four pixels, which changes a
    classifier's probabilities by some percent.

    Args:
        pixels: (H, W, 3) uint8.
        size: height and width of the result.

    Returns:
        (height, width, 3) uint8.
    """
    height, width = size
    old_height, old_width = pixels.shape[:2]
    if height >= old_height and width >= old_width:
        # For enlarging, the filter is plain bilinear interpolation.
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR))
    rows = _filtered(pixels.reshape(old_height, -1), height)
    columns = rows.reshape(height, old_width, 3).transpose(1, 0, 2).reshape(old_width, -1)
    both = _filtered(columns, width).reshape(width, height, 3).transpose(1, 0, 2)
    return np.ascontiguousarray(np.rint(both).astype(np.uint8))


def _filtered(values: Array, count: int) -> Array:
    """Resample (n, m) of any type to (count, m) float32 along the first axis.

    Each row of the result is a weighted mean of a few neighboring rows; the weights decrease
    linearly from its center. One small product per row is faster than one with a whole matrix.
    """
    old = len(values)
    scale = old / count
    reach = max(scale, 1.0)
    result = np.empty((count, values.shape[1]), np.float32)
    for row in range(count):
        center = (row + 0.5) * scale
        first, end = max(0, floor(center - reach + 0.5)), min(old, floor(center + reach + 0.5))
        weights = np.maximum(0, 1 - np.abs(np.arange(first, end) + 0.5 - center) / reach)
        weights = (weights / weights.sum()).astype(np.float32)
        np.dot(weights, values[first:end].astype(np.float32, copy=False), out=result[row])
    return result
