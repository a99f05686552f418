"""Sizes of image files, read from their headers."""

import struct
from pathlib import Path
from typing import BinaryIO

import cv2

from builder.datasets.value import Place
from builder.diagnostics.errors import DatasetError
from runtimes.arrays import Size, size_of

_PNG = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112
_TRANSPOSED = (5, 6, 7, 8)
"""Values of EXIF's orientation that exchange width and height."""
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
"""Markers of JPEG's start of frame."""


class ImageError(DatasetError):
    """The file of one image cannot be read or decoded."""


def image_size(file: Path) -> Size:
    """Return height and width of an image as CVAT and OpenCV show it, with EXIF's orientation.

    JPEG and PNG are read up to the size; other formats are decoded.

    Raises:
        ImageError: the file is not a readable image.
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
            if start.startswith(b"\xff\xd8"):
                size = _jpeg(stream)
            elif start == _PNG:
                size = _png(stream)
            else:
                size = None
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise ImageError(*Place(file).error(reason).problems) from error
    except struct.error:
        size = None
    return size or _decoded(file)


def _decoded(file: Path) -> Size:
    try:
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        error = Place(file).error("is not a readable image", allowed="JPEG, PNG, WebP, BMP, TIFF")
        raise ImageError(*error.problems)
    return size_of(image)


def _jpeg(stream: BinaryIO) -> Size | None:
    """Return the size in the first start of frame; None if there is none."""
    stream.seek(2)
    transposed = False
    while True:
        marker = stream.read(2)
        if len(marker) < 2 or marker[0] != 0xFF:
            return None
        if marker[1] == 0xFF:  # a fill byte
            stream.seek(-1, 1)
            continue
        (length,) = struct.unpack(">H", stream.read(2))
        if marker[1] in _FRAMES:
            height, width = struct.unpack(">xHH", stream.read(5))
            if not height or not width:
                return None
            return (width, height) if transposed else (height, width)
        data = stream.read(length - 2) if marker[1] == 0xE1 else b""
        if data.startswith(b"Exif\0\0"):
            transposed = _orientation(data[6:]) in _TRANSPOSED
        elif not data:
            stream.seek(length - 2, 1)


def _orientation(tiff: bytes) -> int:
    """Return the orientation in EXIF's data, 1 if it has none."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, offset)
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, value = struct.unpack_from(f"{order}H6xH", tiff, entry)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:
        return 1
    return 1


def _png(stream: BinaryIO) -> Size | None:
    """Return the size in the first chunk; None if an EXIF chunk may follow, or it is damaged."""
    length, kind, width, height = struct.unpack(">I4sII", stream.read(16))
    if kind != b"IHDR" or not width or not height:
        return None
    stream.seek(length - 8 + 4, 1)
    while True:
        length, kind = struct.unpack(">I4s", stream.read(8))
        if kind == b"eXIf":
            return None
        if kind in (b"IDAT", b"IEND"):
            return height, width
        stream.seek(length + 4, 1)
