import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.yolox import Nanodet, Yolox
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View

Shape = tuple[int | None, ...]
Row = tuple[list[float], float, int]

VIEW = View((480, 640), (64, 96), Geometry())
"""An input of 64 x 96 pixels: 8 x 12 cells of stride 8, 4 x 6 of 16, 2 x 3 of 32."""
CELLS = 8 * 12 + 4 * 6 + 2 * 3
STRIDES = (8, 16, 32)
ANY = Classes(1, exact=False)
POINTS = {
    "corner": lambda cell, stride: cell * stride,
    "middle": lambda cell, stride: (cell + 0.5) * stride,
    "pixel": lambda cell, stride: (cell + 0.5) * stride - 0.5,
}


def signature(**outputs: Shape) -> Signature:
    return Signature((), tuple(Tensor(name, it, "float32") for name, it in outputs.items()))


def cells() -> list[tuple[int, int, int]]:
    """Column, row and stride of every candidate, in order."""
    return [
        (column, row, stride)
        for stride in STRIDES
        for row in range(64 // stride)
        for column in range(96 // stride)
    ]


def agree(found: Instances, wanted: list[Row]) -> None:
    assert found.classes.tolist() == [number for _, _, number in wanted]
    assert found.scores.tolist() == pytest.approx([score for _, score, _ in wanted], abs=1e-6)
    boxes = np.array([box for box, _, _ in wanted]).reshape(-1, 4)
    assert found.boxes == pytest.approx(boxes, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.75])
def test_yolox_is_what_a_loop_finds(seed: int, classes: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 1, (1, CELLS, 5 + classes)).astype(np.float32)
    # Multiples of 1/8: their products are exact.
    table[..., 4:] = rng.integers(0, 9, (1, CELLS, 1 + classes)) / 8
    wanted: list[Row] = []
    for (column, row, stride), values in zip(cells(), table[0].tolist(), strict=True):
        x, y, width, height, sure, *scores = values
        best = max(range(classes), key=scores.__getitem__)
        if sure * scores[best] > threshold:
            middle_x, middle_y = (x + column) * stride, (y + row) * stride
            wide, high = math.exp(width) * stride, math.exp(height) * stride
            box = [
                middle_x - wide / 2,
                middle_y - high / 2,
                middle_x + wide / 2,
                middle_y + high / 2,
            ]
            wanted.append((box, sure * scores[best], best))
    agree(Yolox("o")({"o": table}, VIEW, threshold), wanted)


def test_yolox_by_hand() -> None:
    table = np.zeros((1, CELLS, 7), np.float32)
    # The cell in column 5, row 2 of stride 16 comes after 96 cells of stride 8.
    table[0, 96 + 2 * 6 + 5] = [0.5, 0.25, math.log(2), math.log(3), 0.5, 0.25, 0.75]
    found = Yolox("o")({"o": table}, VIEW, 0.25)
    # Centre (5.5, 2.25) cells = (88, 36) pixels, 2 x 3 cells = 32 x 48 pixels.
    agree(found, [([72, 12, 104, 60], 0.375, 1)])


@given(
    st.integers(0, CELLS - 1),
    st.tuples(*[st.floats(0, 96)] * 2),
    st.tuples(*[st.floats(1, 96)] * 2),
)
def test_yolox_undoes_what_training_does(
    candidate: int, centre: tuple[float, float], size: tuple[float, float]
) -> None:
    column, row, stride = cells()[candidate]
    table = np.zeros((1, CELLS, 6))
    table[0, candidate] = [
        centre[0] / stride - column,
        centre[1] / stride - row,
        math.log(size[0] / stride),
        math.log(size[1] / stride),
        1,
        1,
    ]
    box = Yolox("o")({"o": table}, VIEW, 0.5).boxes
    wanted = [centre[0] - size[0] / 2, centre[1] - size[1] / 2]
    wanted += [centre[0] + size[0] / 2, centre[1] + size[1] / 2]
    assert box[0] == pytest.approx(np.array(wanted), abs=1e-9)


def test_yolox_takes_other_strides() -> None:
    table = np.zeros((1, 2 * 3 + 1, 6), np.float32)
    table[0, 6] = [0, 0, 0, 0, 1, 1]
    found = Yolox("o", (32, 64))({"o": table}, VIEW, 0.5)
    assert found.boxes.tolist() == [[-32, -32, 32, 32]]


@pytest.mark.parametrize("strides", [(8, 16), (8, 16, 32, 64), (16, 32, 64)])
def test_candidates_that_do_not_fill_the_grids_are_refused(strides: tuple[int, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        Yolox("o", strides)({"o": np.zeros((1, CELLS, 6))}, VIEW, 0.5)
    wanted = sum((64 // stride) * (96 // stride) for stride in strides)
    texts = ["strides: ", f"gave {CELLS} candidates", "64x96", f"make {wanted} (", str([*strides])]
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    # The model's score is the threshold as nearly as its type can tell.
    table = np.zeros((1, CELLS, 6), dtype)
    table[0, 5, 4:] = [1, threshold]
    assert len(Yolox("o")({"o": table}, VIEW, threshold)) == 0
    assert len(Yolox("o")({"o": table}, VIEW, threshold - 0.01)) == 1
    table = np.zeros((1, CELLS, 1 + 32), dtype)
    table[0, 5, 0] = threshold
    decoder = Nanodet("o", strides=STRIDES)
    assert len(decoder({"o": table}, VIEW, threshold)) == 0
    assert len(decoder({"o": table}, VIEW, threshold - 0.01)) == 1


def test_half_precision_outputs_lose_nothing_more() -> None:
    # Half precision has steps of 1/1024 at 1.5; times 8, at column 11, they need more digits.
    table = np.zeros((1, CELLS, 6), np.float16)
    table[0, 11] = [1.5 + 1 / 1024, 0, 0, 0, 1, 1]
    found = Yolox("o")({"o": table}, VIEW, 0.5)
    middle = (12.5 + 1 / 1024) * 8
    assert found.boxes.tolist() == [[middle - 4, -4, middle + 4, 4]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(6))
def test_yolox_leaves_out_candidates_that_are_not_finite(bad: float, column: int) -> None:
    table = np.zeros((1, CELLS, 6), np.float32)
    table[0, 3:6, 4:] = 0.75
    table[0, 4, column] = bad
    found = Yolox("o")({"o": table}, VIEW, 0.25)
    # The logarithm of a box without width is minus infinity, which is nothing odd.
    empty = bad == -np.inf and column in (2, 3)
    assert len(found) == (3 if empty else 2)


def test_a_box_too_large_for_any_number_is_left_out() -> None:
    table = np.zeros((1, CELLS, 6), np.float32)
    table[0, 3] = [0, 0, 1e4, 0, 1, 1]
    assert len(Yolox("o")({"o": table}, VIEW, 0.5)) == 0


def expectation(bins: list[float]) -> float:
    """The mean number of a bin, when each weighs exp of its value."""
    weights = [math.exp(value) for value in bins]
    return sum(number * weight for number, weight in enumerate(weights)) / sum(weights)


def head(seed: int, classes: int, reg_max: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 1, (1, CELLS, classes)).astype(np.float32)
    return scores, rng.normal(0, 2, (1, CELLS, 4 * (reg_max + 1))).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("reg_max", [7, 10])
@pytest.mark.parametrize("center", ["corner", "middle", "pixel"])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.9])
def test_nanodet_is_what_a_loop_finds(
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


def test_nanodet_grids_reach_beyond_an_input_that_they_do_not_divide() -> None:
    # NanoDet-Plus at 416 gives 3598 candidates: 52 x 52 + 26 x 26 + 13 x 13 + 7 x 7.
    view = View((480, 640), (416, 416), Geometry())
    table = np.zeros((1, 3598, 112), np.float32)
    table[0, -1, 0] = 0.75
    found = Nanodet("o")({"o": table}, view, 0.5)
    # The last cell is in column and row 6 of stride 64; flat bins mean 3.5 cells to each side.
    agree(found, [([384 - 224, 384 - 224, 384 + 224, 384 + 224], 0.75, 0)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [1, 20])
def test_nanodet_leaves_out_bins_that_are_not_finite(bad: float, column: int) -> None:
    table = np.zeros((1, CELLS, 1 + 32), np.float32)
    table[0, 3:6, 0] = 0.75
    table[0, 4, column] = bad
    found = Nanodet("o", strides=STRIDES)({"o": table}, VIEW, 0.25)
    # A bin of minus infinity weighs nothing, which is nothing odd.
    assert len(found) == (3 if bad == -np.inf else 2)
    table[0, 4] = 0
    table[0, 4, 0] = np.nan
    assert len(Nanodet("o", strides=STRIDES)({"o": table}, VIEW, 0.25)) == 2


def test_nothing_found_is_no_instances() -> None:
    scores, bins = np.zeros((1, CELLS, 3)), np.zeros((1, CELLS, 32))
    several = {"a": scores, "b": bins}
    one = {"o": np.concatenate([scores, bins], axis=2)}
    cases: list[tuple[Decoder, dict[str, Array]]] = [
        (Yolox("o"), one),
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
        (Yolox("o"), {"o": (1, CELLS, 5)}, ["`yolox` decodes", f"[1, {CELLS}, 5]"]),
        (Yolox("o"), {"o": (2, CELLS, 6)}, ["`yolox` decodes", f"[2, {CELLS}, 6]"]),
        (Yolox("o"), {"o": (CELLS, 6)}, ["`yolox` decodes", f"[{CELLS}, 6]"]),
        (Yolox("x"), {"o": (1, CELLS, 6)}, ["'x'", "found: o"]),
        (Nanodet("o"), {"o": (1, CELLS, 32)}, ["`nanodet` decodes", f"[1, {CELLS}, 32]"]),
        (Nanodet("o"), {"o": (CELLS, 35)}, ["`nanodet` decodes", f"[{CELLS}, 35]"]),
        (Nanodet("o"), {"o": (1, CELLS, 35)}, [f"gave {CELLS} candidates", "make 128", "1x2"]),
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
            ["gave 127 candidates", "make 126"],
        ),
        (
            Nanodet(scores=("a", "b", "c"), bins=("x", "y", "z"), strides=STRIDES),
            {**LEVELS, **BINS, "x": (1, 95, 32), "y": (1, 25, 32)},
            ["8x12 = 96 candidates of stride 8", "[95, 32], [25, 32], [6, 32]"],
        ),
    ],
)
def test_real_outputs_of_another_shape_are_refused(
    decoder: Decoder, shapes: dict[str, tuple[int, ...]], texts: list[str]
) -> None:
    outputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(BadModel) as caught:
        decoder(outputs, VIEW, 0.25)
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "bound"),
    [
        (Yolox(), {"output": (1, 8400, 85)}, Classes(80, exact=True), Yolox("output")),
        (Yolox(), {"output": (None, None, None)}, Classes(7, exact=True), Yolox("output")),
        (
            Yolox("b", (8, 16, 32, 64)),
            {"a": (1, 9, 9), "b": (1, 34000, 6)},
            Classes(1, exact=True),
            Yolox("b", (8, 16, 32, 64)),
        ),
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
        (
            Yolox(),
            {"o": (1, 8400, 85)},
            Classes(3, exact=True),
            ["80 classes", "85 columns = 5 for box and objectness + 80"],
        ),
        (Yolox(), {"o": (1, 84, 8400)}, ANY, ["candidates in columns", "`yolo`"]),
        (Yolox(), {"o": (1, 8400, 5)}, ANY, ["o [1, 8400, 5] float32 does not hold"]),
        (Yolox("o"), {"o": (8400, 85)}, ANY, ["o [8400, 85] float32 does not hold"]),
        (Yolox("o"), {"o": (8400,)}, ANY, ["o [8400] float32 does not hold"]),
        (Nanodet("o"), {"o": (8400,)}, ANY, ["o [8400] float32 does not hold"]),
        (
            Nanodet(scores=("a",), bins=("x",)),
            {"a": (96,), "x": (1, 96, 32)},
            ANY,
            ["1 outputs could hold class scores and 1 bins", "a [96] float32", "[1, n, classes]"],
        ),
        (Yolox(), {"a": (1, 9, 9), "b": (1, 9, 9)}, ANY, ["2 outputs could hold"]),
        (Yolox(strides=()), {"o": (1, 8400, 85)}, ANY, ["strides: no strides are given"]),
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
            ["could hold class scores", "x [1, 96, 32] float32"],
        ),
        (
            Nanodet(scores=("a",), bins=("nowhere",)),
            {**LEVELS, **BINS},
            ANY,
            ["no output called 'nowhere'"],
        ),
    ],
)
def test_bind_refuses_what_cannot_fit(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []
