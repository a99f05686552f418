from pathlib import Path

import pytest

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning

ERROR = Rule("wrong", "Wrong value", "It would not work.")
HARMLESS = Rule("count", "Wrong count", "It would not work.", stops_lint=False)
OF_LABELS = Rule("unfit", "Unfit labels", "They would not fit.", depends_on="labels")
LINT = warning("odd", "Odd value", "It may not work.")


def problem(*path: str | int, rule: Rule = ERROR) -> Problem:
    """A problem with the value at a path."""
    return Problem("is wrong", path=path, rule=rule)


def paths(diagnostics: Diagnostics) -> list[Path_]:
    """The paths of all problems."""
    return [it.path for it in diagnostics.problems]


def test_problems_are_kept_in_order() -> None:
    diagnostics = Diagnostics()
    diagnostics.add([problem("b"), problem("a")])
    diagnostics.add([problem("c")])
    assert paths(diagnostics) == [("b",), ("a",), ("c",)]


def test_an_exception_that_ends_a_block_is_collected() -> None:
    diagnostics = Diagnostics()
    with diagnostics.collect():
        raise ManifestError(problem("a"), problem("b"))
    assert paths(diagnostics) == [("a",), ("b",)]


def test_other_exceptions_are_not_collected() -> None:
    with pytest.raises(ZeroDivisionError), Diagnostics().collect():
        raise ZeroDivisionError


def test_problems_at_or_below_a_recovered_value_are_dropped() -> None:
    diagnostics = Diagnostics()
    diagnostics.recover(("postprocess", 1))
    diagnostics.add([problem("postprocess", 1), problem("postprocess", 1, "nms", "iou")])
    assert paths(diagnostics) == []
    diagnostics.add([problem("postprocess", 0), problem("postprocess"), problem("labels")])
    assert paths(diagnostics) == [("postprocess", 0), ("postprocess",), ("labels",)]


def test_problems_found_before_a_recovery_stay() -> None:
    diagnostics = Diagnostics()
    diagnostics.add([problem("name")])
    diagnostics.recover(("name",))
    assert paths(diagnostics) == [("name",)]


def test_a_judgment_of_a_whole_value_is_dropped_if_a_part_was_recovered() -> None:
    diagnostics = Diagnostics()
    diagnostics.recover(("labels", 1))
    diagnostics.add([problem("labels"), problem("labels", 0)], whole=True)
    assert paths(diagnostics) == [("labels", 0)]


def test_a_problem_of_a_rule_is_dropped_if_the_key_it_depends_on_was_recovered() -> None:
    diagnostics = Diagnostics()
    diagnostics.add([problem("postprocess", 0, rule=OF_LABELS)])
    diagnostics.recover(("labels", 3))
    diagnostics.add([problem("postprocess", 1, rule=OF_LABELS), problem("postprocess", 2)])
    assert paths(diagnostics) == [("postprocess", 0), ("postprocess", 2)]


def test_an_incomplete_list_is_not_judged_as_a_whole() -> None:
    diagnostics = Diagnostics()
    diagnostics.mark_incomplete(("postprocess",))
    diagnostics.add([problem("postprocess"), problem("postprocess", 0)])
    assert paths(diagnostics) == [("postprocess", 0)]


def test_lint_is_skipped_under_keys_with_errors() -> None:
    diagnostics = Diagnostics()
    diagnostics.add([problem("threshold"), problem("postprocess", 0, rule=HARMLESS)])
    diagnostics.mark_incomplete(("preprocess",))
    lint = [
        problem("threshold", rule=LINT),
        problem("postprocess", 1, rule=LINT),
        problem("preprocess", 0, rule=LINT),
        problem("labels", rule=LINT),
    ]
    diagnostics.add_lint(lint)
    assert paths(diagnostics)[2:] == [("postprocess", 1), ("labels",)]


def test_lint_goes_on_beside_a_recovered_value() -> None:
    diagnostics = Diagnostics()
    diagnostics.add([problem("variants", "cpu", "port")])
    diagnostics.recover(("variants", "cpu", "port"))
    diagnostics.add_lint([problem("variants", "cpu", "env", rule=LINT)])
    diagnostics.add_lint([problem("variants", "cpu", "port", rule=LINT)])
    assert paths(diagnostics)[1:] == [("variants", "cpu", "env")]


@pytest.mark.parametrize(
    ("path", "depth", "affected"),
    [
        (("postprocess", 1, "nms"), None, True),
        (("postprocess", 1), None, True),
        (("postprocess", 1), 0, False),
        (("postprocess",), 2, True),
        (("postprocess",), 1, False),
        ((), None, True),
        (("postprocess", 0), None, False),
        (("postprocess", 1, "nms", "iou"), 0, True),
    ],
)
def test_a_value_is_affected_by_recoveries_above_and_to_a_depth_below(
    path: Path_, depth: int | None, affected: bool
) -> None:
    diagnostics = Diagnostics()
    diagnostics.recover(("postprocess", 1, "nms"))
    assert diagnostics.is_affected(path, depth) == affected


def test_errors_come_before_warnings_and_the_manifest_before_other_files() -> None:
    manifest, other = Path("m.yaml"), Path("labels.txt")
    given = [
        Problem("odd", manifest, 1, 1, rule=LINT),
        Problem("late", manifest, 9, 1, rule=ERROR),
        Problem("elsewhere", other, 1, 1, rule=ERROR),
        Problem("right", manifest, 2, 8, rule=ERROR),
        Problem("left", manifest, 2, 3, rule=ERROR),
    ]
    diagnostics = Diagnostics()
    diagnostics.add(given)
    assert [it.what for it in diagnostics.in_order(manifest)] == [
        "left",
        "right",
        "late",
        "elsewhere",
        "odd",
    ]


def test_warnings_are_no_errors() -> None:
    diagnostics = Diagnostics()
    assert not diagnostics.has_errors
    diagnostics.add([problem("a", rule=LINT)])
    assert not diagnostics.has_errors
    diagnostics.add([problem("a")])
    assert diagnostics.has_errors
