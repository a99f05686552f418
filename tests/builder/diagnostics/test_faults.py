import pytest

from builder.diagnostics.faults import RULES, problem_of
from runtimes.errors import BadModel, BadRequest, Fault


def test_every_fault_has_a_rule_of_the_same_code() -> None:
    assert {fault: rule.code for fault, rule in RULES.items()} == {it: it.value for it in Fault}


@pytest.mark.parametrize("fault", [Fault.CLASS_COUNT, Fault.OUTPUT_LAYOUT])
def test_an_error_of_a_step_becomes_a_problem_of_that_rule(fault: Fault) -> None:
    error = BadModel(
        "is wrong", where="output", found="1", allowed="2", hint="write 2", fault=fault
    )
    problem = problem_of(error)
    assert (problem.what, problem.path, problem.rule) == ("is wrong", ("output",), RULES[fault])
    assert problem.details == {"found": "1", "allowed": "2", "hint": "write 2"}


def test_an_error_without_a_fault_has_no_rule() -> None:
    problem = problem_of(BadRequest("is wrong"))
    assert (problem.path, problem.rule) == ((), None)
