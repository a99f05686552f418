from itertools import combinations, product

import pytest

from tests.grids import grid

AXES = {"a": [1, 2, 3], "b": "xy", "c": [True, False], "seed": range(4)}


def quick(*names: str, pairs: bool = True) -> tuple[list[tuple[object, ...]], int]:
    """The cases that are not slow, and the number of all cases."""
    mark = grid(*((name, AXES[name]) for name in names), pairs=pairs).mark
    cases = mark.args[1]
    return [case.values for case in cases if not case.marks], len(cases)


def test_every_combination_is_a_case() -> None:
    mark = grid(("a", [1, 2]), (("b", "c"), [(3, 4), (5, 6)])).mark
    assert mark.args[0] == ["a", "b", "c"]
    assert [case.values for case in mark.args[1]] == [(1, 3, 4), (1, 5, 6), (2, 3, 4), (2, 5, 6)]


def test_the_quick_cases_have_every_pair_of_values() -> None:
    found, total = quick("a", "b", "c")
    assert total == 12
    assert len(found) < total
    names = ("a", "b", "c")
    for one, other in combinations(range(3), 2):
        seen = {(case[one], case[other]) for case in found}
        assert seen == set(product(AXES[names[one]], AXES[names[other]]))


@pytest.mark.parametrize("pairs", [True, False])
def test_the_quick_cases_have_every_seed(pairs: bool) -> None:
    found, _ = quick("b", "seed", pairs=pairs)
    assert {case[1] for case in found} == set(AXES["seed"])
    assert len(found) == 4


def test_the_quick_cases_have_every_value() -> None:
    found, _ = quick("a", "b", pairs=False)
    assert len(found) == 3
    assert {case[0] for case in found} == {1, 2, 3}
    assert {case[1] for case in found} == {"x", "y"}
