"""Image files that tests encode: pixels that differ at every place, and their encoders."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

from runtimes.arrays import Array

HEIGHT, WIDTH = 21, 33
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
COLOR = np.stack([X * 7, Y * 11, 255 - X * 5 - Y], axis=-1).astype(np.uint8)
"""RGB, different at each pixel, so that flips and swaps are detected."""
ALPHA = (X * 7).astype(np.uint8)
"""From transparent to nearly opaque."""
DEEP = (COLOR.astype(np.uint16) << 8) | (X * 3 + Y)[:, :, None].astype(np.uint16)
"""COLOR with lower 8 bits that are not zero."""
GRAY = (X * 7 + Y).astype(np.uint16)
"""0 to 244."""


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(array: Array, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def png16(samples: Array) -> bytes:
    """A PNG of (H, W, channels) uint16, which Pillow writes only for gray."""
    height, width, channels = samples.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    lines = b"".join(b"\0" + samples[y].astype(">u2").tobytes() for y in range(height))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def color() -> Image.Image:
    return Image.fromarray(COLOR)
