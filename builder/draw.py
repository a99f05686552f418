"""Drawing a reply onto its image."""

import colorsys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2

from runtimes.arrays import Array

Color = tuple[int, int, int]
"""Blue, green, red, 0 to 255."""

_GOLDEN = 0.618033988749895
"""Steps of the golden ratio around the colour circle keep any number of labels apart."""


_WEIGHT = 500
"""Of the letters, from 100 (thin) to 900."""


@lru_cache
def _font() -> Any:
    """OpenCV's own scalable font, which has Latin, Greek and Cyrillic letters."""
    return cv2.FontFace("sans")


def color_of(number: int) -> Color:
    """A strong colour for the label with this number in the function's list."""
    red, green, blue = colorsys.hsv_to_rgb((0.05 + number * _GOLDEN) % 1, 0.85, 1.0)
    return int(blue * 255), int(green * 255), int(red * 255)


def draw(image: Array, items: Sequence[dict[str, Any]], names: Sequence[str]) -> Array:
    """Draw a detector's items.

    Every line has a dark rim and every caption its own background, so that both are readable on
    any image.

    Args:
        image: (H, W, 3) uint8 BGR; it is not changed.
        items: of CVAT's detector contract.
        names: the function's labels, in order, for their colours.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    canvas = image.copy()
    thick = max(2, round(max(image.shape[:2]) / 500))
    # The worst first, so that the best lie on top.
    for item in reversed(items):
        name = item["label"]
        color = color_of(names.index(name) if name in names else len(names))
        left, top = _rectangle(canvas, item["points"], color, thick)
        _caption(canvas, f"{name} {item['confidence']:.2f}", left, top, color)
    return canvas


def _rectangle(canvas: Array, points: Sequence[float], color: Color, thick: int) -> tuple[int, int]:
    """Draw a box; return where its caption goes."""
    left, top, right, bottom = (round(value) for value in points)
    for shade, width in (((0, 0, 0), thick + 2), (color, thick)):
        cv2.rectangle(canvas, (left, top), (right, bottom), shade, width, cv2.LINE_AA)
    return left, top


def _caption(canvas: Array, text: str, left: int, top: int, color: Color) -> None:
    """Write a caption on a plate above a point, or below where there is no room, within bounds."""
    height, width = canvas.shape[:2]
    points = max(14, min(40, round(max(height, width) / 45)))
    _, _, wide, _ = cv2.getTextSize((width, height), text, (0, 0), _font(), points, _WEIGHT)
    plate_height, plate_width = round(points * 1.3), wide + round(points * 0.5)
    x = max(0, min(left, width - plate_width))
    y = top - plate_height if top >= plate_height else min(top, height - plate_height)
    cv2.rectangle(canvas, (x, y), (x + plate_width, y + plate_height), color, cv2.FILLED)
    cv2.rectangle(canvas, (x, y), (x + plate_width, y + plate_height), (0, 0, 0), 1)
    blue, green, red = color
    # Relative luminance of sRGB (ITU-R BT.709 weights) decides between black and white letters.
    ink = (0, 0, 0) if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 110 else (255, 255, 255)
    baseline = (x + round(points * 0.25), y + round(points * 0.98))
    cv2.putText(canvas, text, baseline, ink, _font(), points, _WEIGHT)
