import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.detr import Detr, Rtdetr, RtdetrConcat, RtdetrDeploy
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View
from tests.grids import grid

Shape = tuple[int | None, ...]
Row = tuple[tuple[float, ...], float, int]

VIEW = View((480, 640), (100, 200), Geometry())
"""The model's input is 100 pixels high and 200 wide."""
ANY = Classes(1, exact=False)
HEADS = {"detr": Detr("l", "b"), "rtdetr": Rtdetr("l", "b")}


def signature(**outputs: Shape) -> Signature:
    kinds = {name: "int64" if name == "labels" else "float32" for name in outputs}
    return Signature((), tuple(Tensor(name, it, kinds[name]) for name, it in outputs.items()))


def rows_of(found: Instances) -> list[Row]:
    return [
        (tuple(round(value, 3) for value in box), round(score, 5), number)
        for box, score, number in zip(
            found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True
        )
    ]


def pixels(box: list[float]) -> tuple[float, ...]:
    """Center and size in 0..1 -> corners in pixels of an input 100 high and 200 wide."""
    x, y, width, height = box
    corners = (
        (x - width / 2) * 200,
        (y - height / 2) * 100,
        (x + width / 2) * 200,
        (y + height / 2) * 100,
    )
    return tuple(round(value, 3) for value in corners)


def softmaxed(logits: list[float]) -> list[float]:
    total = sum(math.exp(logit) for logit in logits)
    return [math.exp(logit) / total for logit in logits]


def logit(score: float) -> float:
    return math.log(score / (1 - score))


def queries(seed: int, count: int, classes: int) -> tuple[Array, Array]:
    """Random logits and boxes of a model."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (1, count, classes)).astype(np.float32)
    return logits, fractions(rng, (1, count, 4))


def fractions(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Multiples of 1/4096: halves of them, and these times 200, are exact."""
    return (rng.integers(0, 4097, shape) / 4096).astype(np.float32)


@grid(
    ("seed", range(5)),
    ("classes", [1, 2, 5]),
    ("threshold", [0.0, 0.3, 0.9]),
)
def test_detr_matches_a_loop(seed: int, classes: int, threshold: float) -> None:
    logits, boxes = queries(seed, 30, classes + 1)
    wanted: list[Row] = []
    for of_query, box in zip(logits[0].tolist(), boxes[0].tolist(), strict=True):
        scores = softmaxed(of_query)[:-1]
        best = max(range(classes), key=scores.__getitem__)
        if scores[best] > threshold:
            wanted.append((pixels(box), round(scores[best], 5), best))
    found = Detr("l", "b")({"l": logits, "b": boxes}, VIEW, threshold)
    assert len(found) == len(wanted)
    for (box, score, number), (right_box, right_score, right) in zip(
        rows_of(found), wanted, strict=True
    ):
        assert box == pytest.approx(right_box, abs=2e-3)
        assert score == pytest.approx(right_score, abs=2e-5)
        assert number == right


@grid(
    ("seed", range(5)),
    ("classes", [1, 2, 5]),
    ("threshold", [0.0, 0.3, 0.9]),
    ("most", [None, 1, 7, 1000]),
)
def test_rtdetr_matches_a_loop(seed: int, classes: int, threshold: float, most: int | None) -> None:
    logits, boxes = queries(seed, 30, classes)
    pairs = []
    for query in range(30):
        for number in range(classes):
            score = 1 / (1 + math.exp(-float(logits[0, query, number])))
            pairs.append((score, query, number))
    pairs.sort(reverse=True)
    wanted = sorted(
        (query, number, score) for score, query, number in pairs[: most or 30] if score > threshold
    )
    found = Rtdetr("l", "b", most)({"l": logits, "b": boxes}, VIEW, threshold)
    places = {pixels(box): query for query, box in enumerate(boxes[0].tolist())}
    got = sorted((places[box], number, score) for box, score, number in rows_of(found))
    assert [pair[:2] for pair in got] == [pair[:2] for pair in wanted]
    assert [pair[2] for pair in got] == pytest.approx([pair[2] for pair in wanted], abs=2e-5)


