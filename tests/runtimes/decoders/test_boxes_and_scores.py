import math
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.boxes_and_scores import BoxesAndScores
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid
from tests.runtimes.decoders.grid_heads import ANY, Row, Shape, agree

VIEW = View((480, 640), (64, 96), Geometry())
COUNT = 40


def signature(**outputs: Shape) -> Signature:
    return Signature((), tuple(Tensor(name, it, "float32") for name, it in outputs.items()))


def corners_of(values: list[float], box: str, unit: str) -> list[float]:
    """One box as a person would convert it."""
    width, height = (96, 64) if unit == "fraction" else (1, 1)
    a, b, c, d = values
    if box == "corners":
        x1, y1, x2, y2 = a, b, c, d
    elif box == "yx_corners":
        y1, x1, y2, x2 = a, b, c, d
    else:
        x1, y1, x2, y2 = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return [x1 * width, y1 * height, x2 * width, y2 * height]


def probabilities_of(values: list[float], activation: str) -> list[float]:
    """The scores of one candidate after its activation."""
    if activation == "sigmoid":
        return [1 / (1 + math.exp(-value)) for value in values]
    if activation == "softmax":
        powers = [math.exp(value) for value in values]
        return [power / sum(powers) for power in powers]
    return values


@grid(
    ("box", ["corners", "yx_corners", "center"]),
    ("unit", ["pixels", "fraction"]),
    ("background", ["none", "first", "last"]),
    ("activation", ["none", "sigmoid", "softmax"]),
    ("multi_label", [False, True]),
    ("transposed", [False, True]),
)
def test_it_matches_a_loop(
    box: Any, unit: Any, background: Any, activation: Any, multi_label: bool, transposed: bool
) -> None:
    rng = np.random.default_rng(len(box) + len(unit) + len(background))
    boxes = rng.uniform(0, 1 if unit == "fraction" else 64, (1, COUNT, 4)).astype(np.float32)
    scores = rng.uniform(0, 1, (1, COUNT, 3)).astype(np.float32)
    if activation != "none":
        scores = (scores * 8 - 4).astype(np.float32)
    threshold = 0.4
    wanted: list[Row] = []
    for values, of_classes in zip(boxes[0].tolist(), scores[0].tolist(), strict=True):
        probabilities = probabilities_of(of_classes, activation)
        if background == "first":
            probabilities = probabilities[1:]
        elif background == "last":
            probabilities = probabilities[:-1]
        best = max(range(len(probabilities)), key=probabilities.__getitem__)
        for number, score in enumerate(probabilities):
            if score > threshold and (multi_label or number == best):
                wanted.append((corners_of(values, box, unit), score, number))
    decoder = BoxesAndScores(
        "b",
        "s",
        box=box,
        unit=unit,
        background=background,
        activation=activation,
        multi_label=multi_label,
    )
    outputs = {"b": boxes, "s": scores.transpose(0, 2, 1) if transposed else scores}
    assert len(wanted) > 5
    agree(decoder(outputs, VIEW, threshold), wanted)


def test_ultraface_by_hand() -> None:
    boxes = np.array([[[0.25, 0.25, 0.5, 0.5], [0, 0, 1, 1]]], np.float32)
    scores = np.array([[[0.25, 0.75], [0.875, 0.125]]], np.float32)
    decoder = BoxesAndScores("b", "s", unit="fraction", background="first")
    agree(decoder({"b": boxes, "s": scores}, VIEW, 0.5), [([24, 16, 48, 32], 0.75, 0)])


def test_boxes_may_have_an_axis_of_one() -> None:
    boxes = np.array([[[[1, 2, 3, 4]], [[5, 6, 7, 8]]]], np.float32)
    scores = np.array([[[0.1, 0.2], [0.3, 0.9]]], np.float32)
    found = BoxesAndScores("b", "s")({"b": boxes, "s": scores}, VIEW, 0.5)
    agree(found, [([5, 6, 7, 8], 0.9, 1)])
    assert found.rows is not None
    assert found.rows.tolist() == [1]


def test_as_many_classes_as_candidates_are_columns() -> None:
    boxes = np.array([[[1, 2, 3, 4], [5, 6, 7, 8]]], np.float32)
    scores = np.array([[[0, 0.9], [0, 0]]], np.float32)
    found = BoxesAndScores("b", "s")({"b": boxes, "s": scores}, VIEW, 0.5)
    agree(found, [([1, 2, 3, 4], 0.9, 1)])


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    outputs = {"b": np.ones((1, 2, 4), dtype), "s": np.full((1, 2, 1), threshold, dtype)}
    decoder = BoxesAndScores("b", "s")
    assert len(decoder(outputs, VIEW, threshold)) == 0
    assert len(decoder(outputs, VIEW, threshold - 0.01)) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("unit", ["pixels", "fraction"])
