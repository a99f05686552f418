"""JPEG files, decoded on the GPU by nvImageCodec with nvJPEG.

Its pixels differed from OpenCV's by at most 1 of 255 in a test with 11 files, 0.0001 on average.
The CPU decodes all files with another orientation, color space or depth, and those that are
truncated or have an unexpected structure.

Source: docs.nvidia.com/cuda/nvimagecodec/py_api.html.
"""

import importlib
import os
import re
from contextlib import suppress
from typing import Any

import cv2
import numpy as np

from runtimes import jpeg
from runtimes.arrays import Array
from runtimes.quiet import no_stderr

_LIBRARY = "nvidia.nvimgcodec"
_VERBOSITY = "PYNVIMGCODEC_VERBOSITY"
"""The environment variable with the level of the library's log; 0 for none."""

_FRAMES = (0xC0, 0xC2)
"""Markers of the frames that nvJPEG decodes: baseline and progressive."""

_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
"""A marker between entropy-coded data: neither a stuffed zero nor a restart."""
_END = 0xD9
_BETWEEN = (0xC4, 0xDA, 0xDD, 0xFE)
"""Markers of segments between scans: Huffman tables, scans, restart intervals, comments."""

_MOST_DIFFERENCE = 4
"""Largest difference of a pixel at the start, above which the decoder is not used."""


class GpuJpeg:
    """A decoder on the GPU of this process."""

    def __init__(self) -> None:
        """Load the library and the decoder.

        Raises:
            ImportError: the library is not installed.
            RuntimeError: there is no GPU, or no driver for it.
            ValueError: the decoder returns other pixels than OpenCV.
        """
        os.environ.setdefault(_VERBOSITY, "0")
        # The library writes a line for each codec that is not installed, whatever its log level.
        with no_stderr():
            library: Any = importlib.import_module(_LIBRARY)
            self._decoder = library.Decoder()
            self._params = library.DecodeParams(
                apply_exif_orientation=False,
                color_spec=library.ColorSpec.SRGB,
                sample_format=library.SampleFormat.I_BGR,
            )
        data, wanted = _example()
        found = self.decode(data)
        if found is None or np.abs(found.astype(int) - wanted).max() > _MOST_DIFFERENCE:
            raise ValueError("the decoder returns other pixels than OpenCV")

    def decode(self, data: bytes) -> Array | None:
        """Return the pixels of a file, (H, W, 3) uint8 BGR; None if it cannot be decoded."""
        try:
            image = self._decoder.decode(data, params=self._params)
            host = None if image is None else image.cpu()
        except (RuntimeError, ValueError):  # for example, there is no GPU memory left
            return None
        if host is None:
            return None
        pixels = np.ascontiguousarray(host)
        return pixels if pixels.dtype == np.uint8 and pixels.ndim == 3 else None


class _Process:
    """The decoder of this process: one for all models and requests.

    Attributes:
        decoder: None before `start`, or if there is no usable one.
        is_started: whether `start` was called.
    """

    decoder: GpuJpeg | None = None
    is_started = False


def start() -> bool:
    """Decode JPEG files on the GPU from now on, if the library and a GPU are there.

    Returns:
        Whether they are.
    """
    if not _Process.is_started:
        _Process.is_started = True
        # The package is optional: without it, the CPU decodes all files.
        with suppress(ImportError, OSError, RuntimeError, ValueError, AttributeError):
            _Process.decoder = GpuJpeg()
    return _Process.decoder is not None


def decode(data: bytes) -> Array | None:
    """Decode a JPEG file.

    Args:
        data: its bytes, which begin with jpeg.START.

    Returns:
        (H, W, 3) uint8 BGR; None if the CPU has to decode the file.
    """
    decoder = _Process.decoder
    if decoder is None or not jpeg.is_plain(data) or not _is_complete(data):
        return None
    return decoder.decode(data)


def _is_complete(data: bytes) -> bool:
    """Return whether a file is baseline or progressive, and ends with its first end marker.

    Otherwise, it is truncated or damaged, or has data behind its end. libjpeg reports damages,
    which nvJPEG may decode without an error.
    """
    place = 0
    for marker, start_, size in jpeg.segments(data):
        if marker in jpeg.FRAMES and marker not in _FRAMES:
            return False
        if marker == jpeg.SCAN:
            place = start_ + size
            break
    while found := _MARKER.search(data, place):
        marker, place = found[1][0], found.end()
        if marker == _END:
            return place == len(data)
        if marker not in _BETWEEN:
            return False
        place += int.from_bytes(data[place : place + 2], "big")
    return False


def _example() -> tuple[bytes, Array]:
    """Return a small JPEG file of smooth colors, and its pixels according to OpenCV."""
    y, x = np.mgrid[0:32, 0:48]
    pixels = np.stack([x * 5, y * 7, 255 - x * 5], axis=2).astype(np.uint8)
    _, data = cv2.imencode(".jpg", pixels)
    return data.tobytes(), np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
