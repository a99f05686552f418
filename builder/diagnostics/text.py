"""Text for people: what can be printed and what cannot."""

import unicodedata


def printable(text: str) -> str:
    """Text with an escape for each byte of a file's name that is no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def has_controls(text: str) -> bool:
    """Whether text holds what nobody can see: controls, marks of direction, breaks of lines."""
    return any(
        unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
        for letter in text
    )