@given(arrays(np.float32, (1, 6, 3), elements=st.floats(-8, 8, width=32)), st.floats(0, 1))
def test_a_higher_threshold_gives_a_subset_of_rtdetrs_instances(
    logits: Array, threshold: float
) -> None:
    outputs = {"l": logits, "b": np.full((1, 6, 4), 0.5, np.float32)}
    everything = Rtdetr("l", "b")(outputs, VIEW, 0.0)
    found = Rtdetr("l", "b")(outputs, VIEW, threshold)
    assert len(everything) == 6
    kept = [score for score in everything.scores.tolist() if score > np.float32(threshold)]
    assert sorted(found.scores.tolist()) == sorted(kept)


def test_detr_by_hand() -> None:
    # exp of these logits is 1, 3, 4 and 2, 1, 1: the first is "no object", with 3/8 for class 1.
    logits = np.log([[[1, 3, 4], [2, 1, 1]]])
    boxes = np.array([[[0.5, 0.5, 0.2, 0.4], [0.25, 0.5, 0.5, 1]]])
    found = Detr("l", "b")({"l": logits, "b": boxes}, VIEW, 0.25)
    assert rows_of(found) == [((80, 30, 120, 70), 0.375, 1), ((0, 0, 100, 100), 0.5, 0)]


def test_rtdetr_may_find_one_query_as_two_classes() -> None:
    logits = np.array([[[logit(0.75), logit(0.5), -9], [-9, -9, logit(0.25)]]])
    boxes = np.array([[[0.5, 0.5, 0.2, 0.4], [0.25, 0.5, 0.5, 1]]])
    outputs = {"l": logits, "b": boxes}
    found = Rtdetr("l", "b")(outputs, VIEW, 0.125)
    first = (80, 30, 120, 70)
    # Two queries, so the best two of the six pairs: the second query is not among them.
    assert rows_of(found) == [(first, 0.75, 0), (first, 0.5, 1)]
    found = Rtdetr("l", "b", 3)(outputs, VIEW, 0.125)
    assert rows_of(found)[2:] == [((0, 0, 100, 100), 0.25, 2)]


def test_boxes_may_extend_beyond_the_input() -> None:
    outputs = {"l": np.array([[[9.0]]]), "b": np.array([[[0, 1, 0.5, 0.5]]])}
    assert Rtdetr("l", "b")(outputs, VIEW, 0.5).boxes.tolist() == [[-50, 75, 50, 125]]


def test_rtdetr_concat_by_hand() -> None:
    output = np.array(
        [[[0.5, 0.5, 0.2, 0.4, 0.1, 0.75], [0.25, 0.5, 0.5, 1, 0.5, 0.3], [0, 0, 0, 0, 0, 0]]]
    )
    found = RtdetrConcat("o")({"o": output}, VIEW, 0.25)
    assert rows_of(found) == [((80, 30, 120, 70), 0.75, 1), ((0, 0, 100, 100), 0.5, 0)]


@grid(
    ("seed", range(5)),
    ("threshold", [0.0, 0.5, 0.95]),
)
def test_rtdetr_concat_matches_a_loop(seed: int, threshold: float) -> None:
    table = fractions(np.random.default_rng(seed), (1, 40, 9))
    wanted = []
    for row in table[0].tolist():
        best = max(range(5), key=row[4:].__getitem__)
        if row[4 + best] > threshold:
            wanted.append((pixels(row[:4]), round(row[4 + best], 5), best))
    assert rows_of(RtdetrConcat("o")({"o": table}, VIEW, threshold)) == wanted


def test_rtdetr_deploy_has_boxes_in_pixels() -> None:
    outputs: dict[str, Array] = {
        "labels": np.array([[3, 1, 2]], np.int64),
        "boxes": np.array([[[10, 20, 30, 40], [1, 2, 3, 4], [5, 6, 7, 8]]], np.float32),
        "scores": np.array([[0.75, 0.25, 0.5]], np.float32),
    }
    found = RtdetrDeploy("labels", "boxes", "scores")(outputs, VIEW, 0.25)
    assert rows_of(found) == [((10, 20, 30, 40), 0.75, 3), ((5, 6, 7, 8), 0.5, 2)]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str) -> None:
    # Scores that every type holds exactly: exp(0) of two, sigmoid(0), 1/2 as it is.
    box = np.array([[[0.5, 0.5, 0.5, 0.5]]], dtype)
    cases: list[tuple[Decoder, dict[str, Array]]] = [
        (Detr("l", "b"), {"l": np.zeros((1, 1, 2), dtype), "b": box}),
        (Rtdetr("l", "b"), {"l": np.zeros((1, 1, 1), dtype), "b": box}),
        (RtdetrConcat("o"), {"o": np.full((1, 1, 5), 0.5, dtype)}),
        (
            RtdetrDeploy("l", "b", "s"),
            {"l": np.zeros((1, 1), np.int64), "b": box, "s": np.full((1, 1), 0.5, dtype)},
        ),
    ]
    for decoder, outputs in cases:
        assert len(decoder(outputs, VIEW, 0.5)) == 0
        assert len(decoder(outputs, VIEW, 0.499)) == 1


