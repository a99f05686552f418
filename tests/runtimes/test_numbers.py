import math
from typing import Any

import pytest

from runtimes.errors import BadRequest
from runtimes.numbers import are_numbers, is_number, number_of


@pytest.mark.parametrize("value", [0, -3, 2.5, 10**299])
def test_finite_numbers_are_numbers(value: float) -> None:
    assert is_number(value)


@pytest.mark.parametrize("value", [True, None, "1", [1], math.nan, math.inf, 10**400])
def test_other_json_values_are_not_numbers(value: object) -> None:
    assert not is_number(value)
    assert not are_numbers([1, value])


def test_a_long_number_is_truncated_in_the_message() -> None:
    with pytest.raises(BadRequest) as caught:
        number_of({"threshold": "9" * 10_000}, "threshold", 0.5)
    assert len(caught.value.found) == 80


@pytest.mark.parametrize(
    ("request_", "found"), [({}, 0.4), ({"threshold": None}, 0.4), ({"threshold": 1}, 1.0)]
)
def test_a_number_is_a_float_or_the_default(request_: dict[str, Any], found: float) -> None:
    value = number_of(request_, "threshold", 0.4, most=1)
    assert value == found
    assert type(value) is float


@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", True, math.nan])
def test_a_number_out_of_range_is_refused(value: object) -> None:
    with pytest.raises(BadRequest, match="threshold: must be a number from 0 to 1"):
        number_of({"threshold": value}, "threshold", 0.4, most=1)


def test_without_an_upper_bound_any_nonnegative_number_is_accepted() -> None:
    assert number_of({"max_distance": 5000}, "max_distance", 50) == 5000
    with pytest.raises(BadRequest, match="must be a number of 0 or more"):
        number_of({"max_distance": -1}, "max_distance", 50)
