"""Grids of test cases of which only some run in the quick suite."""

from collections.abc import Collection, Iterable, Sequence
from itertools import combinations, product
from typing import Any, TypeVar

import pytest
from _pytest.mark import ParameterSet

_Value = TypeVar("_Value")

Axis = tuple[str | tuple[str, ...], Iterable[Any]]
"""Argument names and values, as for `pytest.mark.parametrize`."""

Case = tuple[int, ...]
"""The index of a value on each axis."""


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


def grid(*axes: Axis, pairs: bool = True) -> pytest.MarkDecorator:
    """Parametrize a test with all combinations of values, most of them marked slow.

    The quick suite runs a covering part: each pair of values of two axes occurs in a case. An axis
    called `seed` is repetition, so only each of its values occurs.

    Args:
        axes: names and values of each axis.
        pairs: whether the quick suite covers pairs of values, or only each value.
    """
    names = [(name,) if isinstance(name, str) else name for name, _ in axes]
    values = [list(it) for _, it in axes]
    seeds = {number for number, name in enumerate(names) if name == ("seed",)}
    cases = list(product(*(range(len(it)) for it in values)))
    quick = _covering(cases, seeds, 2 if pairs else 1)
    return pytest.mark.parametrize(
        [name for group in names for name in group],
        [
            pytest.param(
                *(
                    value
                    for group, options, index in zip(names, values, case, strict=True)
                    for value in ([options[index]] if len(group) == 1 else options[index])
                ),
                marks=() if case in quick else pytest.mark.slow,
            )
            for case in cases
        ],
    )


def _covering(cases: Sequence[Case], seeds: set[int], strength: int) -> set[Case]:
    """Return cases in which every combination of values on `strength` axes occurs, greedily."""

    def parts(case: Case) -> set[tuple[tuple[int, int], ...]]:
        settings = list(enumerate(case))
        others = [it for it in settings if it[0] not in seeds]
        found = set(combinations(others, min(strength, len(others))))
        return found | {(it,) for it in settings if it[0] in seeds}

    missing = set().union(*map(parts, cases))
    chosen: set[Case] = set()
    while missing:
        best = max(cases, key=lambda case: len(parts(case) & missing))
        chosen.add(best)
        missing -= parts(best)
    return chosen
