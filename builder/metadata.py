"""What Ultralytics writes into a model's metadata: Python literals in text.

Files lie: thousands of entries, dictionaries that are not what their key says. Everything is
checked, and what does not check out is not there.
"""

import ast
from collections.abc import Mapping
from typing import Any

from runtimes.arrays import Size

_MAX_LENGTH = 1_000_000


def literal(text: str) -> Any:
    """The value of a Python literal.

    Raises:
        ValueError: it is none, or far too long.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError("too long")
    try:
        # literal_eval reads constants only; it never runs what a hostile file says.
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from error


def image_size(metadata: Mapping[str, str]) -> Size | None:
    """Height and width that the model was trained at: `imgsz`, or None."""
    try:
        size = literal(metadata.get("imgsz", ""))
    except ValueError:
        return None
    if not isinstance(size, list) or len(size) != 2:
        return None
    height, width = size
    sane = all(type(side) is int and 1 <= side <= 16384 for side in size)
    return (height, width) if sane else None
