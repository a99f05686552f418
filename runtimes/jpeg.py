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

FRAMES = (0xC0, 0xC1, 0xC2)
"""Markers of frames with Huffman coding: baseline, extended, progressive."""
EXIF, SCAN = 0xE1, 0xDA
"""Markers of the segment with Exif data, and of the first scan."""
_ADOBE = 0xEE
_ORIENTATION = 274


def decode(data: bytes) -> Array | None:
    """Decode a JPEG file.

    Args:
        data: its bytes, which begin with START.

    Returns:
        (H, W, 3) uint8 BGR, equal to OpenCV's pixels; None if OpenCV has to decode the file.
    """
    if simplejpeg is None or not is_plain(data):
        return None
    try:
        pixels: Array = simplejpeg.decode_jpeg(data, colorspace="BGR")
        return pixels
    except ValueError:  # also raised for libjpeg's warnings
        return None


def is_plain(data: bytes) -> bool:
    """Return whether a file is upright, has 8 bits and YCbCr, and no more pixels than allowed.

    Args:
        data: its bytes, which begin with START.
    """
    try:
        for marker, place, size in segments(data):
            if marker == EXIF and data.startswith(b"Exif\0", place):
                if any(it != 1 for it in orientations(data[place + 6 : place + size])):
                    return False
            elif marker == _ADOBE and data.startswith(b"Adobe", place):
                if data[place + 11] != 1:  # the transformation: 1 is YCbCr
                    return False
            elif marker in FRAMES:
                bits, height, width, components = struct.unpack_from(">BHHB", data, place)
                ids = tuple(data[place + 6 + 3 * number] for number in range(components))
                pixels = int(os.environ.get(PIXEL_LIMIT, "0"))
                if bits != 8 or ids != (1, 2, 3) or not 0 < height * width <= pixels:
                    return False
            elif marker == SCAN:
                return True
            elif 0xC3 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
                return False  # another kind of frame
    except (struct.error, LookupError, ValueError):
        pass  # damaged, or a limit that only OpenCV can read
    return False


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, position and size of each segment's content, up to the first scan's.

    Raises:
        IndexError, struct.error: the file ends before its first scan.
    """
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        (size,) = struct.unpack_from(">H", data, place + 2)
        yield marker, place + 4, size - 2
        place += 2 + size


def orientations(exif: bytes) -> list[int]:
    """Return the values of Exif's orientation, 1 for upright; several in an invalid file.

    Args:
        exif: the Exif data, which are a TIFF file.

    Raises:
        struct.error, KeyError: they are damaged.
    """
    return [
        struct.unpack_from(entry.order + "H", exif, entry.place)[0]
        for entry in tiff.entries(exif)
        if entry.tag == _ORIENTATION
    ]
