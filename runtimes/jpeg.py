"""JPEG files, decoded by libjpeg-turbo without OpenCV where the pixels are the same.

This is faster, mainly for large images. OpenCV decodes all files that need more than a conversion
from YCbCr, and all that are damaged, so that errors and warnings stay the same.

Format: ITU-T T.81, Annex B; JFIF; for Adobe's segment ITU-T T.872, 6.5.3.
"""

import os
import struct
from collections.abc import Iterator

from runtimes import tiff
from runtimes.arrays import Array

try:
    import simplejpeg
except ImportError:  # an optional package: OpenCV decodes all files without it
    simplejpeg = None

PIXEL_LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"
"""The environment variable with OpenCV's limit of pixels; runtimes/__init__.py sets a default."""

START = b"\xff\xd8\xff"
"""The first bytes of a JPEG file."""

_FRAMES = (0xC0, 0xC1, 0xC2)
"""Markers of frames with Huffman coding: baseline, extended, progressive."""
_EXIF, _ADOBE, _SCAN = 0xE1, 0xEE, 0xDA
_ORIENTATION = 274


def decode(data: bytes) -> Array | None:
    """Decode a JPEG file.

    Args:
        data: its bytes, which begin with START.

    Returns:
        (H, W, 3) uint8 BGR, equal to OpenCV's pixels; None if OpenCV has to decode the file.
    """
    if simplejpeg is None or not _is_plain(data):
        return None
    try:
        pixels: Array = simplejpeg.decode_jpeg(data, colorspace="BGR")
        return pixels
    except ValueError:  # also raised for libjpeg's warnings
        return None


def _is_plain(data: bytes) -> bool:
    """Return whether a file is upright, has 8 bits and YCbCr, and no more pixels than allowed."""
    try:
        for marker, place, size in _segments(data):
            if marker == _EXIF and data.startswith(b"Exif\0", place):
                if _is_turned(data[place + 6 : place + size]):
                    return False
            elif marker == _ADOBE and data.startswith(b"Adobe", place):
                if data[place + 11] != 1:  # the transformation: 1 is YCbCr
                    return False
            elif marker in _FRAMES:
                bits, height, width, components = struct.unpack_from(">BHHB", data, place)
                ids = tuple(data[place + 6 + 3 * number] for number in range(components))
                pixels = int(os.environ.get(PIXEL_LIMIT, "0"))
                if bits != 8 or ids != (1, 2, 3) or not 0 < height * width <= pixels:
                    return False
            elif marker == _SCAN:
                return True
            elif 0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                return False  # another kind of frame
    except (struct.error, LookupError, ValueError):
        pass  # damaged, or a limit that only OpenCV can read
    return False


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, position and size of each segment's content, up to the first scan's."""
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        (size,) = struct.unpack_from(">H", data, place + 2)
        yield marker, place + 4, size - 2
        place += 2 + size


def _is_turned(exif: bytes) -> bool:
    """Return whether Exif data have an orientation other than upright."""
    values = [
        struct.unpack_from(entry.order + "H", exif, entry.place)
        for entry in tiff.entries(exif)
        if entry.tag == _ORIENTATION
    ]
    return any(value != (1,) for value in values)
