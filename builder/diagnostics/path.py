"""Paths into a manifest."""

from collections.abc import Sequence
from typing import TypeAlias

Path_: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of a YAML file to a value."""


def spell(path: Sequence[str | int]) -> str:
    """Return a path as text: ("postprocess", 1, "nms") is `postprocess[1].nms`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return text.removeprefix(".")


def is_within(path: Path_, above: Path_) -> bool:
    """Return whether `path` lies at or below `above`."""
    return path[: len(above)] == above
