"""Directories of TIFF files: read without decoding the image (TIFF 6.0, section 2; BigTIFF)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

ORDERS = {b"II*\0": "<", b"MM\0*": ">", b"II+\0": "<", b"MM\0+": ">"}
"""The first bytes of a TIFF or BigTIFF file -> its byte order, for `struct`."""

_MAX_TAGS = 4096

_LETTERS = {3: "H", 4: "I", 16: "Q"}
"""Type of an unsigned integer -> its letter, for `struct`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the first directory.

    Attributes:
        tag: the number of the field.
        type: the type of its values.
        count: number of values.
        place: offset in the file of the values, or of the offset of the values.
        inside: number of bytes of values that fit at `place`.
        order: byte order, for `struct`.
    """

    tag: int
    type: int
    count: int
    place: int
    inside: int
    order: str

    def integers(self, data: bytes) -> tuple[int, ...]:
        """Return the values; none for a type that is not an unsigned integer.

        Raises:
            struct.error: they lie beyond the end of the file.
        """
        letter = _LETTERS.get(self.type)
        if letter is None:
            return ()
        form, place = f"{self.order}{self.count}{letter}", self.place
        if struct.calcsize(form) > self.inside:
            offset = "Q" if self.inside == 8 else "I"
            (place,) = struct.unpack_from(self.order + offset, data, place)
        return struct.unpack_from(form, data, place)


def entries(data: bytes) -> Iterator[Entry]:
    """Yield the entries of the first directory of a TIFF or BigTIFF file.

    Raises:
        struct.error: the directory lies beyond the end of the file.
    """
    order, big = ORDERS[data[:4]], b"+" in data[2:4]
    (offset,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, offset)
    first, step = offset + (8 if big else 2), 20 if big else 12
    for place in range(first, first + min(count, _MAX_TAGS) * step, step):
        tag, kind = struct.unpack_from(order + "HH", data, place)
        (values,) = struct.unpack_from(order + ("Q" if big else "I"), data, place + 4)
        yield Entry(tag, kind, values, place + (12 if big else 8), 8 if big else 4, order)
