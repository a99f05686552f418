from typing import Any

import pytest
from pydantic import ValidationError

from builder.manifest.validation import Strict, validate_strictly


class Sample(Strict):
    count: int = 0
    share: float = 0
    on: bool = False
    names: tuple[str, ...] = ()


def test_a_list_becomes_a_tuple() -> None:
    assert validate_strictly(Sample, {"names": ["a", "b"]}).names == ("a", "b")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("count", "5"),
        ("count", 1.5),
        ("count", True),
        ("share", "0.5"),
        ("share", float("nan")),
        ("share", float("inf")),
        ("on", 1),
        ("on", "yes"),
        ("names", "ab"),
        ("names", [1]),
        ("unknown", 1),
    ],
)
def test_values_of_other_types_are_not_converted(key: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_strictly(Sample, {key: value})
    assert caught.value.errors()[0]["loc"][0] == key


def test_models_are_immutable() -> None:
    with pytest.raises(ValidationError):
        Sample().count = 1  # type: ignore[misc]
