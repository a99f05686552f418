import itertools
import math

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.nanodet import Nanodet
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.step import Decoder
from runtimes.view import View
from tests.grids import grid
from tests.runtimes.decoders.grid_heads import (
    ANY,
    CELLS,
    STRIDES,
    VIEW,
    Row,
    Shape,
    agree,
    cells,
    signature,
)

POINTS = {
    "corner": lambda cell, stride: cell * stride,
    "middle": lambda cell, stride: (cell + 0.5) * stride,
    "pixel": lambda cell, stride: (cell + 0.5) * stride - 0.5,
}


def expectation(bins: list[float]) -> float:
    """The mean index of the bins, weighted by the softmax of their values."""
    weights = [math.exp(value) for value in bins]
    return sum(number * weight for number, weight in enumerate(weights)) / sum(weights)


def head(seed: int, classes: int, reg_max: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, (1, CELLS, classes)).astype(np.float32)
    return scores, rng.normal(0, 2, (1, CELLS, 4 * (reg_max + 1))).astype(np.float32)


@grid(
    ("seed", range(3)),
    ("classes", [1, 3]),
    ("reg_max", [7, 10]),
    ("center", ["corner", "middle", "pixel"]),
    ("threshold", [0.0, 0.5, 0.9]),
)
def test_nanodet_matches_a_loop(
    seed: int, classes: int, reg_max: int, center: str, threshold: float
) -> None:
    scores, bins = head(seed, classes, reg_max)
    wanted: list[Row] = []
    for (column, row, stride), of_classes, values in zip(
        cells(), scores[0].tolist(), bins[0].tolist(), strict=True
    ):
        best = max(range(classes), key=of_classes.__getitem__)
        if of_classes[best] > threshold:
            x, y = POINTS[center](column, stride), POINTS[center](row, stride)
            count = reg_max + 1
            sides = [values[side * count : (side + 1) * count] for side in range(4)]
            left, top, right, bottom = (expectation(side) * stride for side in sides)
            wanted.append(([x - left, y - top, x + right, y + bottom], of_classes[best], best))
    decoder = Nanodet("o", strides=STRIDES, reg_max=reg_max, center=center)  # type: ignore[arg-type]
    outputs = {"o": np.concatenate([scores, bins], axis=2)}
    agree(decoder(outputs, VIEW, threshold), wanted)


def test_nanodet_by_hand() -> None:
    table = np.zeros((1, CELLS, 2 + 32), np.float32)
    # Column 5, row 2 of stride 16, as above; bins that are certain of 1, 2, 3 and 0 cells.
    place = table[0, 96 + 2 * 6 + 5]
    place[:2] = [0.25, 0.75]
    for side, number in enumerate([1, 2, 3, 0]):
        place[2 + side * 8 + number] = 1000
    found = Nanodet("o", strides=STRIDES)({"o": table}, VIEW, 0.5)
    agree(found, [([80 - 16, 32 - 32, 80 + 48, 32], 0.75, 1)])
    found = Nanodet("o", strides=STRIDES, center="middle")({"o": table}, VIEW, 0.5)
    agree(found, [([88 - 16, 40 - 32, 88 + 48, 40], 0.75, 1)])
    found = Nanodet("o", strides=STRIDES, center="pixel")({"o": table}, VIEW, 0.5)
    agree(found, [([87.5 - 16, 39.5 - 32, 87.5 + 48, 39.5], 0.75, 1)])


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.9])
def test_a_candidate_counts_once_for_each_of_its_classes(threshold: float) -> None:
    scores, bins = head(4, 3, 7)
    outputs = {"o": np.concatenate([scores, bins], axis=2)}
    found = Nanodet("o", strides=STRIDES, multi_label=True)(outputs, VIEW, threshold)
    wanted = [
        (place, number)
        for place in range(CELLS)
        for number in range(3)
        if scores[0, place, number] > threshold
    ]
    assert found.classes.tolist() == [number for _, number in wanted]
    assert found.scores.tolist() == [float(scores[0, place, it]) for place, it in wanted]
    every = Nanodet("o", strides=STRIDES)(outputs, VIEW, -1).boxes
    assert found.boxes.tolist() == [every[place].tolist() for place, _ in wanted]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    table = np.zeros((1, CELLS, 1 + 32), dtype)
    table[0, 5, 0] = threshold
    decoder = Nanodet("o", strides=STRIDES)
    assert len(decoder({"o": table}, VIEW, threshold)) == 0
    assert len(decoder({"o": table}, VIEW, threshold - 0.01)) == 1


