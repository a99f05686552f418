"""Pictures drawn in code, on which built functions are tried out."""

from collections.abc import Callable

import cv2
import numpy as np

from runtimes.arrays import Array

_HEIGHT, _WIDTH = 360, 480
"""Neither square nor multiples of 32, so that a wrong size shows."""


def blank() -> bytes:
    """Return a black image file."""
    return _encoded(np.zeros((_HEIGHT, _WIDTH, 3), np.uint8))


def pictures() -> dict[str, bytes]:
    """Return the image files in which a model finds something, by name."""
    makers: dict[str, Callable[[], Array]] = {"bright": _bright, "noise": _noise, "scene": _scene}
    return {name: _encoded(make()) for name, make in makers.items()}


def _bright() -> Array:
    """Return a white image, on which the activations of a network are large."""
    return np.full((_HEIGHT, _WIDTH, 3), 255, np.uint8)


def _noise() -> Array:
    """Return uniform noise, which has structure at each place and of each size."""
    shape = (_HEIGHT // 3, _WIDTH // 3, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    return np.asarray(cv2.resize(noise, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_LINEAR))


def _scene() -> Array:
    """Return a street like one in a photograph: sky, houses, road, cars, people, grain and blur."""
    random = np.random.default_rng(1)
    rows = np.linspace(0, 1, _HEIGHT)[:, None, None]
    image = np.asarray((1 - rows) * [230, 180, 120] + rows * [200, 210, 220])
    image = np.ascontiguousarray(np.broadcast_to(image, (_HEIGHT, _WIDTH, 3)).astype(np.uint8))
    cv2.rectangle(image, (0, 230), (_WIDTH, _HEIGHT), (90, 95, 95), -1)
    for left, top, wide, color in ((0, 90, 130, (70, 90, 150)), (310, 60, 170, (120, 140, 160))):
        cv2.rectangle(image, (left, top), (left + wide, 240), color, -1)
        for x in range(left + 12, left + wide - 20, 32):
            for y in range(top + 15, 210, 40):
                cv2.rectangle(image, (x, y), (x + 16, y + 24), (60, 50, 40), -1)
    for x, y, color in ((60, 285, (40, 40, 190)), (330, 300, (190, 120, 40))):
        cv2.rectangle(image, (x, y - 25), (x + 120, y + 15), color, -1)
        cv2.ellipse(image, (x + 60, y - 25), (42, 26), 0, 180, 360, (200, 200, 190), -1)
        for wheel in (x + 25, x + 95):
            cv2.circle(image, (wheel, y + 16), 15, (25, 25, 25), -1)
            cv2.circle(image, (wheel, y + 16), 6, (180, 180, 180), -1)
    for x, color in ((225, (60, 170, 220)), (270, (90, 60, 60))):
        cv2.circle(image, (x, 172), 11, (140, 170, 225), -1)
        cv2.ellipse(image, (x, 212), (16, 32), 0, 0, 360, color, -1)
        cv2.line(image, (x - 6, 240), (x - 9, 285), (70, 50, 40), 9)
        cv2.line(image, (x + 6, 240), (x + 10, 285), (70, 50, 40), 9)
    grain = random.normal(0, 7, image.shape)
    soft = cv2.GaussianBlur(image, (0, 0), 1.2).astype(np.float64) + grain
    return np.asarray(soft.clip(0, 255).astype(np.uint8))


def _encoded(image: Array) -> bytes:
    """Return (H, W, 3) uint8 BGR as an image file without loss."""
    # Little compression: the file exists only for the smoke test.
    _, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()