def test_half_precision_boxes_are_decoded_in_full_precision() -> None:
    # 0.5 and 0.0009765625 are halves exactly, their difference times 200 is not.
    step = 2.0**-10
    outputs = {
        "l": np.full((1, 1, 1), 5, np.float16),
        "b": np.array([[[0.5, 0.5, step, step]]], np.float16),
    }
    found = Rtdetr("l", "b")(outputs, VIEW, 0.5)
    half = step / 2
    assert found.boxes.tolist() == [
        [(0.5 - half) * 200, (0.5 - half) * 100, (0.5 + half) * 200, (0.5 + half) * 100]
    ]


def test_half_precision_logits_do_not_overflow() -> None:
    outputs = {
        "l": np.array([[[60000, -60000], [-60000, 60000]]], np.float16),
        "b": np.full((1, 2, 4), 0.5, np.float16),
    }
    assert Detr("l", "b")(outputs, VIEW, 0.5).scores.tolist() == [1]


@pytest.mark.parametrize("kind", ["detr", "rtdetr"])
@pytest.mark.parametrize("place", ["l", "b"])
def test_queries_that_are_not_finite_are_dropped(kind: str, place: str) -> None:
    outputs = {
        "l": np.array([[[5, -5], [5, -5], [5, -5]]], np.float32),
        "b": np.full((1, 3, 4), 0.5, np.float32),
    }
    outputs[place][0, 1] = np.nan
    assert len(HEADS[kind](outputs, VIEW, 0.5)) == 2


@pytest.mark.parametrize("column", [0, 4, 5])
def test_concat_rows_that_are_not_finite_are_dropped(column: int) -> None:
    table = np.full((1, 3, 6), 0.75, np.float32)
    table[0, 1, column] = np.nan
    assert len(RtdetrConcat("o")({"o": table}, VIEW, 0.5)) == 2


def test_deploy_rows_that_are_not_finite_are_dropped() -> None:
    outputs = {
        "l": np.array([[0, 1, 2]], np.float32),
        "b": np.ones((1, 3, 4), np.float32),
        "s": np.array([[0.9, np.nan, 0.9]], np.float32),
    }
    outputs["b"][0, 0, 1] = np.inf
    assert RtdetrDeploy("l", "b", "s")(outputs, VIEW, 0.5).classes.tolist() == [2]
    outputs["l"][0, 2] = np.nan
    assert len(RtdetrDeploy("l", "b", "s")(outputs, VIEW, 0.5)) == 0


@pytest.mark.parametrize("count", [0, 4])
def test_no_detections_give_no_instances(count: int) -> None:
    boxes = np.zeros((1, count, 4), np.float32)
    low = np.full((1, count, 3), -50, np.float32)
    low[..., 2] = 50
    nothing = np.zeros((1, count), np.float32)
    cases: list[tuple[Decoder, dict[str, Array]]] = [
        (Detr("l", "b"), {"l": low, "b": boxes}),
        (Rtdetr("l", "b"), {"l": low[..., :2], "b": boxes}),
        (RtdetrConcat("o"), {"o": np.zeros((1, count, 7), np.float32)}),
        (RtdetrDeploy("l", "b", "s"), {"l": nothing.astype(int), "b": boxes, "s": nothing}),
    ]
    for decoder, outputs in cases:
        found = decoder(outputs, VIEW, 0.0 if count == 0 else 0.1)
        assert (len(found), found.boxes.shape) == (0, (0, 4))


@pytest.mark.parametrize(
    ("decoder", "shapes", "texts"),
    [
        (Detr("l", "b"), {"l": (1, 9, 1), "b": (1, 9, 4)}, ["`detr`", "got 1 per query"]),
        (Detr("l", "b"), {"l": (1, 9), "b": (1, 9, 4)}, ["`detr`", "[1, 9]"]),
        (Detr("l", "b"), {"l": (1, 9, 5), "b": (1, 8, 4)}, ["logits 9, boxes 8"]),
        (Rtdetr("l", "b"), {"l": (2, 9, 5), "b": (2, 9, 4)}, ["`rtdetr`", "[2, 9, 5]"]),
        (Rtdetr("l", "b"), {"l": (1, 9, 5), "b": (1, 9, 5)}, ["`rtdetr`", "[1, 9, 5]"]),
        (Rtdetr("l", "b"), {"l": (1, 9, 0), "b": (1, 9, 4)}, ["`rtdetr`", "no classes"]),
        (RtdetrConcat("l"), {"l": (1, 300, 4)}, ["`rtdetr_concat`", "[1, 300, 4]"]),
        (RtdetrConcat("l"), {"l": (300, 84)}, ["`rtdetr_concat`", "[300, 84]"]),
        (
            RtdetrDeploy("l", "b", "s"),
            {"l": (1, 9), "b": (1, 9, 4), "s": (1, 8)},
            ["`rtdetr_deploy`", "labels 9, boxes 9, scores 8"],
        ),
        (Rtdetr("l", "other"), {"l": (1, 9, 5), "b": (1, 9, 4)}, ["'other'", "l, b"]),
        (Rtdetr(), {"l": (1, 9, 5), "b": (1, 9, 4)}, ["'None'"]),
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
        (
            Detr(),
            {"logits": (1, 100, 92), "pred_boxes": (1, 100, 4), "last_hidden_state": (1, 100, 256)},
            Classes(91, exact=True),
            Detr("logits", "pred_boxes"),
        ),
        (
            Rtdetr(),
            {"pred_boxes": (1, 30, 4), "logits": (1, 30, 4)},
            Classes(4, exact=True),
            Rtdetr("logits", "pred_boxes"),
        ),
        (
            # RF-DETR's names, where `labels` are logits.
            Rtdetr(),
            {"dets": (1, 300, 4), "labels": (1, 300, 91)},
            Classes(91, exact=True),
            Rtdetr("labels", "dets"),
        ),
        (
            # Names that say nothing: only one can be boxes, so the other has the logits.
            Rtdetr(queries=100),
            {"123": (1, 300, 80), "456": (1, 300, 4)},
            Classes(80, exact=True),
            Rtdetr("123", "456", 100),
        ),
        (
            Rtdetr("456", "123"),
            {"123": (1, 300, 4), "456": (1, 300, 4)},
            Classes(4, exact=True),
            Rtdetr("456", "123"),
        ),
        (
            Rtdetr(),
            {"logits": (None, None, None), "pred_boxes": (None, None, None)},
            Classes(7, exact=True),
            Rtdetr("logits", "pred_boxes"),
        ),
        (
            RtdetrConcat(),
            {"output0": (1, 300, 84)},
            Classes(80, exact=True),
            RtdetrConcat("output0"),
        ),
        (RtdetrConcat(), {"x": (1, 300, None)}, Classes(80, exact=True), RtdetrConcat("x")),
        (
            RtdetrDeploy(),
            {"labels": (1, 300), "boxes": (1, 300, 4), "scores": (1, 300)},
            Classes(80, exact=True),
            RtdetrDeploy("labels", "boxes", "scores"),
        ),
        (
            RtdetrDeploy(),
            {"scores": (None, 300), "labels": (None, 300), "boxes": (None, 300, 4)},
            Classes(80, exact=True),
            RtdetrDeploy("labels", "boxes", "scores"),
        ),
    ],
)
def test_bind_fills_in_the_names(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, bound: Decoder
) -> None:
    assert decoder.bind(signature(**outputs), classes) == bound


def test_deploy_outputs_are_distinguished_by_type() -> None:
    model = Signature(
        (),
        (
            Tensor("a", (1, 300), "float32"),
            Tensor("b", (1, 300), "int64"),
            Tensor("c", (1, 300, 4), "float32"),
        ),
    )
    assert RtdetrDeploy().bind(model, ANY) == RtdetrDeploy("b", "c", "a")


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "texts"),
    [
        (
            Detr(),
            {"logits": (1, 100, 92), "boxes": (1, 100, 4)},
            Classes(92, exact=True),
            ["91 classes", "92 labels", "92 logits = 1 for no object + 91"],
        ),
        (
            Rtdetr(),
            {"logits": (1, 100, 80), "boxes": (1, 100, 4)},
            Classes(81, exact=False),
            ["80 classes", "id 80", "ids 0 to 79"],
        ),
        (
            RtdetrConcat(),
            {"output0": (1, 300, 84)},
            Classes(3, exact=True),
            ["80 classes", "84 columns = 4 for the box + 80"],
        ),
        (RtdetrConcat(), {"output0": (1, 84, 8400)}, ANY, ["8400 values", "84 queries", "`yolo`"]),
        (
            Rtdetr(),
            {"output0": (1, 300, 84)},
            ANY,
            ["0 outputs could hold boxes", "output0 [1, 300, 84] float32", "`rtdetr_concat`"],
        ),
        (
            Rtdetr(),
            {"a": (1, 300, 4), "b": (1, 300, 4)},
            ANY,
            ["2 outputs could hold logits", "`logits: NAME`"],
        ),
        (
            Rtdetr(logits="nowhere"),
            {"logits": (1, 300, 80), "boxes": (1, 300, 4)},
            ANY,
            ["logits: ", "no output called 'nowhere'", "logits [1, 300, 80] float32"],
        ),
        (
            Rtdetr(boxes="logits"),
            {"logits": (1, 300, 80), "boxes": (1, 300, 4)},
            ANY,
            ["boxes: ", "logits [1, 300, 80] float32 does not hold boxes [1, queries, 4]"],
        ),
        (
            RtdetrDeploy(),
            {"logits": (1, 300, 80), "boxes": (1, 300, 4)},
            ANY,
            ["0 outputs could hold labels", "use `detr` or `rtdetr` for logits"],
        ),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: Decoder, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []


def test_a_mask_of_rfdetr_is_its_querys_logits_enlarged_and_above_0() -> None:
    # PostProcess of rf-detr: bilinear interpolation to the image's size, then > 0.
    rng = np.random.default_rng(0)
    masks = rng.normal(size=(1, 5, 25, 50)).astype(np.float32)
    logits = np.full((1, 5, 2), -9, np.float32)
    logits[0, 3] = 2, 1  # one query, found as both classes
    outputs = {"l": logits, "b": np.full((1, 5, 4), 0.5, np.float32), "m": masks}
    view = View((480, 640), (100, 200), Geometry(200 / 640, 100 / 480))
    found = Rtdetr("l", "b", masks="m")(outputs, view, 0.25)
    assert sorted(found.classes.tolist()) == [0, 1]
    expected = cv2.resize(masks[0, 3], (640, 480), interpolation=cv2.INTER_LINEAR)
    image = found.to_image(view.geometry)
    assert image.masks is not None
    for number in range(2):
        crop = image.masks.crop(number, image.boxes[number], view.image)
        assert crop is not None
        mask = np.zeros((480, 640), bool)
        height, width = crop.bitmap.shape
        mask[crop.top : crop.top + height, crop.left : crop.left + width] = crop.bitmap
        # OpenCV rounds places to 1/32 cell.
        assert ((mask == (expected > 0)) | (abs(expected) < 0.2)).all()
        assert (mask == (expected > 0)).mean() > 0.98


@pytest.mark.parametrize(("name", "bound"), [("pred_masks", "pred_masks"), ("features", None)])
def test_only_outputs_named_after_masks_are_masks(name: str, bound: str | None) -> None:
    shapes: dict[str, Shape] = {"dets": (1, 300, 4), "scores": (1, 300, 2), name: (1, 300, 9, 9)}
    step = Rtdetr().bind(signature(**shapes), Classes(2, exact=True))
    assert isinstance(step, Rtdetr)
    assert step.masks == bound


def test_more_columns_than_2000_are_candidates_of_a_raw_head() -> None:
    classes = Classes(1996, exact=True)
    assert RtdetrConcat().bind(signature(o=(1, 300, 2000)), classes) == RtdetrConcat("o")
    with pytest.raises(BadModel, match="2001 values for each of 300 queries"):
        RtdetrConcat().bind(signature(o=(1, 300, 2001)), Classes(1997, exact=True))
