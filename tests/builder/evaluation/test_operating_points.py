import numpy as np
import pytest

from builder.evaluation.operating_points import OperatingPoints


def points(threshold: float = 0.5, lowest: float = 0.0) -> OperatingPoints:
    """Two labels: three of four found with one mistake, and nothing right."""
    points = OperatingPoints(2, threshold, lowest)
    right = np.array([True, True, False, True])
    points.add(0, np.array([0.9, 0.8, 0.6, 0.333]), right, ~right, 4)
    points.add(1, np.array([0.7]), np.array([False]), np.array([True]), 1)
    return points


def test_figures_at_the_functions_threshold() -> None:
    own = points().own(0)
    assert (own.threshold, own.recall) == (0.5, 0.5)
    assert own.precision == pytest.approx(2 / 3)
    assert own.f1 == pytest.approx(4 / 7)
    both = points().own()
    assert both.precision == 0.5
    assert both.recall == pytest.approx(2 / 5)


def test_a_detection_counts_at_a_threshold_equal_to_its_score() -> None:
    assert points(0.9).own(0).recall == 0.25
    assert np.isnan(points(0.9001).own(0).precision)
    # A threshold that is not a multiple of a thousandth.
    assert points(0.33299).own(0).recall == 0.75
    assert points(0.33301).own(0).recall == 0.5


def test_the_best_threshold_is_the_middle_of_the_equally_good_ones() -> None:
    best = points().best(0)
    assert best is not None
    # 3 of 4 found with one mistake up to 0.333: F1 is 6 / 8, and it is lower above.
    assert best.f1 == pytest.approx(0.75)
    assert best.threshold == pytest.approx(0.1665, abs=0.001)
    assert points().best(1) is None
    both = points().best()
    assert both is not None
    # Above 0.7: two right, no mistake, three missed. Up to 0.333: three right, two mistakes.
    assert both.f1 == pytest.approx(max(4 / 7, 6 / 10))


def test_the_curve_of_f1_has_steps_of_a_hundredth() -> None:
    thresholds, values = points().f1(0)
    assert thresholds.tolist() == pytest.approx(np.linspace(0, 1, 101).tolist())
    assert values[10] == pytest.approx(0.75)
    assert values[70] == pytest.approx(4 / 6)
    assert values[100] == 0


def test_ignored_detections_do_not_count() -> None:
    found = OperatingPoints(1, 0.5, 0.0)
    nothing = np.array([False, False])
    found.add(0, np.array([0.9, 0.8]), np.array([True, False]), nothing, 1)
    assert found.own().precision == 1


def test_thresholds_below_the_lowest_confidence_are_not_proposed() -> None:
    # Without the detection of 0.333: two of four found, and a mistake of 0.6.
    found = points(0.65, 0.625)
    best = found.best(0)
    assert best is not None
    assert 0.625 <= best.threshold <= 0.8
    assert best.f1 == pytest.approx(4 / 6)
    thresholds, values = found.f1(0)
    assert thresholds.tolist() == pytest.approx(np.linspace(0.63, 1, 38).tolist())
    assert values[0] == pytest.approx(4 / 6)
