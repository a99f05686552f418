import codecs

import pytest

from builder.manifest.text_encoding import DecodedText, decode


@pytest.mark.parametrize(
    ("data", "text", "assumed"),
    [
        (b"", "", ""),
        (b"cat", "cat", ""),
        ("Zürich 猫".encode(), "Zürich 猫", ""),
        (codecs.BOM_UTF8 + b"cat", "cat", ""),
        (codecs.BOM_UTF16_LE + "猫".encode("utf-16-le"), "猫", ""),
        (codecs.BOM_UTF16_BE + "猫".encode("utf-16-be"), "猫", ""),
        (codecs.BOM_UTF32_LE + "猫".encode("utf-32-le"), "猫", ""),
        (codecs.BOM_UTF32_BE + "猫".encode("utf-32-be"), "猫", ""),
        (b"Z\xfcrich \x80", "Zürich €", "Windows-1252"),
    ],
)
def test_text_is_decoded(data: bytes, text: str, assumed: str) -> None:
    assert decode(data) == DecodedText(text, assumed)


@pytest.mark.parametrize(
    "data",
    [
        "cat".encode("utf-16-le"),
        b"\x00",
        b"\x81",  # not a character of Windows-1252
        codecs.BOM_UTF16_LE + b"a",
        codecs.BOM_UTF8 + b"\xff",
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(data)
