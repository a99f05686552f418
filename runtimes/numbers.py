"""Validation of numbers in requests."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from runtimes.errors import BadRequest


def is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value from JSON is a finite number; booleans are not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # An integer from JSON can be too large for a float.
    return abs(value) < 1e300 if isinstance(value, int) else math.isfinite(value)


def are_numbers(values: Iterable[object]) -> bool:
    """Return whether all values from JSON are finite numbers."""
    return all(is_number(value) for value in values)


def number_of(
    request: Mapping[str, Any], key: str, default: float, most: float = math.inf
) -> float:
    """Return an optional number of a request, or `default` if it is absent or null.

    Raises:
        BadRequest: the value is not a number from 0 to `most`.
    """
    value = request.get(key)
    if value is None:
        return default
    if not is_number(value) or not 0 <= value <= most:
        limits = "of 0 or more" if most == math.inf else f"from 0 to {most:g}"
        raise BadRequest(f"must be a number {limits}", where=key, found=repr(value)[:80])
    return float(value)
