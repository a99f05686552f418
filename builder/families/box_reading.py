"""Reading the format of decoded boxes from the values that a model gives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.box_formats import BoxFormat, BoxUnit, to_corners

_UNIT_LIMIT = 2.0
"""Fractions of the image's sides are below it, even those of boxes that stand out of the image."""
_SLACK = 0.1
"""A box may stand out of the image by this fraction of its sides."""
_MOST_OUTLIERS = 0.02
"""Of raw candidates, those without an object may have any box."""


@dataclass(frozen=True, slots=True)
class BoxReading:
    """The format that fits the boxes of a model.

    Attributes:
        box: the four values of a box.
        unit: their unit.
        seen: whether values show it; False if it is a guess without any.
    """

    box: BoxFormat
    unit: BoxUnit
    seen: bool


def read_boxes(
    runs: Sequence[Array],
    size: Size | None,
    formats: Sequence[BoxFormat] = ("corners", "center"),
) -> BoxReading | None:
    """Return the format of boxes, or None if the values cannot be boxes, such as raw offsets.

    Args:
        runs: the output for each image that the model was run on.
        size: height and width of that image.
        formats: the formats in question; of those that fit equally well, the first.
    """
    rows = [run.reshape(-1, 4).astype(np.float64) for run in runs if run.size % 4 == 0]
    boxes = np.concatenate(rows) if rows else np.zeros((0, 4))
    boxes = boxes[(boxes != 0).any(axis=1)]
    if len(boxes) == 0 or size is None:
        return BoxReading(formats[0], "pixels", seen=False)
    if not np.isfinite(boxes).all():
        return None
    unit: BoxUnit = "fraction" if np.abs(boxes).max() <= _UNIT_LIMIT else "pixels"
    fitting = {box: _outliers(boxes, box, unit, size) for box in formats}
    best = min(formats, key=fitting.__getitem__)
    return None if fitting[best] > _MOST_OUTLIERS else BoxReading(best, unit, seen=True)


def _outliers(boxes: Array, box: BoxFormat, unit: BoxUnit, size: Size) -> float:
    """Return the share of boxes that are empty, or whose center is out of the image.

    Boxes that stand out of the image count less, to tell formats apart that fit otherwise.
    """
    height, width = size
    sides = np.array([width, height])
    found = to_corners(boxes, box, unit, size)
    first, last = found[:, :2] / sides, found[:, 2:] / sides
    middle = (first + last) / 2
    wrong = (last <= first).any(axis=1)
    wrong |= (np.minimum(middle, 1 - middle) < -_SLACK).any(axis=1)
    outside = (np.minimum(first, 1 - last) < -_SLACK).any(axis=1)
    return float(np.mean(wrong) + np.mean(outside) * _MOST_OUTLIERS / 2)
