"""Recognition of truncated image files, by the structure of their format.

Decoders report a truncated file like any other fault, or not at all. The check looks at the end of
the structure alone, and says nothing about damage in its middle.
"""

import struct

from runtimes import tiff

_STRIPS = {273: 279, 324: 325}
"""TIFF tags: offsets of strips or tiles -> their numbers of bytes."""


def is_truncated(data: bytes) -> bool:
    """Return whether an image file ends before its format's end.

    Args:
        data: the file's content. The result is False for formats other than JPEG, PNG, WebP, BMP,
            GIF and TIFF.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg_ends_early(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png_ends_early(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _number("<I", data, 4) + 8 > len(data)
    if data[:2] == b"BM":
        return _number("<I", data, 2) > len(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return not data.rstrip(b"\0").endswith(b";")
    return data[:4] in tiff.ORDERS and _tiff_ends_early(data)


def _number(form: str, data: bytes, place: int) -> int:
    """Return an integer of a file; larger than any file if the file ends before it."""
    try:
        return int(struct.unpack_from(form, data, place)[0])
    except struct.error:
        return 2**64


def _jpeg_ends_early(data: bytes) -> bool:
    """Return whether no end-of-image marker follows the first scan (ITU-T T.81, B.1).

    The segments before it, which can contain a preview with markers of its own, are skipped.
    """
    place = 2
    while data[place : place + 1] == b"\xff":
        marker = data[place + 1 : place + 2]
        if marker == b"\xda":
            # Compressed data contain no end-of-image marker.
            return data.rfind(b"\xff\xd9") < place
        # A marker can be preceded by any number of fill bytes.
        place += 1 if marker == b"\xff" else 2 + _number(">H", data, place + 2)
    return place >= len(data)


def _png_ends_early(data: bytes) -> bool:
    """Return whether a PNG file has no complete IEND chunk (PNG specification, 5.3)."""
    place = 8
    while place < len(data):
        after = place + _number(">I", data, place) + 12
        if data[place + 4 : place + 8] == b"IEND":
            return after > len(data)
        place = after
    return True


def _tiff_ends_early(data: bytes) -> bool:
    """Return whether the directory, a strip or a tile lies beyond the end of a TIFF file."""
    try:
        values = {
            entry.tag: entry.integers(data)
            for entry in tiff.entries(data)
            if entry.tag in _STRIPS or entry.tag in _STRIPS.values()
        }
    except struct.error:
        return True
    return any(
        offset + size > len(data)
        for offsets, sizes in _STRIPS.items()
        for offset, size in zip(values.get(offsets, ()), values.get(sizes, ()), strict=False)
    )
