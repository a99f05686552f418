"""The images of a benchmark, and their mix of sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import cv2
import numpy as np

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.predict.files import pixels_of, read_bytes
from runtimes.errors import BadRequest

RATIOS = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (9, 16), (2, 1))
"""Aspect ratios of the sizes that are derived from one image, width and height."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of a benchmark.

    Attributes:
        name: its path.
        data: the image file.
        width, height: pixels.
    """

    name: str
    data: bytes
    width: int
    height: int


def read(file: Path) -> Picture:
    """Read an image file.

    Raises:
        CommandLineError: it cannot be read or decoded.
    """
    data = read_bytes(file)
    try:
        height, width = pixels_of(data).shape[:2]
    except BadRequest as error:
        raise CommandLineError(Problem(f"cannot be decoded: {error}", file=file)) from error
    return Picture(str(file), data, width, height)


def mixed(pictures: Sequence[Picture]) -> list[Picture]:
    """Return images of different sizes.

    A model whose input follows the image's size can be slow whenever the size changes, which equal
    images hide. If all images are equal in size, the first one is stretched to RATIOS with its
    number of pixels, so that only the shape differs.

    Args:
        pictures: at least one.
    """
    if len({(it.width, it.height) for it in pictures}) > 1:
        return list(pictures)
    first = pictures[0]
    pixels = pixels_of(first.data)
    # Encoded as the original is, because the formats differ in the cost of decoding.
    suffix = ".jpg" if first.data.startswith(b"\xff\xd8") else ".png"
    found = []
    for x, y in RATIOS:
        scale = sqrt(first.width * first.height / (x * y))
        width, height = max(1, round(x * scale)), max(1, round(y * scale))
        resized = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        data = np.asarray(cv2.imencode(suffix, resized)[1]).tobytes()
        found.append(Picture(first.name, data, width, height))
    return found
