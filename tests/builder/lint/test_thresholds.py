import pytest

from builder.diagnostics.rule import Rule
from builder.lint.thresholds import (
    MAX_DISTANCE_ZERO,
    THRESHOLD_HIDES_ALL,
    THRESHOLD_HIGH,
    THRESHOLD_JOINS_ALL,
    THRESHOLD_LOW,
)
from tests.builder.lint.conftest import Lint


@pytest.mark.parametrize(
    ("threshold", "rule"),
    [
        (0, THRESHOLD_LOW),
        (0.009, THRESHOLD_LOW),
        (0.01, None),
        (0.95, None),
        (0.951, THRESHOLD_HIGH),
        (1, THRESHOLD_HIDES_ALL),
    ],
)
def test_the_threshold_of_a_detector(lint: Lint, threshold: float, rule: Rule | None) -> None:
    found = lint("detector", "yolo", threshold=threshold)
    assert found == ([(rule, "threshold")] if rule else [])


def test_a_low_threshold_is_no_problem_for_candidates_that_do_not_overlap(lint: Lint) -> None:
    steps = ["yolo_end2end", "rectangle"]
    assert lint("detector", "yolo-end2end", postprocess=steps, threshold=0.001) == []


@pytest.mark.parametrize(
    ("threshold", "rule"),
    [(0, None), (0.95, None), (0.97, THRESHOLD_HIGH), (1, THRESHOLD_HIDES_ALL)],
)
def test_the_threshold_of_an_interactor(lint: Lint, threshold: float, rule: Rule | None) -> None:
    found = lint("interactor", "sam", threshold=threshold)
    assert found == ([(rule, "threshold")] if rule else [])


@pytest.mark.parametrize(
    ("threshold", "rule"),
    [(0.95, None), (0.97, THRESHOLD_HIGH), (1, THRESHOLD_HIDES_ALL)],
)
def test_the_threshold_of_a_tracker(lint: Lint, threshold: float, rule: Rule | None) -> None:
    found = lint("tracker", "siamfc", postprocess=[{"siamfc": {"threshold": threshold}}])
    assert found == ([(rule, "postprocess[0].siamfc.threshold")] if rule else [])


@pytest.mark.parametrize(("threshold", "rule"), [(0.99, None), (1.0, THRESHOLD_HIDES_ALL)])
def test_the_threshold_of_keypoints(lint: Lint, threshold: float, rule: Rule | None) -> None:
    steps = ["yolo_pose", "nms", {"points": {"threshold": threshold}}]
    found = lint("detector", "yolo-pose", postprocess=steps)
    assert found == ([(rule, "postprocess[2].points.threshold")] if rule else [])


@pytest.mark.parametrize(
    ("step", "threshold", "rule"),
    [
        ("cosine", 0, THRESHOLD_HIDES_ALL),
        ("cosine", 1.99, None),
        ("cosine", 2, THRESHOLD_JOINS_ALL),
        ("euclidean", 2, THRESHOLD_JOINS_ALL),
        # Vectors of any length can be any distance apart.
        ({"distance": "euclidean", "normalize": False}, 2, None),
        ({"distance": "euclidean", "normalize": False}, 0, THRESHOLD_HIDES_ALL),
    ],
)
def test_the_threshold_of_reid(
    lint: Lint, step: object, threshold: float, rule: Rule | None
) -> None:
    found = lint("reid", "embedder", postprocess=[{"embedding": step}], threshold=threshold)
    assert found == ([(rule, "threshold")] if rule else [])


def test_a_maximum_distance_of_zero_joins_nothing(lint: Lint) -> None:
    assert lint("reid", "embedder", max_distance=0) == [(MAX_DISTANCE_ZERO, "max_distance")]
    assert lint("reid", "embedder", max_distance=0.5) == []
