"""Numbers in requests, which anybody may have written."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from runtimes.errors import BadRequest


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value from JSON is a finite number; a truth value is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # A whole number can be too large to be any float at all.
    return abs(value) < 1e300 if isinstance(value, int) else math.isfinite(value)


def are_numbers(values: Iterable[object]) -> bool:
    """Whether all values from JSON are finite numbers."""
    return all(is_number(value) for value in values)


def number_of(
    request: Mapping[str, Any], key: str, default: float, most: float = math.inf
) -> float:
    """A number from 0 on that a request may carry, or `default` where it carries none.

    Raises:
        BadRequest: it is no number from 0 to `most`.
    """
    value = request.get(key)
    if value is None:
        return default
    if not is_number(value) or not 0 <= value <= most:
        range_ = "a number from 0 on" if most == math.inf else f"a number from 0 to {most:g}"
        raise BadRequest(f"must be {range_}", where=key, found=repr(value)[:80])
    return float(value)
