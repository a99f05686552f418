"""Captions in pictures: text on small plates that do not overlap if there is room."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2

from runtimes.arrays import Array

Color = tuple[int, int, int]
"""Blue, green, red, 0 to 255."""

_WEIGHT = 500
"""Weight of the letters, from 100 (thin) to 900."""

_TRIES = 4
"""How far a plate may move up or down to a free place, in heights of the plate."""


@lru_cache
def _font() -> Any:
    """Return OpenCV's scalable font, which has Latin, Greek and Cyrillic letters."""
    return cv2.FontFace("sans")


@dataclass(frozen=True, slots=True)
class Caption:
    """The text of a shape.

    Attributes:
        text: the text.
        left, top: the point below the text, pixels.
        color: color of the plate.
    """

    text: str
    left: int
    top: int
    color: Color


@dataclass(frozen=True, slots=True)
class _Plate:
    """The background of a caption, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def overlaps(self, other: "_Plate") -> bool:
        """Return whether two plates share a pixel."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


def letter_size(canvas: Array) -> int:
    """Return the height of the letters on a canvas, in pixels."""
    side: int = max(canvas.shape[:2])
    return max(14, min(40, side // 45))


def write(canvas: Array, captions: list[Caption]) -> None:
    """Write captions onto a canvas, (H, W, 3) uint8 BGR.

    Captions are in the order of their importance: the first get the best places, and lie on top if
    there are too many.
    """
    written: list[tuple[Caption, _Plate]] = []
    for caption in captions:
        places = list(_places(canvas, caption))
        free = (it for it in places if not any(it.overlaps(other) for _, other in written))
        written.append((caption, next(free, places[0])))
    for caption, plate in reversed(written):
        _write(canvas, caption, plate)


def _places(canvas: Array, caption: Caption) -> Iterator[_Plate]:
    """Yield the places of a caption within the canvas, the best first.

    The best place is above the point, or below it if there is no room. Places higher and lower
    follow.
    """
    height, width = canvas.shape[:2]
    points = letter_size(canvas)
    _, _, wide, _ = cv2.getTextSize((width, height), caption.text, (0, 0), _font(), points, _WEIGHT)
    high, wide = round(points * 1.3), wide + round(points * 0.5)
    x = max(0, min(caption.left, width - wide))
    y = caption.top - high if caption.top >= high else max(0, min(caption.top, height - high))
    yield _Plate(x, y, wide, high)
    for step in range(1, _TRIES + 1):
        for moved in (y - step * high, y + step * high):
            if 0 <= moved <= height - high:
                yield _Plate(x, moved, wide, high)


def _write(canvas: Array, caption: Caption, plate: _Plate) -> None:
    """Write a caption on its plate."""
    points = letter_size(canvas)
    corners = (plate.x, plate.y), (plate.x + plate.width, plate.y + plate.height)
    cv2.rectangle(canvas, *corners, caption.color, cv2.FILLED)
    cv2.rectangle(canvas, *corners, (0, 0, 0), 1)
    blue, green, red = caption.color
    # Relative luminance of sRGB (ITU-R BT.709 weights) decides between black and white letters.
    ink = (0, 0, 0) if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 110 else (255, 255, 255)
    baseline = (plate.x + round(points * 0.25), plate.y + round(points * 0.98))
    cv2.putText(canvas, caption.text, baseline, ink, _font(), points, _WEIGHT)
