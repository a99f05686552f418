from math import exp

import numpy as np
import pytest

from runtimes.classes import Classes
from runtimes.decoders.classify import Classify
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.view import View

VIEW = View((360, 640), (224, 224), Geometry(0.62, 0.62, -87, 0))
ANY = Classes(1, exact=False)


def signature(*shapes: tuple[int | None, ...], task: str = "classify") -> Signature:
    outputs = [Tensor(f"output{n}", shape, "float32") for n, shape in enumerate(shapes)]
    return Signature((), tuple(outputs), {"task": task})


def scores_of(found: Instances) -> dict[int, float]:
    return dict(zip(found.classes.tolist(), found.scores.tolist(), strict=True))


@pytest.mark.parametrize("shape", [(1, 4), (4,), (1, 4, 1, 1), (1, 1, 1, 4)])
def test_each_class_above_the_threshold_is_an_instance_with_the_image_as_its_box(
    shape: tuple[int, ...],
) -> None:
    output = np.array([0.125, 0.5, 0.0, 0.375], np.float32).reshape(shape)
    found = Classify(output="o")({"o": output}, VIEW, 0.125)
    assert scores_of(found) == {1: 0.5, 3: 0.375}
    assert found.boxes.tolist() == [[0, 0, 640, 360]] * 2
    assert Classify.space == "image"


def test_softmax_and_sigmoid_match_the_formulas() -> None:
    logits = [2.0, -1.0, 0.5]
    total = sum(exp(value) for value in logits)
    outputs = {"o": np.array([logits], np.float32)}
    soft = scores_of(Classify("o", "softmax")(outputs, VIEW, 0.0))
    assert soft == pytest.approx({n: exp(v) / total for n, v in enumerate(logits)}, abs=1e-6)
    each = scores_of(Classify("o", "sigmoid")(outputs, VIEW, 0.0))
    assert each == pytest.approx({n: 1 / (1 + exp(-v)) for n, v in enumerate(logits)}, abs=1e-6)


def test_large_logits_do_not_overflow() -> None:
    outputs = {"o": np.array([[60000.0, -60000.0]], np.float16)}
    assert scores_of(Classify("o", "softmax")(outputs, VIEW, 0.5)) == {0: 1.0}
    assert scores_of(Classify("o", "sigmoid")(outputs, VIEW, 0.5)) == {0: 1.0}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    outputs = {"o": np.array([[threshold, 0]], dtype)}
    assert len(Classify("o")(outputs, VIEW, threshold)) == 0
    assert len(Classify("o")(outputs, VIEW, threshold - 0.01)) == 1


def test_no_detections_give_no_instances() -> None:
    found = Classify("o")({"o": np.full((1, 3), 0.3, np.float32)}, VIEW, 0.5)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_scores_that_are_not_finite_are_dropped() -> None:
    output = np.array([[np.nan, 0.75, np.inf]], np.float32)
    assert 0 not in scores_of(Classify("o")({"o": output}, VIEW, 0.5))
    assert scores_of(Classify("o")({"o": output[:, :2]}, VIEW, 0.5)) == {1: 0.75}


def test_logits_without_an_activation_are_refused() -> None:
    with pytest.raises(BadModel) as caught:
        Classify("o")({"o": np.array([[-3.5, 7.25]], np.float32)}, VIEW, 0.5)
    assert (caught.value.where, caught.value.found) == ("activation", "values from -3.5 to 7.25")
    assert "activation: softmax" in caught.value.hint


def test_half_precision_may_round_a_probability_above_one() -> None:
    outputs = {"o": np.array([[1.0009765625, 0]], np.float16)}
    assert scores_of(Classify("o")(outputs, VIEW, 0.5)) == {0: 1.0}


@pytest.mark.parametrize("shape", [(2, 3), (1, 3, 2, 2), (), (1, 0), (3, 1, 2)])
def test_outputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadModel, match=r"decodes \[1, classes\]") as caught:
        Classify("o")({"o": np.zeros(shape, np.float32)}, VIEW, 0.5)
    assert f"got {list(shape)}" in caught.value.what


@pytest.mark.parametrize(
    ("shape", "classes"),
    [
        ((1, 10), Classes(10, exact=True)),
        ((10,), Classes(10, exact=True)),
        ((None, 10), Classes(10, exact=True)),
        ((1, 10, 1, 1), Classes(10, exact=True)),
        ((1, 1), Classes(1, exact=True)),
        ((1, 10), Classes(3, exact=False)),
        ((None, None), Classes(3, exact=True)),
        ((None,), Classes(3, exact=True)),
    ],
)
def test_bind_finds_the_output(shape: tuple[int | None, ...], classes: Classes) -> None:
    assert Classify().bind(signature(shape), classes) == Classify("output0")


def test_bind_takes_the_named_output() -> None:
    bound = Classify("output1", "softmax").bind(signature((1, 512), (1, 3)), ANY)
    assert bound == Classify("output1", "softmax")
    with pytest.raises(BadModel, match="2 outputs could hold"):
        Classify().bind(signature((1, 512), (1, 3)), ANY)


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((1, 10), Classes(9, exact=True), "the model has 10 classes, the manifest 9 labels"),
        ((1, 10), Classes(11, exact=False), "a label with id 10"),
        ((4, 10), ANY, r"output0 \[4, 10\]"),
        ((1, 10, 7, 7), ANY, r"output0 \[1, 10, 7, 7\]"),
        ((1, 84, 8400), ANY, "0 outputs could hold"),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    shape: tuple[int, ...], classes: Classes, message: str
) -> None:
    with pytest.raises(BadModel, match=message):
        Classify().bind(signature(shape), classes)


def test_bind_refuses_a_model_of_another_task() -> None:
    with pytest.raises(BadModel, match="task: detect"):
        Classify().bind(signature((1, 10), task="detect"), ANY)
