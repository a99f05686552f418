import pytest

from builder.backends.precision import DEFAULTS, Limits, Precision


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_limits_that_are_not_given_are_those_of_the_precision(precision: Precision) -> None:
    found = Limits(box=7.5, lost=0).of(precision)
    assert (found["box"], found["lost"]) == (7.5, 0)
    assert found["score"] == DEFAULTS[precision]["score"]
    assert found.keys() == DEFAULTS[precision].keys() == Limits.model_fields.keys()
