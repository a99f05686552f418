"""Decoding of images in requests."""

import binascii
import os
import struct
from dataclasses import dataclass

import cv2
import numpy as np

from runtimes import gpu_jpeg, jpeg, tiff
from runtimes.arrays import Array
from runtimes.errors import BadImage, BadRequest
from runtimes.jpeg import PIXEL_LIMIT
from runtimes.stretch import Stretch
from runtimes.truncation import is_truncated

try:  # by SIMD instructions, in a thirtieth of the time
    from pybase64 import b64decode
except ImportError:
    from base64 import b64decode  # type: ignore[assignment]

WARM_UP_SIZE = (480, 640)
"""Height and width of the black image on which a function runs once at start-up."""

_FORMATS = "JPEG, PNG, WebP, BMP, TIFF or GIF"
"""The formats of image files."""

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"BM", b"GIF8")
"""The first bytes of files of these formats; `tiff.ORDERS` has those of TIFF."""


def blank() -> Array:
    """Return a black image of WARM_UP_SIZE, (H, W, 3) uint8 BGR."""
    return np.zeros((*WARM_UP_SIZE, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded image with its full range of values.

    Attributes:
        samples: (H, W), or (H, W, 3) BGR; uint8, uint16, float32 or float64.
        stretch: the stretch of its own values to 8 bits; None for uint8.
    """

    samples: Array
    stretch: Stretch | None

    def bgr(self, stretch: Stretch | None = None) -> Array:
        """Return (H, W, 3) uint8 BGR.

        Args:
            stretch: replaces the image's own stretch, such as that of an earlier frame.
        """
        used = self.stretch and (stretch or self.stretch)
        pixels = used(self.samples) if used else self.samples
        if pixels.ndim == 2:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
        return pixels


def decode(text: object, where: str = "image") -> Array:
    """Decode the image of a request.

    Args:
        text: base64 of an encoded file (JPEG, PNG, WebP, BMP, TIFF, GIF), with or without a
            data URL prefix.
        where: the request's key.

    Returns:
        (H, W, 3) uint8 BGR. Gray and palette images are converted to three channels, alpha is
        dropped, 16 bits and floating-point values are converted to 8 bits as Stretch does, and the
        EXIF orientation is applied.

    Raises:
        BadRequest: it is not text, or not base64.
        BadImage: it is not an image.
    """
    return read(text, where).bgr()


def read(text: object, where: str = "image") -> Decoded:
    """Decode the image of a request with its full range of values; see `decode`."""
    return _decoded(file_bytes(text, where), where)


def pixels(data: bytes, where: str = "image") -> Array:
    """Decode the bytes of an image file to (H, W, 3) uint8 BGR; see `decode`.

    Raises:
        BadImage: they are not an image.
    """
    return _decoded(data, where).bgr()


def _decoded(data: bytes, where: str) -> Decoded:
    """Decode the bytes of an image file.

    Raises:
        BadImage: OpenCV cannot decode them.
    """
    if not data:
        raise BadImage("is empty", where=where, allowed=_FORMATS)
    if data.startswith(jpeg.START):
        plain = gpu_jpeg.decode(data)
        if plain is None:
            plain = jpeg.decode(data)
        if plain is not None:
            return Decoded(plain, None)
    alone = data[:4] in tiff.ORDERS
    buffer = np.frombuffer(_opaque(data) if alone else data, np.uint8)
    # Without IMREAD_ANYDEPTH, OpenCV keeps the upper 8 of 16 bits.
    flags = cv2.IMREAD_UNCHANGED if alone else cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    try:
        image = cv2.imdecode(buffer, flags)
    except cv2.error as error:
        raise _undecodable(error, where) from error
    if image is None or image.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        truncated = is_truncated(data)
        known = data.startswith(_SIGNATURES) or alone or image is not None
        what = "is not an image file of a known format"
        if known:
            what = "cannot be decoded as an image with 8 or 16 bits per channel"
        raise BadImage(
            "is truncated: the end of the image file is missing" if truncated else what,
            where=where,
            found=f"{len(data)} bytes that start with {data[:8].hex(' ')}",
            allowed=("a complete " if truncated else "") + _FORMATS,
            hint="upload the original file again" if truncated else "",
        )
    samples = _without_alpha(np.asarray(image))
    return Decoded(samples, Stretch.of(samples))


def _undecodable(error: cv2.error, where: str) -> BadImage:
    """Return the error for an exception of OpenCV."""
    what = "OpenCV cannot decode the image"
    if PIXEL_LIMIT.removeprefix("OPENCV_") not in str(error):
        return BadImage(f"{what}: {error.err}", where=where)
    return BadImage(
        f"{what}: it has more pixels than the limit",
        where=where,
        allowed=f"{os.environ.get(PIXEL_LIMIT)} pixels",
        hint=f"resize the image, or set the environment variable {PIXEL_LIMIT}: `env: "
        f'{{{PIXEL_LIMIT}: "1073741824"}}` in the manifest\'s `variants.cpu` and '
        "`variants.gpu`",
    )


def _opaque(data: bytes) -> bytes:
    """Mark the alpha of a TIFF file as premultiplied.

    OpenCV would otherwise multiply the colors with the alpha, so that transparent pixels become
    black. For all other formats, it drops the alpha. The tag is ExtraSamples (338; TIFF 6.0, page
    31): 2 is unassociated alpha, 1 is associated (premultiplied) alpha.
    """
    try:
        for entry in tiff.entries(data):
            place, order = entry.place, entry.order
            if entry.tag == 338 and struct.unpack_from(order + "H", data, place) == (2,):
                return data[:place] + struct.pack(order + "H", 1) + data[place + 2 :]
    except struct.error:
        pass  # a truncated file; OpenCV cannot decode it
    return data


def file_bytes(text: object, where: str) -> bytes:
    """Return the bytes of the image file of a request.

    Args:
        text: see `decode`.
        where: the request's key.

    Raises:
        BadImage: it is empty.
        BadRequest: it is not text, or not base64.
    """
    if text == "":
        raise BadImage("is empty", where=where, allowed="the base64 text of an image file")
    if not isinstance(text, str):
        found = "nothing" if text is None else type(text).__name__
        raise BadRequest("must be the base64 text of an image file", where=where, found=found)
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


def _without_alpha(image: Array) -> Array:
    """Return (H, W) or (H, W, 3) of an image with 1 to 4 channels."""
    if image.ndim == 3 and image.shape[2] < 3:
        image = image[:, :, 0]
    return np.ascontiguousarray(image if image.ndim == 2 else image[:, :, :3])
