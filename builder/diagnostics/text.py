"""Text in messages: printable characters, and suggestions for misspelled words."""

import difflib
import unicodedata
from collections.abc import Iterable


def printable(text: str) -> str:
    """Return text in which each byte that is not UTF-8, as in file names, is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def has_controls(text: str) -> bool:
    """Return whether text contains control characters, direction marks or line breaks."""
    return any(
        unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
        for letter in text
    )


def visible(text: str) -> str:
    """Return text in which control characters and the like are escaped, for a terminal."""
    return "".join(
        letter if not has_controls(letter) else letter.encode("unicode_escape").decode()
        for letter in printable(text)
    )


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is closest to a misspelled one, or None if none is close.

    Without a similar word it is the only one that is a part of a compound: `id` of `class_id`.
    """
    words = list(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if not close:
        parts = word.split("_")
        close = [it for it in words if it in parts]
    return close[0] if len(close) == 1 else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint with the known word closest to a misspelled one; empty if none is close."""
    close = closest(word, known)
    return "" if close is None else f"did you mean '{close}'?"
