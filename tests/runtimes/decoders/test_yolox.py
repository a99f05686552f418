import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.classes import Classes
from runtimes.decoders.yolox import Yolox
from runtimes.errors import BadModel
from runtimes.step import Decoder
from tests.grids import grid
from tests.runtimes.decoders.grid_heads import (
    ANY,
    CELLS,
    VIEW,
    Row,
    Shape,
    agree,
    cells,
    signature,
)


@grid(
    ("seed", range(5)),
    ("classes", [1, 3]),
    ("threshold", [0.0, 0.25, 0.75]),
)
def test_yolox_matches_a_loop(seed: int, classes: int, threshold: float) -> None:
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
    # Center (5.5, 2.25) cells = (88, 36) pixels, 2 x 3 cells = 32 x 48 pixels.
    agree(found, [([72, 12, 104, 60], 0.375, 1)])


@given(
    st.integers(0, CELLS - 1),
    st.tuples(*[st.floats(0, 96)] * 2),
    st.tuples(*[st.floats(1, 96)] * 2),
)
def test_yolox_inverts_the_encoding_of_training(
    candidate: int, center: tuple[float, float], size: tuple[float, float]
) -> None:
    column, row, stride = cells()[candidate]
    table = np.zeros((1, CELLS, 6))
    table[0, candidate] = [
        center[0] / stride - column,
        center[1] / stride - row,
        math.log(size[0] / stride),
        math.log(size[1] / stride),
        1,
        1,
    ]
    box = Yolox("o")({"o": table}, VIEW, 0.5).boxes
    wanted = [center[0] - size[0] / 2, center[1] - size[1] / 2]
    wanted += [center[0] + size[0] / 2, center[1] + size[1] / 2]
    assert box[0] == pytest.approx(np.array(wanted), abs=1e-9)


def test_yolox_accepts_other_strides() -> None:
    table = np.zeros((1, 2 * 3 + 1, 6), np.float32)
    table[0, 6] = [0, 0, 0, 0, 1, 1]
    found = Yolox("o", (32, 64))({"o": table}, VIEW, 0.5)
    assert found.boxes.tolist() == [[-32, -32, 32, 32]]


@pytest.mark.parametrize("strides", [(8, 16), (8, 16, 32, 64), (16, 32, 64)])
def test_candidates_that_do_not_fill_the_grids_are_refused(strides: tuple[int, ...]) -> None:
    with pytest.raises(BadModel) as caught:
        Yolox("o", strides)({"o": np.zeros((1, CELLS, 6))}, VIEW, 0.5)
    wanted = sum((64 // stride) * (96 // stride) for stride in strides)
    texts = ["strides: ", f"has {CELLS} candidates", "64x96", f"give {wanted} (", str([*strides])]
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    # The model's score is the threshold as nearly as its type can tell.
    table = np.zeros((1, CELLS, 6), dtype)
    table[0, 5, 4:] = [1, threshold]
    assert len(Yolox("o")({"o": table}, VIEW, threshold)) == 0
    assert len(Yolox("o")({"o": table}, VIEW, threshold - 0.01)) == 1


def test_half_precision_outputs_are_decoded_in_full_precision() -> None:
    # Half precision has steps of 1/1024 at 1.5; times 8, at column 11, they need more digits.
    table = np.zeros((1, CELLS, 6), np.float16)
    table[0, 11] = [1.5 + 1 / 1024, 0, 0, 0, 1, 1]
    found = Yolox("o")({"o": table}, VIEW, 0.5)
    middle = (12.5 + 1 / 1024) * 8
    assert found.boxes.tolist() == [[middle - 4, -4, middle + 4, 4]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(6))
def test_yolox_drops_candidates_that_are_not_finite(bad: float, column: int) -> None:
    table = np.zeros((1, CELLS, 6), np.float32)
    table[0, 3:6, 4:] = 0.75
    table[0, 4, column] = bad
    found = Yolox("o")({"o": table}, VIEW, 0.25)
    # The logarithm of a box without width is minus infinity, which is nothing odd.
    empty = bad == -np.inf and column in (2, 3)
    assert len(found) == (3 if empty else 2)


def test_a_box_that_overflows_is_dropped() -> None:
    table = np.zeros((1, CELLS, 6), np.float32)
    table[0, 3] = [0, 0, 1e4, 0, 1, 1]
    assert len(Yolox("o")({"o": table}, VIEW, 0.5)) == 0


def test_no_detections_give_no_instances() -> None:
    found = Yolox("o")({"o": np.zeros((1, CELLS, 35))}, VIEW, 0.0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


@pytest.mark.parametrize(
    ("decoder", "shapes", "texts"),
    [
        (Yolox("o"), {"o": (1, CELLS, 5)}, ["`yolox` decodes", f"[1, {CELLS}, 5]"]),
        (Yolox("o"), {"o": (2, CELLS, 6)}, ["`yolox` decodes", f"[2, {CELLS}, 6]"]),
        (Yolox("o"), {"o": (CELLS, 6)}, ["`yolox` decodes", f"[{CELLS}, 6]"]),
        (Yolox("x"), {"o": (1, CELLS, 6)}, ["'x'", "found: o"]),
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
        (Yolox(), {"output": (1, 8400, 85)}, Classes(80, exact=True), Yolox("output")),
        (Yolox(), {"output": (None, None, None)}, Classes(7, exact=True), Yolox("output")),
        (
            Yolox("b", (8, 16, 32, 64)),
            {"a": (1, 9, 9), "b": (1, 34000, 6)},
            Classes(1, exact=True),
            Yolox("b", (8, 16, 32, 64)),
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
        (Yolox(), {"a": (1, 9, 9), "b": (1, 9, 9)}, ANY, ["2 outputs could hold"]),
        (Yolox(strides=()), {"o": (1, 8400, 85)}, ANY, ["strides: no strides are given"]),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []


def test_the_defaults_are_those_of_yolox() -> None:
    assert Yolox() == Yolox(strides=(8, 16, 32))