def split(array: Array) -> list[Array]:
    """One array for each stride."""
    return [array[:, :96], array[:, 96:120], array[:, 120:]]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("classes", [2, 32])
def test_nanodet_outputs_may_come_in_any_order(order: tuple[int, ...], classes: int) -> None:
    scores, bins = head(1, classes, 7)
    one = Nanodet("o", strides=STRIDES)
    wanted = one({"o": np.concatenate([scores, bins], axis=2)}, VIEW, 0.5)
    parts = {f"cls_{n}": it for n, it in enumerate(split(scores))}
    parts |= {f"dis_{n}": it for n, it in enumerate(split(bins))}
    names = [f"{kind}_{n}" for n in order for kind in ("dis", "cls")]
    model = signature(**{name: parts[name].shape for name in names})
    bound = Nanodet(strides=STRIDES).bind(model, Classes(classes, exact=True))
    assert set(bound.scores) == {"cls_0", "cls_1", "cls_2"}
    assert set(bound.bins) == {"dis_0", "dis_1", "dis_2"}
    found = bound(parts, VIEW, 0.5)
    assert len(wanted) > 20
    assert found.boxes.tolist() == wanted.boxes.tolist()
    assert found.scores.tolist() == wanted.scores.tolist()
    assert found.classes.tolist() == wanted.classes.tolist()


def test_nanodet_scores_and_bins_of_all_strides_may_be_two_outputs() -> None:
    scores, bins = head(2, 3, 7)
    one = Nanodet("o", strides=STRIDES)
    wanted = one({"o": np.concatenate([scores, bins], axis=2)}, VIEW, 0.5)
    model = signature(b=bins.shape, a=scores.shape)
    bound = Nanodet(strides=STRIDES).bind(model, Classes(3, exact=True))
    assert (bound.scores, bound.bins) == (("a",), ("b",))
    found = bound({"a": scores, "b": bins}, VIEW, 0.5)
    assert found.boxes.tolist() == wanted.boxes.tolist()


