"""From the text in a request to pixels."""

import binascii
from base64 import b64decode

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.errors import BadRequest

_TIFF = (b"II*\0", b"MM\0*")


def decode(text: object) -> Array:
    """Decode the image of a request.

    Args:
        text: base64 of an encoded file (JPEG, PNG, WebP, BMP, TIFF, GIF), with or without a
            data-URL prefix.

    Returns:
        (H, W, 3) uint8 BGR. Grey and palette images get three channels, alpha is dropped, 16 bits
        keep their upper 8, and the orientation in EXIF is applied.

    Raises:
        BadRequest: it is not text, not base64, or not an image.
    """
    if not isinstance(text, str) or not text:
        found = "nothing" if text in (None, "") else type(text).__name__
        raise BadRequest("must be the base64 text of an image file", where="image", found=found)
    return pixels(_bytes(text))


def pixels(data: bytes) -> Array:
    """Decode the bytes of an image file; see `decode`.

    Raises:
        BadRequest: they are not an image that OpenCV can read.
    """
    buffer = np.frombuffer(data, np.uint8)
    # OpenCV multiplies a TIFF's colours by its alpha unless it is asked to leave the file's own
    # channels alone; every other format simply loses its alpha.
    alone = data.startswith(_TIFF)
    try:
        image = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED if alone else cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise BadRequest(f"OpenCV refuses the image: {error.err}", where="image") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise BadRequest(
            "is not an image with 8 or 16 bits per channel",
            where="image",
            found=f"{len(data)} bytes that begin with {data[:8].hex(' ')}",
            allowed="JPEG, PNG, WebP, BMP, TIFF or GIF",
        )
    return _three_channels(image) if alone else image


def _bytes(text: str) -> bytes:
    """The bytes behind base64 text.

    Raises:
        BadRequest: it is not base64.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    try:  # MIME breaks base64 into lines; that is allowed, but rare enough to try second.
        return b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(
            f"is not base64 ({error})",
            where="image",
            found=repr(text[:24]) + ("..." if len(text) > 24 else ""),
        ) from error


def _three_channels(image: Array) -> Array:
    """(H, W), (H, W, 2), (H, W, 3) or (H, W, 4), uint8 or uint16 -> (H, W, 3) uint8 BGR."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.ndim == 2 or image.shape[2] < 3:
        grey = image if image.ndim == 2 else image[:, :, 0]
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(grey), cv2.COLOR_GRAY2BGR))
    return np.ascontiguousarray(image[:, :, :3])
