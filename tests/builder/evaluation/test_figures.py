import numpy as np

from builder.evaluation.figures import figure, mean_figure


def test_nan_is_not_defined() -> None:
    assert figure(0.5) == 0.5
    assert figure(float("nan")) is None


def test_the_mean_is_that_of_the_defined_values() -> None:
    assert mean_figure(np.array([0.5, np.nan, 1.0])) == 0.75
    assert mean_figure(np.array([np.nan])) is None
    assert mean_figure(np.zeros(0)) is None
