"""Decoding of text files in the encodings that label files have."""

import codecs
from dataclasses import dataclass

_MARKS = (
    # The mark of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order mark -> Python's name of the encoding."""
_CODE_PAGE = "cp1252"
"""The code page of Windows in Western Europe and America, also that of Latin-1's letters."""


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a file.

    Attributes:
        text: without a byte order mark.
        assumed: the name of the encoding, if nothing in the file confirms it; otherwise empty.
    """

    text: str
    assumed: str = ""


def decode(data: bytes) -> DecodedText:
    """Decode a text file: by its byte order mark, as UTF-8, or as the code page Windows-1252.

    Bytes that are not UTF-8 belong to a code page, and a file does not say which. Windows-1252 is
    assumed, whatever the system's settings are.

    Raises:
        UnicodeDecodeError: the bytes are not valid in the encoding, or contain NUL characters, as
            binary files and UTF-16 without a byte order mark do.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return DecodedText(data.decode(encoding))
    if 0 in data:
        place = data.index(0)
        reason = "NUL character; save the file as UTF-8, or as UTF-16 with a byte order mark"
        raise UnicodeDecodeError("utf-8", data, place, place + 1, reason)
    try:
        return DecodedText(data.decode("utf-8"))
    except UnicodeDecodeError:
        return DecodedText(data.decode(_CODE_PAGE), "Windows-1252")
