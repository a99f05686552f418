"""JPEG files decoded at 1/2, 1/4 or 1/8 of their size.

The JPEG decoder reduces each block of 8x8 pixels to 4x4, 2x2 or 1x1 in the inverse cosine
transform, so that fewer pixels are computed, converted and resized. The entropy coding still takes
its full time.
"""

import os
import struct
from collections.abc import Callable

import cv2
import numpy as np

from runtimes import image, jpeg
from runtimes.arrays import Array, Size, size_of
from runtimes.geometry import Geometry
from runtimes.picture import Picture

_FLAGS = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
"""Factor -> OpenCV's flag, the largest factor first."""

_MIRRORED = {
    1: (False, False),
    2: (False, True),
    3: (True, True),
    4: (True, False),
    5: (False, False),
    6: (False, True),
    7: (True, True),
    8: (True, False),
}
"""Exif's orientation -> whether the upright image begins with the last row, and with the last
column, of the stored pixels; with rows and columns exchanged from 5 on (Exif 2.32, 4.6.4)."""


def decode(text: object, content: Callable[[Size], Size], where: str = "image") -> Picture:
    """Decode the image of a request at the smallest size that is not below the model's input.

    Files that are no JPEG files, are damaged or are too small to be reduced are decoded whole.

    Args:
        text: see image.decode, which also lists the errors.
        content: the size to which preprocessing resizes an image of a size.
        where: the request's key.
    """
    data = image.file_bytes(text, where)
    return _reduced(data, content) or Picture.whole(image.pixels(data, where))


def _reduced(data: bytes, content: Callable[[Size], Size]) -> Picture | None:
    """Return the upright image of a file at a reduced size; None if it has to be decoded whole."""
    header = _header(data) if data.startswith(jpeg.START) else None
    if header is None:
        return None
    size, orientation = header
    height, width = content(size)
    factor = next((it for it in _FLAGS if size[0] // it >= height and size[1] // it >= width), 1)
    if factor == 1:
        return None
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), _FLAGS[factor])
    except cv2.error:
        return None
    # libjpeg rounds up: the last pixel of a row or column may reach beyond the image.
    rows, columns = -(-size[0] // factor), -(-size[1] // factor)
    if found is None or size_of(found) != (rows, columns):
        return None
    pixels: Array = found
    from_bottom, from_right = _MIRRORED[orientation]
    geometry = Geometry(
        1 / factor,
        1 / factor,
        columns - size[1] / factor if from_right else 0,
        rows - size[0] / factor if from_bottom else 0,
    )
    return Picture(pixels, size, geometry)


def _header(data: bytes) -> tuple[Size, int] | None:
    """Return height and width of the upright image and its orientation.

    None for a file that is damaged, ambiguous, or larger than OpenCV's limit, which OpenCV compares
    with the reduced size alone.
    """
    orientations: list[int] = []
    size: Size | None = None
    try:
        for marker, place, length in jpeg.segments(data):
            if marker == jpeg.EXIF and data.startswith(b"Exif\0", place):
                orientations += jpeg.orientations(data[place + 6 : place + length])
            elif marker in jpeg.FRAMES:
                height, width = struct.unpack_from(">HH", data, place + 1)
                size = height, width
            elif marker == jpeg.SCAN:
                break
        limit = int(os.environ.get(jpeg.PIXEL_LIMIT, "0"))
    except (struct.error, LookupError, ValueError):
        return None
    orientation, *others = orientations or [1]
    if size is None or not 0 < size[0] * size[1] <= limit:
        return None
    if others or orientation not in _MIRRORED:
        return None
    return (size if orientation < 5 else (size[1], size[0])), orientation
