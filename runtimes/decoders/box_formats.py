"""The formats in which models write boxes, and their conversion to corners in pixels."""

from typing import Literal, TypeAlias

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.outputs import corners
from runtimes.decoders.roles import to_pixels

BoxFormat: TypeAlias = Literal["corners", "yx_corners", "center"]
"""The four values of a box: x1 y1 x2 y2; y1 x1 y2 x2; center x, center y, width, height."""
BoxUnit: TypeAlias = Literal["pixels", "fraction"]
"""Pixels of the model's input, or 0..1 of its width and height."""


def to_corners(boxes: Array, box: BoxFormat, unit: BoxUnit, size: Size) -> Array:
    """Convert boxes to x1 y1 x2 y2 in pixels of the model's input.

    Args:
        boxes: (N, 4) of any float type.
        box: their format.
        unit: their unit.
        size: height and width of the input.

    Returns:
        (N, 4).
    """
    if box == "center":
        boxes = corners(boxes.astype(np.float64))
    elif box == "yx_corners":
        boxes = boxes[:, [1, 0, 3, 2]]
    return to_pixels(boxes, size) if unit == "fraction" else boxes