def test_nanodet_grids_extend_beyond_an_input_that_they_do_not_divide() -> None:
    # NanoDet-Plus at 416 gives 3598 candidates: 52 x 52 + 26 x 26 + 13 x 13 + 7 x 7.
    view = View((480, 640), (416, 416), Geometry())
    table = np.zeros((1, 3598, 112), np.float32)
    table[0, -1, 0] = 0.75
    found = Nanodet("o")({"o": table}, view, 0.5)
    # The last cell is in column and row 6 of stride 64; flat bins mean 3.5 cells to each side.
    agree(found, [([384 - 224, 384 - 224, 384 + 224, 384 + 224], 0.75, 0)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [1, 20])
def test_nanodet_drops_bins_that_are_not_finite(bad: float, column: int) -> None:
    table = np.zeros((1, CELLS, 1 + 32), np.float32)
    table[0, 3:6, 0] = 0.75
    table[0, 4, column] = bad
    found = Nanodet("o", strides=STRIDES)({"o": table}, VIEW, 0.25)
    # A bin of minus infinity weighs nothing, which is nothing odd.
    assert len(found) == (3 if bad == -np.inf else 2)
    table[0, 4] = 0
    table[0, 4, 0] = np.nan
    assert len(Nanodet("o", strides=STRIDES)({"o": table}, VIEW, 0.25)) == 2


def test_no_detections_give_no_instances() -> None:
    scores, bins = np.zeros((1, CELLS, 3)), np.zeros((1, CELLS, 32))
    several = {"a": scores, "b": bins}
    one = {"o": np.concatenate([scores, bins], axis=2)}
    cases: list[tuple[Decoder, dict[str, Array]]] = [
        (Nanodet("o", strides=STRIDES), one),
        (Nanodet(scores=("a",), bins=("b",), strides=STRIDES), several),
    ]
    for decoder, outputs in cases:
        found = decoder(outputs, VIEW, 0.0)
        assert (len(found), found.boxes.shape) == (0, (0, 4))


LEVELS = {"a": (1, 96, 3), "b": (1, 24, 3), "c": (1, 6, 3)}
BINS = {"x": (1, 96, 32), "y": (1, 24, 32), "z": (1, 6, 32)}


@pytest.mark.parametrize(
    ("decoder", "shapes", "texts"),
    [
        (Nanodet("o"), {"o": (1, CELLS, 32)}, ["`nanodet` decodes", f"[1, {CELLS}, 32]"]),
        (Nanodet("o"), {"o": (CELLS, 35)}, ["`nanodet` decodes", f"[{CELLS}, 35]"]),
        (Nanodet("o"), {"o": (2, CELLS, 35)}, ["`nanodet` decodes", f"[2, {CELLS}, 35]"]),
        (Nanodet("o"), {"o": (1, 1, CELLS, 35)}, ["`nanodet` decodes", f"[1, 1, {CELLS}, 35]"]),
        (Nanodet("o"), {"o": (1, CELLS, 35, 1)}, ["`nanodet` decodes", f"[1, {CELLS}, 35, 1]"]),
        (Nanodet("o"), {"o": (1, CELLS, 35)}, [f"has {CELLS} candidates", "give 128", "1x2"]),
        (
            Nanodet(scores=("a", "b", "c"), bins=("x", "y", "z"), strides=STRIDES),
            {**LEVELS, **BINS, "z": (1, 6, 31)},
            ["bins: ", "[1, n, 32]", "got [1, 6, 31]"],
        ),
        (
            Nanodet(scores=("a", "b", "c"), bins=("x", "y", "z"), strides=STRIDES),
            {**LEVELS, **BINS, "c": (2, 6, 3)},
            ["scores: ", "got [2, 6, 3]"],
        ),
        (
            Nanodet(scores=("a", "b", "c"), bins=("x", "y", "z"), strides=STRIDES),
            {**LEVELS, **BINS, "a": (1, 97, 3)},
            ["has 127 candidates", "give 126"],
        ),
        (
            Nanodet(scores=("a", "b", "c"), bins=("x", "y", "z"), strides=STRIDES),
            {**LEVELS, **BINS, "x": (1, 95, 32), "y": (1, 25, 32)},
            ["8x12 = 96 candidates of stride 8", "[95, 32], [25, 32], [6, 32]"],
        ),
    ],
)
def test_outputs_of_another_shape_are_refused(
    decoder: Decoder, shapes: dict[str, tuple[int, ...]], texts: list[str]
) -> None:
    outputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(BadModel) as caught:
        decoder(outputs, VIEW, 0.25)
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "bound"),
    [
        (Nanodet(), {"output": (1, 3598, 112)}, Classes(80, exact=True), Nanodet("output")),
        (
            Nanodet("output", reg_max=10),
            {"output": (1, 3598, 124), "aux": (1, 3, 4)},
            Classes(80, exact=True),
            Nanodet("output", reg_max=10),
        ),
        (
            Nanodet(scores=("y",), bins=("x",)),
            {"x": (1, 3598, 32), "y": (1, 3598, 32)},
            Classes(32, exact=True),
            Nanodet(scores=("y",), bins=("x",)),
        ),
    ],
)
def test_bind_fills_in_the_names(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, bound: Decoder
) -> None:
    assert decoder.bind(signature(**outputs), classes) == bound


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "texts"),
    [
        (Nanodet("o"), {"o": (8400,)}, ANY, ["o [8400] float32 does not hold"]),
        (
            Nanodet(scores=("a",), bins=("x",)),
            {"a": (96,), "x": (1, 96, 32)},
            ANY,
            ["1 outputs could hold class scores and 1 bins", "a [96] float32", "[1, n, classes]"],
        ),
        (Nanodet(strides=()), {"o": (1, 8400, 85)}, ANY, ["strides: no strides are given"]),
        (
            Nanodet(),
            {"o": (1, 3598, 112)},
            Classes(79, exact=True),
            ["80 classes", "112 columns = 32 bins + 80"],
        ),
        (
            Nanodet(reg_max=30),
            {"o": (1, 3598, 112)},
            ANY,
            ["o [1, 3598, 112] float32 does not hold", "classes + 124", "`reg_max`"],
        ),
        (
            Nanodet(),
            {**LEVELS, **BINS},
            ANY,
            ["3 outputs could hold class scores and 3 bins", "4 strides", "[1, n, 32]"],
        ),
        (
            Nanodet(strides=STRIDES),
            {**LEVELS, **BINS},
            Classes(2, exact=True),
            ["3 classes", "a [1, 96, 3] float32"],
        ),
        (
            Nanodet(strides=STRIDES),
            {**LEVELS, "x": (1, 96, 32)},
            ANY,
            ["4 outputs could hold class scores and 0 bins", "x [1, 96, 32] float32"],
        ),
        (
            Nanodet(scores=("a",), bins=("nowhere",)),
            {**LEVELS, **BINS},
            ANY,
            ["no output called 'nowhere'"],
        ),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []


def test_the_defaults_are_those_of_nanodet_plus() -> None:
    assert Nanodet() == Nanodet(
        strides=(8, 16, 32, 64), reg_max=7, center="corner", multi_label=False
    )
