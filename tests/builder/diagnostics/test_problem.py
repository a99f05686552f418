from pathlib import Path

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning

ERROR = Rule("wrong", "Wrong value", "It would not work.")
WARNING = warning("odd", "Odd value", "It may not work.")


def test_severity_and_code_are_those_of_the_rule() -> None:
    error, odd = Problem("is wrong", rule=ERROR), Problem("is odd", rule=WARNING)
    assert (error.code, error.severity, error.is_error) == ("wrong", "error", True)
    assert (odd.code, odd.severity, odd.is_error) == ("odd", "warning", False)


def test_a_problem_without_a_rule_is_an_error() -> None:
    problem = Problem("is wrong")
    assert (problem.code, problem.severity, problem.is_error) == ("", "error", True)


def test_the_head_has_only_what_is_known() -> None:
    file = Path("a.yaml")
    assert Problem("is wrong").head == "is wrong"
    assert Problem("is wrong", file).head == "a.yaml: is wrong"
    assert Problem("is wrong", file, 3, 5).head == "a.yaml:3:5: is wrong"
    assert Problem("is wrong", path=("labels", 0)).head == "labels[0]: is wrong"
    assert Problem("is wrong", file, 3, 5, ("name",)).head == "a.yaml:3:5: name: is wrong"


def test_details_that_are_not_given_are_left_out() -> None:
    assert str(Problem("is wrong")) == "is wrong"
    assert str(Problem("is wrong", found="1", hint="write 2")) == (
        "is wrong\n  found:   1\n  hint:    write 2"
    )
    assert Problem("is wrong", allowed="2").details == {"allowed": "2"}
