"""Values of a dataset's files, checked when they are read."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from builder.diagnostics.errors import DatasetError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import has_controls

LONGEST = 80
"""Number of characters of a value in a message."""
LONGEST_LIST = 400
"""Number of characters of the allowed values in a message."""
_HIGHEST = 2**53


@dataclass(frozen=True, slots=True)
class Place:
    """A location in a file.

    Attributes:
        file: the path of the file.
        line: from 1; 0 if it is not known.
        path: the keys and indexes that lead to the value.
    """

    file: Path
    line: int = 0
    path: Path_ = ()

    def error(
        self, what: str, found: object = None, allowed: str = "", hint: str = ""
    ) -> DatasetError:
        """Return an error about this location; for the arguments see Problem."""
        return DatasetError(
            Problem(
                what,
                file=self.file,
                line=self.line,
                column=1 if self.line else 0,
                path=self.path,
                found="" if found is None else shortened(found),
                allowed=shortened(allowed, LONGEST_LIST),
                hint=hint,
            )
        )


@dataclass(frozen=True, slots=True)
class Value:
    """A value and its location.

    Its methods return the value as a type, and raise DatasetError if it has another one.
    """

    data: Any
    place: Place

    def __contains__(self, key: str) -> bool:
        """Return whether the value is a map that has a value other than null for a key."""
        return isinstance(self.data, dict) and self.data.get(key) is not None

    def __getitem__(self, key: str) -> "Value":
        """Return the value of a key."""
        if not isinstance(self.data, dict):
            raise self.error("is not a map", "a map")
        if self.data.get(key) is None:
            raise self.place.error(f"has no `{key}`", ", ".join(map(str, self.data)) or "no keys")
        return self._below(key, self.data[key])

    def optional(self, key: str) -> "Value | None":
        """Return the value of a key, or None if the map does not have it."""
        if key not in self:
            return None
        return self[key]

    def entries(self) -> Iterator["Value"]:
        """Yield the entries of a list."""
        if not isinstance(self.data, list):
            raise self.error("is not a list", "a list")
        for index, entry in enumerate(self.data):
            yield self._below(index, entry)

    def text(self) -> str:
        """Return a text that is not empty."""
        if not isinstance(self.data, str) or not self.data.strip():
            raise self.error("is not a text", "a text that is not empty")
        return self.data

    def number(self) -> float:
        """Return a finite number; the text of a number is one too."""
        number = _number(self.data)
        if number is None:
            raise self.error("is not a finite number", "a finite number")
        return number

    def whole(self, lowest: int = 0) -> int:
        """Return an integer of at least `lowest` that a float can hold."""
        number = _number(self.data)
        if number is None or not number.is_integer() or not lowest <= number < _HIGHEST:
            raise self.error("is not a valid integer", f"an integer of at least {lowest}")
        return int(number)

    def flag(self) -> bool:
        """Return a boolean, which may be written as 0, 1, `true` or `false`."""
        found = str(self.data).strip().lower()
        if found not in ("0", "1", "true", "false"):
            raise self.error("is not a boolean", "0, 1, true, false")
        return found in ("1", "true")

    def numbers(self, count: int | None = None, multiple: int = 1) -> list[float]:
        """Return a list of finite numbers.

        Args:
            count: how many there are; any number by default.
            multiple: their count is a multiple of this.
        """
        if not isinstance(self.data, list):
            raise self.error("is not a list of numbers", "a list of numbers")
        numbers = [_number(entry) for entry in self.data]
        for index, number in enumerate(numbers):
            if number is None:
                raise self._below(index, self.data[index]).error(
                    "is not a finite number", "a finite number"
                )
        if count is not None and len(numbers) != count:
            raise self.error(f"has {len(numbers)} numbers", f"{count} numbers")
        if len(numbers) % multiple:
            raise self.error(f"has {len(numbers)} numbers", f"a multiple of {multiple} numbers")
        return [number for number in numbers if number is not None]

    def error(self, what: str, allowed: str = "", hint: str = "") -> DatasetError:
        """Return an error about this value."""
        return self.place.error(what, self.data, allowed, hint)

    def _below(self, key: str | int, data: Any) -> "Value":
        return Value(data, Place(self.place.file, self.place.line, (*self.place.path, key)))


def shortened(value: object, longest: int = LONGEST) -> str:
    """Return a value as a short printable text."""
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= longest else f"{text[:longest]}..."
    return repr(text) if has_controls(text) else text


def packed(data: object, place: Place) -> bytes:
    """Return the JSON of data, for an index.

    Raises:
        DatasetError: it has integers of more than 64 bits, or text that is not Unicode.
    """
    try:
        return orjson.dumps(data)
    except TypeError as error:
        raise place.error(f"cannot be read: {error}") from error


def label(text: str, place: Place) -> str:
    """Return the name of a label.

    Raises:
        DatasetError: it is empty, or has control characters, which would reach the terminal.
    """
    if not text.strip() or has_controls(text):
        raise place.error("is not the name of a label", text, "text without control characters")
    return text


def _number(data: object) -> float | None:
    """Return a finite number, or None if the data is none."""
    if isinstance(data, bool) or not isinstance(data, int | float | str):
        return None
    try:
        number = float(data)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
