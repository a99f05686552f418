"""Each head's formulas, against loops over the cells as the papers' authors wrote them."""

from dataclasses import replace
from math import cos, exp, pi, sqrt
from typing import Any

import cv2
import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.errors import BadModel
from runtimes.interfaces import Tracking
from runtimes.signature import Signature, Tensor
from runtimes.trackers.ostrack import Ostrack
from runtimes.trackers.siamfc import Siamfc
from runtimes.trackers.siamrpn import RATIOS, Siamrpn
from runtimes.trackers.transt import Transt

IMAGE = (480, 640)
BOX = np.array([200.0, 150.0, 260.0, 190.0])
SIZES: dict[str, Any] = {"template": "z", "search": "x", "template_size": 127, "search_size": 255}
RNG = np.random.default_rng(7)


def random(*shape: int, spread: float = 1.0) -> Array:
    return RNG.normal(0, spread, shape).astype(np.float32)


def hanning(count: int, number: int) -> float:
    return 0.5 - 0.5 * cos(2 * pi * number / (count - 1))


def signature(*outputs: tuple[str, tuple[int | None, ...]]) -> Signature:
    inputs = (Tensor("z", (1, 3, 127, 127), "float32"), Tensor("x", (1, 3, 255, 255), "float32"))
    return Signature(inputs, tuple(Tensor(name, shape, "float32") for name, shape in outputs))


@pytest.mark.parametrize("window", [0.0, 0.49, 1.0])
def test_transt(window: float) -> None:
    step = Transt(window=window, logits="l", boxes="b", **SIZES)
    logits, boxes = random(1, 64, 2, spread=3), RNG.uniform(0.2, 0.8, (1, 64, 4))
    best, wanted, score = -1.0, (0.0, 0.0, 0.0, 0.0), 0.0
    side = sqrt((60 + 1.5 * 100) * (40 + 1.5 * 100))
    for cell in range(64):
        front, back = exp(logits[0, cell, 0]), exp(logits[0, cell, 1])
        probability = front / (front + back)
        weight = hanning(8, cell // 8) * hanning(8, cell % 8)
        response = probability * (1 - window) + weight * window
        if response > best:
            x, y, w, h = (float(it) * side for it in boxes[0, cell])
            x, y = 230 - side / 2 + x, 170 - side / 2 + y
            best, wanted, score = (
                response,
                (x - w / 2, y - h / 2, x + w / 2, y + h / 2),
                probability,
            )
    views = step.search_views(BOX, IMAGE)
    found, sure = step([{"l": logits, "b": boxes.astype(np.float32)}], views, BOX)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert sure == pytest.approx(score, rel=1e-5)


@pytest.mark.parametrize("window", [0.0, 1.0])
def test_ostrack(window: float) -> None:
    step = Ostrack(window=window, scores="s", sizes="w", offsets="o", **SIZES)
    scores = RNG.uniform(0, 1, (1, 1, 16, 16))
    sizes, offsets = RNG.uniform(0, 0.5, (1, 2, 16, 16)), RNG.uniform(0, 1, (1, 2, 16, 16))
    side = 4 * sqrt(60 * 40)
    best, wanted = -1.0, (0.0, 0.0, 0.0, 0.0)
    for row in range(16):
        for column in range(16):
            weight = 1.0
            for number in (row, column):
                weight *= 0.5 * (1 - cos(2 * pi / 17 * (number + 1)))
            response = scores[0, 0, row, column] * (weight if window else 1)
            if response > best:
                x = 230 - side / 2 + (column + offsets[0, 0, row, column]) / 16 * side
                y = 170 - side / 2 + (row + offsets[0, 1, row, column]) / 16 * side
                w, h = sizes[0, 0, row, column] * side, sizes[0, 1, row, column] * side
                best, wanted = response, (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    found, score = step(
        [{"s": scores, "w": sizes, "o": offsets}], step.search_views(BOX, IMAGE), BOX
    )
    np.testing.assert_allclose(found, wanted)
    assert score == pytest.approx(best)


def larger(ratio: float) -> float:
    return max(ratio, 1 / ratio)


def padded(w: float, h: float) -> float:
    pad = (w + h) / 2
    return sqrt((w + pad) * (h + pad))


@pytest.mark.parametrize("anchors", [True, False])
def test_siamrpn(anchors: bool) -> None:
    count, cells, stride = (5, 25, 8) if anchors else (1, 16, 16)
    ratios = RATIOS if anchors else ()
    step = Siamrpn(0.42, 0.05, 0.38, stride=stride, ratios=ratios, classes="c", boxes="b", **SIZES)
    classes = random(1, 2 * count, cells, cells, spread=2)
    shifts = random(1, 4 * count, cells, cells, spread=0.4)
    if not anchors:
        shifts = np.abs(shifts) * 100 + 5
    template = sqrt((60 + 50) * (40 + 50))
    scale = 127 / template  # pixels of the crops for one of the image
    best, wanted, score = -1.0, (0.0, 0.0, 0.0, 0.0), 0.0
    for a in range(count):
        for row in range(cells):
            for column in range(cells):
                x, y = (column - cells // 2) * stride, (row - cells // 2) * stride
                d = [float(shifts[0, k * count + a, row, column]) for k in range(4)]
                if anchors:
                    wide = int(sqrt(64 / RATIOS[a]))
                    high = int(wide * RATIOS[a])
                    cx, cy = x + d[0] * wide * 8, y + d[1] * high * 8
                    w, h = exp(d[2]) * wide * 8, exp(d[3]) * high * 8
                else:
                    cx, cy = ((x - d[0]) + (x + d[2])) / 2, ((y - d[1]) + (y + d[3])) / 2
                    w, h = d[0] + d[2], d[1] + d[3]
                back = exp(classes[0, a, row, column])
                front = exp(classes[0, count + a, row, column])
                probability = front / (back + front)
                size = larger(padded(w, h) / padded(60 * scale, 40 * scale))
                aspect = larger((60 / 40) / (w / h))
                damping = exp(-(size * aspect - 1) * 0.05)
                weight = hanning(cells, row) * hanning(cells, column)
                response = damping * probability * 0.58 + weight * 0.42
                if response > best:
                    rate = damping * probability * 0.38
                    w, h = 60 * (1 - rate) + w / scale * rate, 40 * (1 - rate) + h / scale * rate
                    cx, cy = 230 + cx / scale, 170 + cy / scale
                    best, score = response, probability
                    wanted = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    views = step.search_views(BOX, IMAGE)
    found, sure = step([{"c": classes, "b": shifts}], views, BOX)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert sure == pytest.approx(score, rel=1e-5)


@pytest.mark.parametrize("middle", [0.0, 0.5, 3.0])
def test_siamfc(middle: float) -> None:
    step = Siamfc(output="r", **SIZES)
    responses = [random(1, 1, 17, 17) for _ in range(3)]
    responses[1] += middle
    factors = [1.0375**-1, 1.0, 1.0375]
    fine = [cv2.resize(it[0, 0], (272, 272), interpolation=cv2.INTER_CUBIC) for it in responses]
    peaks = [float(it.max()) * (1 if n == 1 else 0.9745) for n, it in enumerate(fine)]
    number = max(range(3), key=lambda n: peaks[n])
    chosen = fine[number] - fine[number].min()
    chosen = chosen / chosen.sum()
    window = np.array([[hanning(272, r) * hanning(272, c) for c in range(272)] for r in range(272)])
    response = 0.824 * chosen + 0.176 * window / window.sum()
    row, column = np.unravel_index(np.argmax(response), response.shape)
    side = sqrt(110 * 90) * 255 / 127 * factors[number]
    x = 230 + (int(column) - 135.5) * 8 / 16 * side / 255
    y = 170 + (int(row) - 135.5) * 8 / 16 * side / 255
    grown = 0.41 + 0.59 * factors[number]
    wanted = [x - 30 * grown, y - 20 * grown, x + 30 * grown, y + 20 * grown]
    views = step.search_views(BOX, IMAGE)
    found, score = step([{"r": it} for it in responses], views, BOX)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert score == pytest.approx(1 / (1 + exp(-float(fine[number][row, column]))), rel=1e-5)


def test_siamfc_keeps_its_size_where_the_scales_are_equal() -> None:
    step = Siamfc(output="r", scale_penalty=1.0, **SIZES)
    response = random(1, 1, 17, 17)
    found, _ = step([{"r": response}] * 3, step.search_views(BOX, IMAGE), BOX)
    assert (found[2] - found[0], found[3] - found[1]) == pytest.approx((60, 40))


@pytest.mark.parametrize(
    ("step", "outputs"),
    [
        (Transt(), [("pred_boxes", (1, 1024, 4)), ("pred_logits", (1, 1024, 2))]),
        (Ostrack(), [("size_map", (1, 2, 16, 16)), ("offset_map", (1, 2, 16, 16)),
                     ("score_map", (1, 1, 16, 16))]),
        (Ostrack(), [("output1", (1, 1, 16, 16)), ("output2", (1, 2, 16, 16)),
                     ("output3", (1, 2, 16, 16))]),
        (Siamrpn(), [("loc", (1, 20, 25, 25)), ("cls", (1, 10, 25, 25))]),
        (Siamrpn(), [("output1", (1, 2, 16, 16)), ("output2", (1, 4, 16, 16))]),
        (Siamrpn(ratios=(0.5, 1.0, 2.0)), [("a", (1, 12, 25, 25)), ("b", (1, 6, 25, 25))]),
        (Siamfc(), [("response", (1, 1, 17, 17))]),
    ],
)  # fmt: skip
def test_outputs_are_found_by_name_or_shape(
    step: Tracking, outputs: list[tuple[str, tuple[int | None, ...]]]
) -> None:
    bound = step.bind(signature(*outputs), None)
    shapes = dict(outputs)
    if isinstance(bound, Transt):
        assert (bound.logits, bound.boxes) == ("pred_logits", "pred_boxes")
    elif isinstance(bound, Ostrack):
        names = [outputs[2][0], *(it[0] for it in outputs[:2])]
        wanted = names if "map" in names[0] else [it[0] for it in outputs]
        assert [bound.scores, bound.sizes, bound.offsets] == wanted
    elif isinstance(bound, Siamrpn):
        assert bound.classes is not None
        assert bound.boxes is not None
        assert shapes[bound.boxes][1] == 2 * (shapes[bound.classes][1] or 0)
        assert bound.stride == (16 if bound.ratios == () else 8)
    assert (bound.template, bound.search) == ("z", "x")
    assert (bound.template_size, bound.search_size) == (127, 255)


@pytest.mark.parametrize(
    ("step", "outputs", "where"),
    [
        (Transt(), [("pred_logits", (1, 1000, 2)), ("pred_boxes", (1, 1000, 4))], "logits"),
        (Transt(), [("output0", (1, 84, 8400))], "logits"),
        (Ostrack(), [("s", (1, 1, 16, 16)), ("a", (1, 2, 16, 16)), ("b", (1, 2, 16, 16))], "sizes"),
        (Siamrpn(ratios=(1.0, 2.0)), [("cls", (1, 10, 25, 25)), ("loc", (1, 20, 25, 25))],
         "classes"),
        (Siamfc(), [("response", (1, 5, 17, 17))], "output"),
        (Siamfc(output="other"), [("response", (1, 1, 17, 17))], "output"),
    ],
)  # fmt: skip
def test_other_models_are_refused_at_the_key_that_is_about_it(
    step: Tracking, outputs: list[tuple[str, tuple[int | None, ...]]], where: str
) -> None:
    with pytest.raises(BadModel) as caught:
        step.bind(signature(*outputs), None)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("step", "outputs"),
    [
        (Transt(logits="a", boxes="b"), {"a": (1, 63, 2), "b": (1, 63, 4)}),
        (Transt(logits="a", boxes="b"), {"a": (1, 64, 2), "b": (1, 49, 4)}),
        (Ostrack(scores="a", sizes="b", offsets="c"),
         {"a": (1, 1, 16, 16), "b": (1, 2, 16, 16), "c": (1, 2, 8, 8)}),
        (Siamrpn(classes="a", boxes="b", stride=8, ratios=()),
         {"a": (1, 3, 9, 9), "b": (1, 4, 9, 9)}),
        (Siamrpn(classes="a", boxes="b", stride=8, ratios=()),
         {"a": (1, 2, 9, 9), "b": (1, 4, 8, 9)}),
        (Siamfc(output="a"), {"a": (17, 17)}),
        (Siamfc(output="b"), {"a": (1, 1, 17, 17)}),
    ],
)  # fmt: skip
def test_real_outputs_of_another_shape_are_refused(
    step: Any, outputs: dict[str, tuple[int, ...]]
) -> None:
    step = replace(step, **SIZES)
    views = step.search_views(BOX, IMAGE)
    given = {name: np.zeros(shape, np.float32) for name, shape in outputs.items()}
    with pytest.raises(BadModel):
        step([given] * len(views), views, BOX)


def test_a_response_of_nan_gives_no_sure_box() -> None:
    step = Transt(logits="l", boxes="b", **SIZES)
    nothing = {"l": np.full((1, 64, 2), np.nan, np.float32), "b": np.zeros((1, 64, 4), np.float32)}
    _, score = step([nothing], step.search_views(BOX, IMAGE), BOX)
    assert not score >= 0.0
