from pathlib import Path
from typing import Any

import pytest

import runtimes
from runtimes.errors import BadModel, BadRequest, BadStart, Fault, FunctionError, NoDevice


@pytest.mark.parametrize("kind", [BadRequest, BadModel, NoDevice, BadStart])
def test_every_error_is_a_function_error_with_its_parts(kind: type[FunctionError]) -> None:
    error = kind("is wrong", where="key", found="1", allowed="2", hint="try 2")
    assert isinstance(error, FunctionError)
    assert (error.what, error.where, error.found, error.allowed, error.hint) == (
        "is wrong",
        "key",
        "1",
        "2",
        "try 2",
    )


def test_text_has_the_key_and_all_details() -> None:
    error = FunctionError("is wrong", where="key", found="1", allowed="2", hint="try 2")
    assert str(error) == "key: is wrong; found: 1; allowed: 2; hint: try 2"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "is wrong"),
        ({"where": "key"}, "key: is wrong"),
        ({"found": "1"}, "is wrong; found: 1"),
        ({"allowed": "2"}, "is wrong; allowed: 2"),
        ({"hint": "try 2"}, "is wrong; hint: try 2"),
    ],
)
def test_text_omits_empty_details(parts: dict[str, Any], text: str) -> None:
    assert str(FunctionError("is wrong", **parts)) == text


def test_the_error_classes_are_not_subclasses_of_each_other() -> None:
    kinds = [BadRequest, BadModel, NoDevice, BadStart]
    assert [a for a in kinds for b in kinds if a is not b and issubclass(a, b)] == []


def test_a_fault_is_the_given_one_or_that_of_the_class() -> None:
    assert BadModel("is wrong", fault=Fault.STRIDES).fault is Fault.STRIDES
    assert BadModel("is wrong").fault is Fault.MODEL_MISMATCH
    assert BadRequest("is wrong").fault is None


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_raised_somewhere(fault: Fault) -> None:
    (folder,) = runtimes.__path__
    sources = (path.read_text() for path in Path(folder).rglob("*.py"))
    assert any(f"Fault.{fault.name}" in source for source in sources)
