from pathlib import Path

import pytest

from builder.diagnostics import errors
from builder.diagnostics.errors import CommandLineError, CvatbuildError, ManifestError, Refused
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule

RULE = Rule("wrong", "Wrong value", "It would not work.")


@pytest.mark.parametrize("error", CvatbuildError.__subclasses__())
def test_a_problem_without_a_rule_gets_the_rule_of_its_exception(
    error: type[CvatbuildError],
) -> None:
    first, second = error(Problem("is wrong"), Problem("is odd", rule=RULE)).problems
    assert (first.rule, second.rule) == (error.rule, RULE)


def test_every_exception_has_a_rule_of_its_own() -> None:
    rules = [it.rule for it in CvatbuildError.__subclasses__()]
    assert len({it.code for it in rules}) == len(rules)


def test_only_an_invalid_command_line_has_status_2() -> None:
    status = {it.__name__: it.status for it in CvatbuildError.__subclasses__()}
    assert {name for name, value in status.items() if value == 2} == {CommandLineError.__name__}
    assert set(status.values()) == {1, 2}


def test_the_text_of_an_exception_is_that_of_all_its_problems() -> None:
    error = ManifestError(Problem("is wrong", Path("a.yaml"), 1, 1), Problem("is odd", hint="no"))
    assert str(error) == "a.yaml:1:1: is wrong\nis odd\n  hint:    no"


def test_a_refused_value_becomes_a_problem_at_its_key() -> None:
    problem = Refused("is wrong", RULE, "iou", "at most 1", "write 0.45").problem
    assert problem == Problem(
        "is wrong", path=("iou",), allowed="at most 1", hint="write 0.45", rule=RULE
    )
    assert Refused("is wrong", RULE).problem.path == ()


def test_the_module_lists_every_exception() -> None:
    assert errors.__doc__ is not None
    for error in CvatbuildError.__subclasses__():
        assert f"\n      {error.__name__} " in errors.__doc__
