import math

import numpy as np
import pytest

from runtimes.decoders.outputs import (
    check_task,
    corners,
    exceeding,
    probabilities,
    scored,
    sigmoid,
    softmax,
    span_outside_unit,
    take,
)
from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor

OUTPUT = Tensor("output0", (1, 7, 8400), "float32")


def test_an_output_is_taken_by_name() -> None:
    outputs = {"a": np.zeros(1), "b": np.ones(1)}
    assert take(outputs, "b") is outputs["b"]


@pytest.mark.parametrize("name", [None, "c"])
def test_a_missing_output_is_refused(name: str | None) -> None:
    with pytest.raises(BadModel, match=f"no output '{name}'") as caught:
        take({"a": np.zeros(1), "b": np.ones(1)}, name)
    assert (caught.value.where, caught.value.found) == ("output", "a, b")


def test_corners_are_half_a_side_from_the_center() -> None:
    found = corners(np.array([[100, 50, 40, 20], [600.5, 600.5, 100.5, 20.5]], np.float16))
    # Half precision cannot represent 550.25.
    assert found.tolist() == [[80, 40, 120, 60], [550.25, 590.25, 650.75, 610.75]]


@pytest.mark.parametrize("logit", [-1e4, -3.0, 0.0, 0.5, 3.0, 1e4])
def test_the_sigmoid_does_not_overflow(logit: float) -> None:
    wanted = 1 / (1 + math.exp(-logit)) if abs(logit) < 100 else float(logit > 0)
    assert sigmoid(np.array([logit]))[0] == pytest.approx(wanted, abs=1e-6)


def test_the_softmax_sums_to_1_and_does_not_overflow() -> None:
    logits = np.array([[0.0, math.log(3)], [1e4, 1e4]])
    assert softmax(logits, axis=1) == pytest.approx(np.array([[0.25, 0.75], [0.5, 0.5]]))
    assert softmax(logits, axis=0).sum(axis=0) == pytest.approx(np.ones(2))


def test_logits_are_converted_to_probabilities() -> None:
    found = probabilities(np.array([-math.log(3), 0, math.log(3)]), "sigmoid", "step")
    assert found == pytest.approx(np.array([0.25, 0.5, 0.75]))


def test_probabilities_are_clipped_to_0_and_1() -> None:
    values = np.array([-0.005, 0.5, 1.005], np.float32)
    assert probabilities(values, "none", "step").tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("values", [[-0.5, 0.5], [0.5, 4.0]])
def test_values_outside_0_and_1_are_not_probabilities(values: list[float]) -> None:
    with pytest.raises(BadModel, match="not probabilities, which `step` expects") as caught:
        probabilities(np.array(values), "none", "step")
    assert caught.value.found == f"values from {values[0]:g} to {values[1]:g}"
    assert caught.value.where == "activation"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], ""),
        ([0.0, 1.0], ""),
        ([-0.01, 1.01], ""),
        ([0.5, np.inf], ""),
        ([-np.inf, 0.5], ""),
        ([-1.5, 0.5], "from -1.5 to 0.5"),
        ([0.5, 2.25], "from 0.5 to 2.25"),
    ],
)
def test_the_span_ignores_rounding_and_overflow(values: list[float], text: str) -> None:
    assert span_outside_unit(np.array(values, np.float32)) == text


@pytest.mark.parametrize("metadata", [{}, {"task": "detect"}])
def test_a_model_of_the_same_or_no_task_is_accepted(metadata: dict[str, str]) -> None:
    check_task(Signature((), (OUTPUT,), metadata), OUTPUT, "detect")


@pytest.mark.parametrize(
    ("task", "decoder"),
    [("classify", "`classify`"), ("segment", "`yolo_segment`"), ("obb", "`yolo_obb`")],
)
def test_a_model_of_another_task_is_refused_with_its_decoder(task: str, decoder: str) -> None:
    with pytest.raises(BadModel, match=f"`task: {task}`") as caught:
        check_task(Signature((), (OUTPUT,), {"task": task}), OUTPUT, "detect")
    assert decoder in caught.value.hint
    assert caught.value.fault is Fault.WRONG_TASK


def test_candidates_above_the_threshold_count_once_or_once_for_each_class() -> None:
    scores = np.array([[0.5, 0.25], [0.75, 0.875], [0.625, 0.5], [0, 0]])
    candidates, numbers = scored(scores, 0.5, multi_label=False)
    assert (candidates.tolist(), numbers.tolist()) == ([1, 2], [1, 0])
    candidates, numbers = scored(scores, 0.5, multi_label=True)
    assert (candidates.tolist(), numbers.tolist()) == ([1, 1, 2], [0, 1, 0])
    for multi_label in (False, True):
        candidates, numbers = scored(np.zeros((0, 2)), 0.0, multi_label=multi_label)
        assert (candidates.tolist(), numbers.tolist()) == ([], [])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("threshold", [-np.inf, -0.3, 0.0, 0.1, 0.25, 1.0])
def test_values_are_compared_with_the_threshold_in_their_precision(
    dtype: str, threshold: float
) -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(-1.5, 1.5, (40, 30)).astype(dtype)
    kind = values.dtype.type
    values[0, :10] = [0.0, -0.0, np.inf, -np.inf, 0.1, 0.25, 1, -0.3, 6e-8, -6e-8]
    limit = float(kind(threshold))
    wanted = [[float(value) > limit for value in row] for row in values[::2, 1:]]
    assert exceeding(values[::2, 1:], threshold).tolist() == wanted
    numbers = [(y, x) for y, row in enumerate(wanted) for x, above in enumerate(row) if above]
    for layout in (values[::2, 1:], np.asfortranarray(values[::2, 1:])):
        candidates, classes = scored(layout, threshold, multi_label=True)
        assert list(zip(candidates.tolist(), classes.tolist(), strict=True)) == numbers
        candidates, classes = scored(layout, threshold, multi_label=False)
        best = [(y, row.index(max(row))) for y, row in enumerate(layout.tolist())]
        best = [(y, x) for y, x in best if wanted[y][x]]
        assert list(zip(candidates.tolist(), classes.tolist(), strict=True)) == best


def test_values_between_1_and_2_are_no_probabilities() -> None:
    assert span_outside_unit(np.array([0.5, 1.5])) == "from 0.5 to 1.5"
    assert span_outside_unit(np.array([-0.5, 0.5])) == "from -0.5 to 0.5"
