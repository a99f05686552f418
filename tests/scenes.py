"""Drawn scenes whose every shape is known to the pixel, for what segments and what follows."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from runtimes.arrays import Array, Size

RED, GREEN, BLUE, GREY = (60, 60, 220), (70, 190, 80), (220, 120, 50), (150, 150, 150)


@dataclass(frozen=True, slots=True)
class Scene:
    """An image and its shapes.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        shapes: name -> (H, W) bool.
        inside: name -> x, y of a place well inside of the shape.
        png: the image as a file.
    """

    image: Array
    shapes: dict[str, Array]
    inside: dict[str, tuple[float, float]]
    png: bytes


@cache
def scene(size: Size = (480, 640)) -> Scene:
    """A disc and a bar of one color, a ring, and a triangle, on gray, with some noise.

    All is drawn for 480x640 and stretched to `size`.
    """
    height, width = size
    y, x = np.mgrid[:height, :width] + 0.5
    x, y = x * 640 / width, y * 480 / height
    away = np.hypot(x - 460, y - 130)
    along = (x - 180) * 0.8 + (y - 360) * 0.6
    across = (y - 360) * 0.8 - (x - 180) * 0.6
    shapes = {
        "disc": np.hypot(x - 150, y - 130) < 80,
        "bar": (abs(along) < 110) & (abs(across) < 30),
        "ring": (away < 100) & (away > 45),
        "triangle": (y > 280) & (y < 440) & (abs(x - 480) < (y - 280) * 0.6),
    }
    image = np.empty((height, width, 3), np.float64)
    image[:] = GREY
    for name, color in (("disc", RED), ("bar", RED), ("ring", GREEN), ("triangle", BLUE)):
        image[shapes[name]] = color
    image += np.random.default_rng(0).normal(0, 4, image.shape)
    places = {"disc": (150, 130), "bar": (180, 360), "ring": (460, 58), "triangle": (480, 380)}
    inside = {name: (a * width / 640, b * height / 480) for name, (a, b) in places.items()}
    drawn = image.clip(0, 255).astype(np.uint8)
    drawn.setflags(write=False)
    _, png = cv2.imencode(".png", drawn)
    return Scene(drawn, shapes, inside, png.tobytes())


def iou(one: Array, other: Array) -> float:
    """Intersection over union of two masks of one size."""
    shared, together = int(((one > 0) & (other > 0)).sum()), int(((one > 0) | (other > 0)).sum())
    return shared / together if together else 0.0
