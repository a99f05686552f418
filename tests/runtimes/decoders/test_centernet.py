import math
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.centernet import Centernet
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.view import View
from tests.grids import grid
from tests.runtimes.decoders.grid_heads import ANY, Shape, signature

VIEW = View((480, 640), (64, 96), Geometry())
ROWS, COLUMNS = 16, 24
NAMES = ("hm", "wh", "reg")


def maps(seed: int, classes: int = 3) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {
        "hm": rng.uniform(0, 1, (1, classes, ROWS, COLUMNS)).astype(np.float32),
        "wh": rng.uniform(1, 9, (1, 2, ROWS, COLUMNS)).astype(np.float32),
        "reg": rng.uniform(0, 1, (1, 2, ROWS, COLUMNS)).astype(np.float32),
    }


def is_peak(heat: Array, number: int, row: int, column: int) -> bool:
    """Whether no neighbor is higher."""
    own = heat[number, row, column]
    for other_row in range(max(row - 1, 0), min(row + 2, ROWS)):
        for other in range(max(column - 1, 0), min(column + 2, COLUMNS)):
            if heat[number, other_row, other] > own:
                return False
    return True


@grid(
    ("seed", range(3)),
    ("activation", ["none", "sigmoid"]),
    ("offsets", [True, False]),
    ("top", [5, 1000]),
)
def test_it_matches_a_loop_over_all_cells(
    seed: int, activation: Any, offsets: bool, top: int
) -> None:
    outputs = maps(seed)
    heat = outputs["hm"][0]
    if activation == "sigmoid":
        outputs["hm"] = (outputs["hm"] * 8 - 4).astype(np.float32)
        heat = np.vectorize(lambda value: 1 / (1 + math.exp(-value)))(outputs["hm"][0])
    wanted: list[tuple[float, int, list[float]]] = []
    for number in range(3):
        for row in range(ROWS):
            for column in range(COLUMNS):
                score = float(heat[number, row, column])
                if score <= 0.5 or not is_peak(heat, number, row, column):
                    continue
                dx, dy = outputs["reg"][0, :, row, column].tolist() if offsets else (0, 0)
                width, height = outputs["wh"][0, :, row, column].tolist()
                x, y = (column + dx) * 4, (row + dy) * 4
                box = [x - width * 2, y - height * 2, x + width * 2, y + height * 2]
                wanted.append((score, number, box))
    wanted = sorted(wanted, reverse=True)[:top]
    decoder = Centernet("hm", "wh", "reg" if offsets else None, activation=activation, top=top)
    found = decoder(outputs, VIEW, 0.5).best_first()
    assert len(wanted) == top or top == 1000
    assert len(wanted) >= 5
    assert found.scores.tolist() == pytest.approx([score for score, _, _ in wanted], abs=1e-6)
    assert found.classes.tolist() == [number for _, number, _ in wanted]
    assert found.boxes == pytest.approx(np.array([box for _, _, box in wanted]), abs=1e-3)


def test_a_peak_by_hand() -> None:
    outputs = {name: np.zeros_like(array) for name, array in maps(0).items()}
    outputs["hm"][0, 2, 0, 23] = 0.75
    outputs["hm"][0, 2, 1, 22] = 0.7
    outputs["hm"][0, 1, 1, 22] = 0.625
    outputs["wh"][0, :, 0, 23] = 4, 2
    outputs["reg"][0, :, 0, 23] = 0.5, 0.25
    found = Centernet(*NAMES)(outputs, VIEW, 0.65)
    # 23.5 * 4 = 94, 0.25 * 4 = 1; 16 x 8 pixels.
    assert found.boxes.tolist() == [[86, -3, 102, 5]]
    assert (found.scores.tolist(), found.classes.tolist()) == ([0.75], [2])


def test_an_empty_heatmap_has_no_peaks() -> None:
    outputs = {name: np.zeros_like(array) for name, array in maps(0).items()}
    found = Centernet(*NAMES)(outputs, VIEW, 0.0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


@pytest.mark.parametrize("threshold", [0.125, 0.5])
def test_a_score_at_the_threshold_is_not_above_it(threshold: float) -> None:
    outputs = {name: np.zeros_like(array) for name, array in maps(0).items()}
    outputs["hm"][0, 0, 5, 5] = threshold
    assert len(Centernet(*NAMES)(outputs, VIEW, threshold)) == 0
    assert len(Centernet(*NAMES)(outputs, VIEW, threshold - 0.01)) == 1


def test_logits_are_refused_without_an_activation() -> None:
    outputs = maps(0)
    outputs["hm"] -= 3
    with pytest.raises(BadModel, match="not probabilities"):
        Centernet(*NAMES)(outputs, VIEW, 0.5)


SHAPES: dict[str, Shape] = {"reg": (1, 2, 16, 24), "hm": (1, 2, 16, 24), "wh": (1, 2, 16, 24)}


@pytest.mark.parametrize(
    ("outputs", "classes", "names"),
    [
        (SHAPES, 2, NAMES),
        ({**SHAPES, "dep": (1, 1, 16, 24)}, 2, NAMES),
        ({"a_heatmap": (1, 80, 9, 9), "b_size": (1, 2, 9, 9)}, 80, ("a_heatmap", "b_size", None)),
        ({"offset": (1, 2, 9, 9), "b": (1, 2, 9, 9), "c": (1, 80, 9, 9)}, 80, ("c", "b", "offset")),
    ],
)
def test_bind_recognizes_the_outputs(
    outputs: dict[str, Shape], classes: int, names: tuple[str | None, ...]
) -> None:
    bound = Centernet().bind(signature(**outputs), Classes(classes, exact=True))
    assert (bound.heatmap, bound.sizes, bound.offsets) == names


@pytest.mark.parametrize(
    ("outputs", "classes", "text"),
    [
        ({"a": (1, 2, 9, 9), "b": (1, 2, 9, 9), "c": (1, 80, 9, 9)}, ANY, "could hold sizes"),
        ({"hm": (1, 80, 9, 9)}, ANY, "0 outputs could hold sizes"),
        (SHAPES, Classes(3, exact=True), "2 classes"),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    outputs: dict[str, Shape], classes: Classes, text: str
) -> None:
    with pytest.raises(BadModel, match=text):
        Centernet().bind(signature(**outputs), classes)


@pytest.mark.parametrize(
    ("changed", "texts"),
    [
        ({"hm": (3, 16, 24)}, ["heatmap: ", "got [3, 16, 24]"]),
        ({"wh": (1, 4, 16, 24)}, ["sizes: ", "got [1, 4, 16, 24]"]),
        ({"reg": (1, 2, 8, 12)}, ["maps of one size", "[16, 24], [16, 24], [8, 12]"]),
    ],
)
def test_outputs_of_another_shape_are_refused(
    changed: dict[str, tuple[int, ...]], texts: list[str]
) -> None:
    outputs = {**maps(0), **{name: np.zeros(it, np.float32) for name, it in changed.items()}}
    with pytest.raises(BadModel) as caught:
        Centernet(*NAMES)(outputs, VIEW, 0.5)
    assert [text for text in texts if text not in str(caught.value)] == []
