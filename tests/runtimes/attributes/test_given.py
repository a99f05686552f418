import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.attributes.given import ConstantAttribute, ScoreAttribute
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Attribute


def scored(*scores: float) -> Instances:
    boxes = np.tile([0.0, 0.0, 1.0, 1.0], (len(scores), 1))
    return Instances(boxes, np.array(scores, np.float64), np.zeros(len(scores), np.int64))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_every_instance_gets_the_constant(count: int) -> None:
    found = ConstantAttribute("source", "model 7")(scored(*[0.5] * count), {})
    assert found.attributes["source"].tolist() == ["model 7"] * count


@pytest.mark.parametrize(
    ("score", "scale", "text"),
    [
        (0.0, 100, "0"),
        (0.004, 100, "0"),
        (0.006, 100, "1"),
        (0.734, 100, "73"),
        (0.736, 100, "74"),
        (0.996, 100, "100"),
        (1.0, 100, "100"),
        (0.6, 1, "1"),
        (0.4, 1, "0"),
        (0.1234, 1000, "123"),
    ],
)
def test_the_score_is_rounded_to_the_nearest_integer(score: float, scale: int, text: str) -> None:
    found = ScoreAttribute(scale=scale)(scored(score), {})
    assert found.attributes["score"].tolist() == [text]


@pytest.mark.parametrize(("score", "text"), [(1.5, "10"), (-0.5, "0"), (-1e-9, "0"), (1e9, "10")])
def test_a_score_outside_0_and_1_is_clipped(score: float, text: str) -> None:
    step = ScoreAttribute(scale=10)
    assert step.declare() == ("number", ("0", "10", "1"))
    assert step(scored(score), {}).attributes["score"].tolist() == [text]


@given(st.lists(st.floats(0, 1)), st.integers(1, 10_000))
def test_the_rounding_error_is_at_most_one_half(scores: list[float], scale: int) -> None:
    found = ScoreAttribute(scale=scale)(scored(*scores), {}).attributes["score"].tolist()
    assert len(found) == len(scores)
    for score, text in zip(scores, found, strict=True):
        assert abs(int(text) - score * scale) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("step", "declared"),
    [
        (ConstantAttribute("source", "model 7"), ("text", ("model 7",))),
        (ScoreAttribute(), ("number", ("0", "100", "1"))),
        (ScoreAttribute("sure", 255), ("number", ("0", "255", "1"))),
    ],
)
def test_the_attribute_declares_its_input_type(
    step: Attribute, declared: tuple[str, tuple[str, ...]]
) -> None:
    assert step.declare() == declared


@pytest.mark.parametrize("step", [ConstantAttribute("a", "b"), ScoreAttribute()])
def test_the_models_outputs_are_ignored(step: Attribute) -> None:
    several = Signature((), (Tensor("x", (1, 5), "float32"), Tensor("y", (1, 5), "float32")))
    assert step.bind(several) == step
    assert step.bind(Signature((), ())) == step


@pytest.mark.parametrize("step", [ConstantAttribute("new", "5"), ScoreAttribute("new")])
def test_other_attributes_are_kept_and_values_are_text(step: Attribute) -> None:
    before = scored(0.5, 0.25).with_attribute("old", np.array(["x", "y"]))
    after = step(before, {})
    assert list(after.attributes) == ["old", "new"]
    assert after.attributes["old"].tolist() == ["x", "y"]
    assert after.scores.tolist() == [0.5, 0.25]
    assert list(before.attributes) == ["old"]
    for value in after.attributes["new"].tolist():
        assert isinstance(value, str)
        assert json.loads(json.dumps(value)) == value


def test_a_later_step_of_the_same_name_overrides() -> None:
    once = ConstantAttribute("name", "first")(scored(0.5), {})
    assert ConstantAttribute("name", "second")(once, {}).attributes["name"].tolist() == ["second"]
