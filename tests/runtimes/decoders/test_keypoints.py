"""Regressed keypoints, by hand."""

from typing import Any

import numpy as np
import pytest

from runtimes.classes import Classes
from runtimes.decoders.keypoints import Keypoints
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View

VIEW = View((80, 120), (80, 120), Geometry())
ONE = Classes(1, exact=True)
PLACES = [(30.0, 20.0), (90.0, 40.0), (60.0, 60.0), (45.0, 72.0)]
"""Of an input 80 high and 120 wide."""


def signature(**shapes: Any) -> Signature:
    return Signature((), tuple(Tensor(name, it, "float32") for name, it in shapes.items()))


@pytest.mark.parametrize(
    ("unit", "values"),
    [
        ("pixels", [30, 20, 90, 40, 60, 60, 45, 72]),
        ("fraction", [0.25, 0.25, 0.75, 0.5, 0.5, 0.75, 0.375, 0.9]),
        ("signed", [-0.5, -0.5, 0.5, 0, 0, 0.5, -0.25, 0.8]),
    ],
)
@pytest.mark.parametrize("shape", [(1, 8), (1, 4, 2), (1, 8, 1, 1), (1, 1, 1, 8), (8,)])
def test_coordinates_are_in_pixels_of_the_input(
    unit: Any, values: list[float], shape: tuple[int, ...]
) -> None:
    step = Keypoints(unit=unit, kpt_shape=(4, 2)).bind(signature(y=shape), ONE)
    found = step({"y": np.array(values, np.float32).reshape(shape)}, VIEW, 0.5)
    assert found.keypoints is not None
    assert found.keypoints[0, :, :2] == pytest.approx(np.array(PLACES), abs=1e-4)
    assert found.keypoints[0, :, 2].tolist() == [1, 1, 1, 1]
    assert found.boxes == pytest.approx(np.array([[30, 20, 90, 72]]), abs=1e-4)
    assert (found.scores.tolist(), found.classes.tolist()) == ([1], [0])


def test_a_depth_is_dropped_and_a_confidence_is_kept() -> None:
    values = np.array([[30, 20, 0.5, 90, 40, 0.75]], np.float32)
    for third, confidence, score in (("depth", [1, 1], 1), ("confidence", [0.5, 0.75], 0.625)):
        step = Keypoints("y", (2, 3), third=third)  # type: ignore[arg-type]
        found = step({"y": values}, VIEW, 0.25)
        assert found.keypoints is not None
        assert found.keypoints[0, :, 2].tolist() == confidence
        assert found.scores.tolist() == [score]
    with pytest.raises(BadModel, match="not probabilities"):
        Keypoints("y", (2, 3), third="confidence")({"y": values * 9}, VIEW, 0.25)


@pytest.mark.parametrize("activation", ["none", "sigmoid"])
def test_the_score_of_the_object_is_another_output(activation: Any) -> None:
    step = Keypoints("y", (2, 2), score="flag", activation=activation)
    outputs = {"y": np.array([[30, 20, 90, 40]], np.float32), "flag": np.array([[0.75]])}
    score = 0.75 if activation == "none" else 1 / (1 + np.exp(-0.75))
    assert step(outputs, VIEW, 0.5).scores.tolist() == pytest.approx([score])
    assert len(step(outputs, VIEW, score + 0.01)) == 0
    with pytest.raises(BadModel, match="reads one score"):
        step({**outputs, "flag": np.zeros((1, 2))}, VIEW, 0.5)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1, 136), (68, 2)), ((1, 63), (21, 3)), ((1, 42, 3), (42, 3)), ((1, 6, 2), (6, 2))],
)
def test_the_shape_of_the_output_tells_the_number_of_keypoints(
    shape: tuple[int, ...], expected: tuple[int, int]
) -> None:
    bound = Keypoints().bind(signature(y=shape), ONE)
    assert (bound.output, bound.kpt_shape, bound.keypoint_count) == ("y", expected, expected[0])


def test_the_score_is_not_taken_for_the_coordinates() -> None:
    bound = Keypoints().bind(signature(flag=(1, 1), y=(1, 136), side=(None, 1)), ONE)
    assert bound.output == "y"


@pytest.mark.parametrize(
    ("step", "shapes", "where", "words"),
    [
        (Keypoints(), {"y": (1, 42)}, "kpt_shape", "42 values, so the number of keypoints"),
        (Keypoints(), {"y": (1, 35)}, "kpt_shape", "35 values, so the number of keypoints"),
        (Keypoints(), {"y": (1, None)}, "kpt_shape", "an unknown number of values"),
        (Keypoints(), {"y": (1, 136), "z": (1, 63)}, "output", "2 outputs could hold"),
        (Keypoints(), {"y": (1, 1)}, "output", "0 outputs could hold"),
        (Keypoints(kpt_shape=(5, 2)), {"y": (1, 136)}, "kpt_shape", "5 keypoints with 2 values"),
        (Keypoints(kpt_shape=(34, 4)), {"y": (1, 136)}, "kpt_shape", "34 keypoints with 4 values"),
        (Keypoints(score="flag"), {"y": (1, 136)}, "output", "no output called 'flag'"),
    ],
)
def test_bind_refuses_other_outputs(
    step: Keypoints, shapes: dict[str, Any], where: str, words: str
) -> None:
    with pytest.raises(BadModel, match=words) as caught:
        step.bind(signature(**shapes), ONE)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("unit", "values"),
    [("pixels", [0.25, 0.5, 0.75, 1]), ("fraction", [30, 20, 90, 40]), ("signed", [0, 0, 50, 9])],
)
def test_coordinates_in_another_unit_are_refused(unit: Any, values: list[float]) -> None:
    with pytest.raises(BadModel, match=f"not in the unit `{unit}`") as caught:
        Keypoints("y", (2, 2), unit)({"y": np.array([values])}, VIEW, 0.5)
    assert caught.value.where == "unit"


def test_values_that_are_not_finite_give_no_instance() -> None:
    values = np.array([[30, np.nan, 90, 40]], np.float32)
    assert len(Keypoints("y", (2, 2))({"y": values}, VIEW, 0.5)) == 0


def test_the_box_excludes_keypoints_without_confidence() -> None:
    values = np.array([[30, 20, 0.5, 90, 40, 0.75, 5, 5, 0]], np.float32)
    found = Keypoints("y", (3, 3), third="confidence")({"y": values}, VIEW, 0.25)
    assert found.boxes.tolist() == [[30, 20, 90, 40]]