@pytest.mark.parametrize("box", ["corners", "center"])
def test_boxes_that_are_not_finite_are_dropped(bad: float, unit: Any, box: Any) -> None:
    boxes = np.ones((1, 3, 4), np.float32)
    boxes[0, 1, 2] = bad
    outputs = {"b": boxes, "s": np.ones((1, 3, 1), np.float32)}
    assert len(BoxesAndScores("b", "s", box=box, unit=unit)(outputs, VIEW, 0.5)) == 2


def test_scores_outside_of_0_to_1_are_refused() -> None:
    outputs: dict[str, Array] = {
        "b": np.ones((1, 2, 4), np.float32),
        "s": np.array([[[3.5], [-2]]], np.float32),
    }
    with pytest.raises(BadModel, match="`activation: sigmoid`") as caught:
        BoxesAndScores("b", "s")(outputs, VIEW, 0.5)
    assert caught.value.where == "activation"
    assert caught.value.found == "values from -2 to 3.5"


@pytest.mark.parametrize(
    ("shapes", "texts"),
    [
        ({"b": (1, 9, 5), "s": (1, 9, 3)}, ["boxes: ", "got [1, 9, 5]"]),
        ({"b": (2, 9, 4), "s": (1, 9, 3)}, ["boxes: ", "got [2, 9, 4]"]),
        ({"b": (1, 9, 4), "s": (9, 3)}, ["scores: ", "got [9, 3]"]),
        ({"b": (1, 9, 4), "s": (1, 8, 3)}, ["each of 9 boxes", "[1, 8, 3]", "[1, 9, classes]"]),
        ({"b": (1, 9, 4), "s": (1, 9, 0)}, ["each of 9 boxes", "[1, 9, 0]"]),
    ],
)
def test_outputs_of_another_shape_are_refused(shapes: dict[str, Any], texts: list[str]) -> None:
    outputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(BadModel) as caught:
        BoxesAndScores("b", "s")(outputs, VIEW, 0.5)
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize("columns", [0, 1])
def test_a_background_alone_is_refused(columns: int) -> None:
    outputs = {"b": np.zeros((1, 9, 4)), "s": np.zeros((1, 9, columns))}
    with pytest.raises(BadModel, match="scores of classes for each of 9 boxes"):
        BoxesAndScores("b", "s", background="first")(outputs, VIEW, 0.5)


@pytest.mark.parametrize(
    ("outputs", "classes", "names"),
    [
        ({"boxes": (1, 8400, 4), "scores": (1, 8400, 80)}, 80, ("boxes", "scores")),
        ({"913": (1, 8400, 80), "904": (1, 8400, 4)}, 80, ("904", "913")),
        ({"scores": (1, 8400, 4), "bboxes": (1, 8400, 4)}, 4, ("bboxes", "scores")),
        ({"a": (1, 7, 8400), "b": (1, 8400, 4)}, 7, ("b", "a")),
        ({"boxes": (1, 84, 1, 4), "confs": (1, 84, 80)}, 80, ("boxes", "confs")),
        ({"boxes": (1, None, 4), "scores": (1, None, 80)}, 3, ("boxes", "scores")),
        ({"boxes": (1, 9, 4), "scores": (1, 9, 2), "map": (1, 8, 4, 4)}, 2, ("boxes", "scores")),
    ],
)
def test_bind_recognizes_the_outputs(
    outputs: dict[str, Shape], classes: int, names: tuple[str, str]
) -> None:
    bound = BoxesAndScores().bind(signature(**outputs), Classes(classes, exact=True))
    assert bound == BoxesAndScores(*names)


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "texts"),
    [
        (
            BoxesAndScores(),
            {"boxes": (1, 9, 4), "scores": (1, 9, 3)},
            Classes(2, exact=True),
            ["3 classes", "2 labels"],
        ),
        (
            BoxesAndScores(background="first"),
            {"boxes": (1, 9, 4), "scores": (1, 9, 3)},
            Classes(3, exact=True),
            ["2 classes", "3 labels", "+ background"],
        ),
        (
            BoxesAndScores(),
            {"boxes": (1, 9, 4), "scores": (1, 8, 3)},
            ANY,
            ["scores [1, 8, 3] float32 does not hold scores of the 9 candidates", "`boxes: NAME`"],
        ),
        (BoxesAndScores(), {"a": (1, 9, 4), "b": (1, 9, 4)}, ANY, ["2 outputs could hold boxes"]),
        (BoxesAndScores("nowhere"), {"a": (1, 9, 4)}, ANY, ["no output called 'nowhere'"]),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: BoxesAndScores, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []
