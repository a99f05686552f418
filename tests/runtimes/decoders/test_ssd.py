import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.ssd import OpenvinoBoxes, Ssd
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View

Shape = tuple[int | None, ...]
Row = tuple[tuple[float, ...], float, int]

VIEW = View((480, 640), (100, 200), Geometry())
"""The model's input is 100 pixels high and 200 wide."""
ANY = Classes(1, exact=False)


def signature(**outputs: Shape) -> Signature:
    kinds = {name: "int64" if name == "labels" else "float32" for name in outputs}
    return Signature((), tuple(Tensor(name, it, kinds[name]) for name, it in outputs.items()))


def rows_of(found: Instances) -> list[Row]:
    boxes = [tuple(box) for box in found.boxes.tolist()]
    return list(zip(boxes, found.scores.tolist(), found.classes.tolist(), strict=True))


def table(*rows: list[float], dtype: str = "float32") -> dict[str, Array]:
    return {"o": np.array(rows, dtype).reshape(1, 1, -1, 7)}


def test_ssd_by_hand() -> None:
    outputs = table(
        [0, 1, 0.75, 0.25, 0.5, 0.75, 1],
        [0, 3, 0.5, -0.5, 0, 1.5, 0.25],
        [0, 2, 0.25, 0, 0, 1, 1],  # at the threshold, not above it
        [0, 0, 0.875, 0, 0, 1, 1],  # background
    )
    assert rows_of(Ssd("o")(outputs, VIEW, 0.25)) == [
        ((50, 50, 150, 100), 0.75, 0),
        ((-100, 0, 300, 25), 0.5, 2),
    ]


def test_ssd_without_background_counts_from_0() -> None:
    outputs = table([0, 0, 0.75, 0, 0, 1, 1], [0, 3, 0.5, 0, 0, 1, 1])
    assert Ssd("o", background=False)(outputs, VIEW, 0.25).classes.tolist() == [0, 3]


def test_ssd_ends_at_the_first_row_with_image_minus_1() -> None:
    outputs = table(
        [0, 1, 0.75, 0, 0, 1, 1],
        [-1, 0, 0, 0, 0, 0, 0],
        [0, 1, 0.875, 0, 0, 1, 1],  # whatever was in memory
    )
    assert Ssd("o")(outputs, VIEW, 0.25).scores.tolist() == [0.75]
    assert len(Ssd("o")(table([-1, 1, 0.9, 0, 0, 1, 1]), VIEW, 0.25)) == 0


Number = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.625, 1.0])


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 0, 0, -1]), st.integers(0, 4), *[Number] * 5), max_size=8
    ),
    Number,
    st.booleans(),
)
def test_ssd_matches_a_loop(
    rows: list[tuple[float, ...]], threshold: float, background: bool
) -> None:
    wanted: list[Row] = []
    for image, number, score, x1, y1, x2, y2 in rows:
        if image < 0:
            break
        if background and number == 0:
            continue
        if score > threshold:
            box = (x1 * 200, y1 * 100, x2 * 200, y2 * 100)
            wanted.append((box, score, int(number) - 1 if background else int(number)))
    outputs = table(*[list(row) for row in rows])
    assert rows_of(Ssd("o", background)(outputs, VIEW, threshold)) == wanted


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    # The model's score is the threshold as nearly as its type can tell.
    outputs = table([0, 1, threshold, 0, 0, 1, 1], dtype=dtype)
    assert len(Ssd("o")(outputs, VIEW, threshold)) == 0
    assert len(Ssd("o")(outputs, VIEW, threshold - 0.01)) == 1
    boxes = {"b": np.array([[0, 0, 9, 9, threshold]], dtype), "l": np.array([0])}
    assert len(OpenvinoBoxes("b", "l")(boxes, VIEW, threshold)) == 0
    assert len(OpenvinoBoxes("b", "l")(boxes, VIEW, threshold - 0.01)) == 1


def test_half_precision_outputs_are_decoded_in_full_precision() -> None:
    # Half precision holds 2047/2048, but not 200 times as much.
    outputs = table([0, 1, 0.5, 0, 0, 2047 / 2048, 1], dtype="float16")
    assert Ssd("o")(outputs, VIEW, 0.25).boxes.tolist() == [[0, 0, 2047 / 2048 * 200, 100]]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", range(1, 7))
def test_ssd_drops_rows_that_are_not_finite(bad: float, column: int) -> None:
    rows = [[0.0, 1, 0.75, 0, 0, 1, 1], [0.0, 2, 0.75, 0, 0, 1, 1], [0.0, 3, 0.75, 0, 0, 1, 1]]
    rows[1][column] = bad
    assert Ssd("o")(table(*rows), VIEW, 0.25).classes.tolist() == [0, 2]


@pytest.mark.parametrize("rank", [1, 2])
def test_openvino_boxes_by_hand(rank: int) -> None:
    boxes = np.array([[10, 20, 30, 40, 0.75], [1, 2, 3, 4, 0.25], [5, 6, 7, 8, 0.5]], np.float32)
    labels = np.array([0, 1, 2])
    outputs = {"b": boxes if rank == 1 else boxes[None], "l": labels if rank == 1 else labels[None]}
    assert rows_of(OpenvinoBoxes("b", "l")(outputs, VIEW, 0.25)) == [
        ((10, 20, 30, 40), 0.75, 0),
        ((5, 6, 7, 8), 0.5, 2),
    ]
    assert rows_of(OpenvinoBoxes("b", "l", background=True)(outputs, VIEW, 0.25)) == [
        ((5, 6, 7, 8), 0.5, 1)
    ]


def test_openvino_boxes_drop_padding_even_at_threshold_0() -> None:
    boxes = np.zeros((200, 5), np.float32)
    boxes[0] = [10, 20, 30, 40, 0.01]
    labels = np.full(200, -1)
    labels[0] = 0
    found = OpenvinoBoxes("b", "l")({"b": boxes, "l": labels}, VIEW, 0.0)
    assert found.boxes.tolist() == [[10, 20, 30, 40]]


def test_openvino_boxes_that_are_not_finite_are_dropped() -> None:
    boxes = np.full((3, 5), 0.5, np.float32)
    boxes[0, 1], boxes[1, 4] = np.nan, np.nan
    found = OpenvinoBoxes("b", "l")({"b": boxes, "l": np.array([5, 6, 7])}, VIEW, 0.25)
    assert found.classes.tolist() == [7]


@pytest.mark.parametrize(
    ("decoder", "outputs"),
    [
        (Ssd("o"), {"o": np.zeros((1, 1, 0, 7))}),
        (Ssd("o"), {"o": np.zeros((1, 1, 5, 7))}),
        (OpenvinoBoxes("o", "l"), {"o": np.zeros((0, 5)), "l": np.zeros(0)}),
        (OpenvinoBoxes("o", "l"), {"o": np.zeros((4, 5)), "l": np.zeros(4, int)}),
    ],
)
def test_no_detections_give_no_instances(decoder: Decoder, outputs: dict[str, Array]) -> None:
    found = decoder(outputs, VIEW, 0.0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


@pytest.mark.parametrize(
    ("decoder", "shapes", "texts"),
    [
        (Ssd("o"), {"o": (1, 1, 200, 6)}, ["`ssd` decodes", "[1, 1, 200, 6]"]),
        (Ssd("o"), {"o": (200, 7)}, ["`ssd` decodes", "[200, 7]"]),
        (Ssd("o"), {"o": (2, 1, 200, 7)}, ["`ssd` decodes", "[2, 1, 200, 7]"]),
        (Ssd("x"), {"o": (1, 1, 200, 7)}, ["'x'", "found: o"]),
        (OpenvinoBoxes("o", "l"), {"o": (9, 4), "l": (9,)}, ["`openvino_boxes` decodes", "[9, 4]"]),
        (OpenvinoBoxes("o", "l"), {"o": (9, 5), "l": (8,)}, ["boxes 9, labels 8"]),
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
    ("decoder", "outputs", "bound"),
    [
        (Ssd(), {"detection_out": (1, 1, 200, 7)}, Ssd("detection_out")),
        (Ssd(), {"x": (1, 1, None, None), "y": (1, 3, 8, 8)}, Ssd("x")),
        (Ssd("b", False), {"a": (1, 1, 9, 7), "b": (1, 1, 9, 7)}, Ssd("b", False)),
        (OpenvinoBoxes(), {"labels": (200,), "boxes": (200, 5)}, OpenvinoBoxes("boxes", "labels")),
        (OpenvinoBoxes(), {"17": (None,), "16": (None, None)}, OpenvinoBoxes("16", "17")),
        (OpenvinoBoxes(), {"16": (1, 100, 5), "17": (1, 100)}, OpenvinoBoxes("16", "17")),
    ],
)
def test_bind_fills_in_the_names(
    decoder: Decoder, outputs: dict[str, Shape], bound: Decoder
) -> None:
    assert decoder.bind(signature(**outputs), ANY) == bound


@pytest.mark.parametrize(
    ("decoder", "outputs", "texts"),
    [
        (Ssd(), {"o": (1, 84, 8400)}, ["0 outputs", "[1, 1, N, 7]", "o [1, 84, 8400] float32"]),
        (Ssd(), {"a": (1, 1, 9, 7), "b": (1, 1, 9, 7)}, ["2 outputs", "`output: NAME`"]),
        (Ssd("c"), {"a": (1, 1, 9, 7)}, ["output: ", "no output called 'c'"]),
        (Ssd("a"), {"a": (1, 1, 9, 6)}, ["a [1, 1, 9, 6] float32 does not hold [1, 1, N, 7]"]),
        (OpenvinoBoxes(), {"boxes": (200, 5)}, ["0 outputs could hold labels [N]"]),
        (OpenvinoBoxes(), {"boxes": (200, 4), "labels": (200,)}, ["0 outputs could hold boxes"]),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: Decoder, outputs: dict[str, Shape], texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), ANY)
    assert [text for text in texts if text not in str(caught.value)] == []
