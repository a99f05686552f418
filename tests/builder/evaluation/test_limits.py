import pytest

from builder.diagnostics.errors import CommandLineError
from builder.evaluation.evaluation import Evaluation, Result
from builder.evaluation.limits import Limit, limits_of, require_reachable, violations


def evaluation(**metrics: float | None) -> Evaluation:
    return Evaluation(
        function="build/yolo",
        variant="cpu",
        device="CPU",
        dataset="data",
        measure="boxes",
        samples=1,
        result=Result(metrics),
        notes=(),
        speed=None,
        failures=(),
        failed=0,
        skipped=0,
    )


def test_limits_are_read_from_the_command_line() -> None:
    assert limits_of(["map50=0.6", "recall=.25"]) == (Limit("map50", 0.6), Limit("recall", 0.25))


@pytest.mark.parametrize("text", ["map50", "map50=", "=0.5", "map50=high", "map50=nan"])
def test_other_texts_are_errors(text: str) -> None:
    with pytest.raises(CommandLineError, match="needs a metric and a number") as caught:
        limits_of([text])
    assert caught.value.problems[0].found == text


def test_an_unknown_metric_is_an_error_with_a_suggestion() -> None:
    require_reachable([Limit("map50", 0.5)], ["map50", "recall"])
    with pytest.raises(CommandLineError, match="unknown metric") as caught:
        require_reachable([Limit("map5", 0.5)], ["map50", "recall"])
    assert caught.value.problems[0].hint == "did you mean 'map50'?"


@pytest.mark.parametrize(
    ("given", "allowed", "hint"),
    [
        ("map50=60", "at most 1", "write map50=0.6"),
        ("map50=101", "at most 1", ""),
        ("noc85=21", "at most 20", ""),
    ],
)
def test_a_limit_that_the_metric_cannot_reach_is_an_error(
    given: str, allowed: str, hint: str
) -> None:
    with pytest.raises(CommandLineError, match="above the highest value") as caught:
        require_reachable(limits_of([given]), ["map50", "noc85"])
    (problem,) = caught.value.problems
    assert (problem.found, problem.allowed, problem.hint) == (given, allowed, hint)


def test_limits_up_to_the_highest_value_are_allowed() -> None:
    require_reachable(limits_of(["map50=1", "noc85=20"]), ["map50", "noc85"])


def test_values_below_the_limit_are_reported() -> None:
    done = evaluation(map50=0.6, recall=None)
    assert violations([Limit("map50", 0.6)], done) == []
    assert violations([Limit("map50", 0.61), Limit("recall", 0.1)], done) == [
        "build/yolo (cpu): map50 is 0.6000, below 0.61",
        "build/yolo (cpu): recall is not defined, below 0.1",
    ]
