"""Decoding of images in requests."""

import binascii
import struct
from base64 import b64decode

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadRequest

_TIFF = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
"""The first bytes of a TIFF or BigTIFF file -> its byte order, for `struct`."""
_MAX_TAGS = 4096

WARM_UP_SIZE = (480, 640)
"""Height and width of the black image on which a function runs once at start-up."""


def blank() -> Array:
    """Return a black image of WARM_UP_SIZE, (H, W, 3) uint8 BGR."""
    return np.zeros((*WARM_UP_SIZE, 3), np.uint8)


def decode(text: object, where: str = "image") -> Array:
    """Decode the image of a request.

    Args:
        text: base64 of an encoded file (JPEG, PNG, WebP, BMP, TIFF, GIF), with or without a
            data URL prefix.
        where: the request's key.

    Returns:
        (H, W, 3) uint8 BGR. Gray and palette images are converted to three channels, alpha is
        dropped, 16 bits are reduced to the upper 8, and the EXIF orientation is applied.

    Raises:
        BadRequest: it is not text, not base64, or not an image.
    """
    if not isinstance(text, str) or not text:
        found = "nothing" if text in (None, "") else type(text).__name__
        raise BadRequest("must be the base64 text of an image file", where=where, found=found)
    return pixels(_bytes(text, where), where)


def pixels(data: bytes, where: str = "image") -> Array:
    """Decode the bytes of an image file; see `decode`.

    Raises:
        BadRequest: OpenCV cannot decode them.
    """
    alone = data[:4] in _TIFF
    buffer = np.frombuffer(_opaque(data) if alone else data, np.uint8)
    try:
        image = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED if alone else cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise BadRequest(f"OpenCV cannot decode the image: {error.err}", where=where) from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise BadRequest(
            "is not an image with 8 or 16 bits per channel",
            where=where,
            found=f"{len(data)} bytes that start with {data[:8].hex(' ')}",
            allowed="JPEG, PNG, WebP, BMP, TIFF or GIF",
        )
    return _three_channels(image) if alone else image


def _opaque(data: bytes) -> bytes:
    """Mark the alpha of a TIFF file as premultiplied.

    OpenCV would otherwise multiply the colors with the alpha, so that transparent pixels become
    black. For all other formats, it drops the alpha. The tag is ExtraSamples (338; TIFF 6.0, page
    31): 2 is unassociated alpha, 1 is associated (premultiplied) alpha.
    """
    order = _TIFF[data[:4]]
    big = b"+" in data[2:4]
    try:
        (offset,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
        (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, offset)
        first, step = offset + (8 if big else 2), 20 if big else 12
        for entry in range(first, first + min(count, _MAX_TAGS) * step, step):
            (tag,) = struct.unpack_from(order + "H", data, entry)
            value = entry + (12 if big else 8)
            if tag == 338 and struct.unpack_from(order + "H", data, value) == (2,):
                return data[:value] + struct.pack(order + "H", 1) + data[value + 2 :]
    except struct.error:
        pass  # a truncated file; OpenCV reports the error
    return data


def _bytes(text: str, where: str) -> bytes:
    """Decode base64 text.

    Raises:
        BadRequest: it is not base64.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    try:  # Base64 with line breaks, as in MIME, is allowed but rare, so it is tried second.
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(
            f"is not base64 ({error})",
            where=where,
            found=repr(text[:24]) + ("..." if len(text) > 24 else ""),
        ) from error


def _three_channels(image: Array) -> Array:
    """Convert (H, W), (H, W, 2), (H, W, 3) or (H, W, 4), uint8 or uint16, to (H, W, 3) uint8."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2 or image.shape[2] < 3:
        gray = image if image.ndim == 2 else image[:, :, 0]
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(gray), cv2.COLOR_GRAY2BGR))
    return np.ascontiguousarray(image[:, :, :3])
