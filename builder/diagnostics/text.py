"""Text in messages: printable characters, and suggestions for misspelled words."""

import difflib
import re
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


_SYNONYMS = {
    **dict.fromkeys(("float16", "half", "f16"), "fp16"),
    **dict.fromkeys(("fp32", "f32", "float", "full", "single"), "float32"),
    **dict.fromkeys(("uint8", "i8", "8bit"), "int8"),
}
"""Name of a data type in lower case -> the name that manifests use. Letters alone would make
`float16` a misspelling of `float32`."""

_SIGNED_IN = re.compile(r"://[^/\s]*@")


def without_password(text: str) -> str:
    """Return text in which the user name and password of a URL are replaced by `***`."""
    return _SIGNED_IN.sub("://***@", text)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is closest to a misspelled one, or None if none is close.

    Upper and lower case are the same. Without a similar word it is the only one that is a part of a
    compound: `id` of `class_id`.
    """
    words = list(known)
    lower = word.lower()
    if lower in _SYNONYMS and "float32" in words:
        meant = _SYNONYMS[lower]
        return meant if meant in words else None
    folded = {it.lower(): it for it in reversed(words)}
    close = [word] if word in words else difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if word not in words:
        same = folded.get(lower)
        near = difflib.get_close_matches(lower, list(folded), n=1, cutoff=0.6)
        close = [same] if same else close or [folded[it] for it in near]
    if not close:
        parts = word.split("_")
        close = [it for it in words if it in parts]
    return close[0] if len(close) == 1 else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint with the known word closest to a misspelled one; empty if none is close."""
    close = closest(word, known)
    return "" if close is None else f"did you mean '{close}'?"
