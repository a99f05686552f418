"""YAML with a comment beside each value, as people write it."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.diagnostics.text import has_controls

_WIDTH = 100
_MOST_COMMENT = 240
_PLAIN = re.compile(r"(\.\.?/)*[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a manifest, without its line break.

    Attributes:
        text: the YAML.
        comment: the comment beside it; of an empty line, the line.
    """

    text: str
    comment: str = ""


def render(lines: Sequence[Line]) -> str:
    """Return the lines as text, with comments in one column, or above lines that are too long."""
    column = max(
        (len(line.text) for line in lines if line.comment and len(line.text) <= 44), default=0
    )
    found: list[str] = []
    for line in lines:
        comment = printable(line.comment)
        beside = f"{line.text:{column}}  # {comment}"
        if not comment:
            found.append(line.text)
        elif not line.text:
            found += textwrap.wrap(comment, _WIDTH - 2, initial_indent="# ", subsequent_indent="# ")
        elif len(beside) <= _WIDTH:
            found.append(beside)
        else:
            lead = line.text[: len(line.text) - len(line.text.lstrip())] + "# "
            found += textwrap.wrap(
                comment, _WIDTH, initial_indent=lead, subsequent_indent=lead, break_long_words=True
            )
            found.append(line.text)
    return "\n".join(found) + "\n"


def printable(text: str, most: int = _MOST_COMMENT) -> str:
    """Return untrusted text without control characters, on one line, shortened to `most`."""
    clean = " ".join(
        "".join("?" if has_controls(letter) else letter for letter in text[: 4 * most]).split()
    )
    return clean if len(clean) <= most else clean[: most - 3] + "..."


def inline(value: Any) -> str:
    """Return a value on one line: `{size: 640, mean: [0.5, 0.5]}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{inline(key)}: {inline(it)}" for key, it in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value)
