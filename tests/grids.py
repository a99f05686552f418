"""Grids of test cases of which only some run in the quick suite."""

from collections.abc import Collection, Iterable
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

_Value = TypeVar("_Value")


def quick_and_slow(values: Iterable[_Value], quick: Collection[_Value]) -> list[ParameterSet]:
    """Return parameters for `pytest.mark.parametrize`, marked slow unless they are in `quick`.

    Args:
        values: one value, or a tuple of values, for each case.
        quick: the values of the quick suite; each must be among `values`.
    """
    values = list(values)
    assert all(value in values for value in quick), "a quick value is not in the grid"
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=() if value in quick else pytest.mark.slow,
        )
        for value in values
    ]
