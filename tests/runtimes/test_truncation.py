from base64 import b64encode

import numpy as np
import pytest

from runtimes.errors import BadImage
from runtimes.image import decode
from runtimes.truncation import is_truncated
from tests.runtimes.image_files import (
    COLOR,
    DEEP,
    GRAY,
    color,
    encoded,
    png16,
    tiff,
)

FILES: dict[str, bytes] = {
    "JPEG": encoded(color().resize((200, 150)), "JPEG"),
    "progressive JPEG": encoded(color().resize((200, 150)), "JPEG", progressive=True),
    "JPEG with a preview": encoded(
        color().resize((200, 150)), "JPEG", exif=b"Exif\0\0" + encoded(color(), "JPEG")
    ),
    "PNG": encoded(color().resize((200, 150)), "PNG"),
    "16-bit PNG": png16(np.tile(DEEP, (4, 4, 1))),
    "WebP": encoded(color().resize((200, 150)), "WEBP"),
    "lossless WebP": encoded(color().resize((200, 150)), "WEBP", lossless=True),
    "BMP": encoded(color().resize((200, 150)), "BMP"),
    "GIF": encoded(color().resize((200, 150)).quantize(200), "GIF"),
    "TIFF": encoded(color().resize((200, 150)), "TIFF"),
    "LZW TIFF": encoded(color().resize((200, 150)), "TIFF", compression="tiff_lzw"),
    "tiled TIFF": tiff(np.tile(COLOR, (6, 4, 1)), photometric="rgb", tile=(64, 64)),
    "float TIFF": tiff(np.tile(GRAY, (4, 4)).astype(np.float32), photometric="minisblack"),
    "BigTIFF": tiff(np.tile(COLOR, (4, 4, 1)), photometric="rgb", bigtiff=True, byteorder=">"),
}
"""Whole files."""


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused_as_truncated(name: str, part: float) -> None:
    data = FILES[name][: int(len(FILES[name]) * part)]
    with pytest.raises(BadImage) as caught:
        decode(b64encode(data).decode())
    assert "truncated" in caught.value.what
    assert "a complete JPEG, PNG" in caught.value.allowed
    assert caught.value.hint == "upload the original file again"
    assert f"{len(data)} bytes that start with {data[:8].hex(' ')}" in caught.value.found


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_is_not_truncated(name: str) -> None:
    assert not is_truncated(FILES[name])
    # Some programs append zeros.
    assert not is_truncated(FILES[name] + bytes(100))
    assert decode(b64encode(FILES[name]).decode()).ndim == 3


@pytest.mark.parametrize("name", ["PNG", "GIF", "lossless WebP"])
def test_a_damaged_file_is_not_called_truncated(name: str) -> None:
    data = bytearray(FILES[name])
    middle = len(data) // 2
    data[middle : middle + 40] = bytes(byte ^ 0xFF for byte in data[middle : middle + 40])
    assert not is_truncated(bytes(data))


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7", b"RIFF\0\0\0\0AVI "])
def test_other_data_are_not_called_truncated(data: bytes) -> None:
    assert not is_truncated(data)
