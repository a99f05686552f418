import itertools
import math

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.yolo_anchors import YoloAnchors
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid

Shape = tuple[int | None, ...]
Row = tuple[list[float], float, int]

VIEW = View((480, 640), (64, 96), Geometry())
"""An input of 64 x 96 pixels: 8 x 12 cells of stride 8, 4 x 6 of 16, 2 x 3 of 32."""
STRIDES = (8, 16, 32)
COCO = YoloAnchors().anchors
NAMES = ("a", "b", "c")
ANY = Classes(1, exact=False)
LAYOUTS = ("channels first", "channels last", "five axes", "five axes, anchors last")


def signature(**outputs: Shape) -> Signature:
    return Signature((), tuple(Tensor(name, it, "float32") for name, it in outputs.items()))


def laid_out(head: Array, layout: str) -> Array:
    """An output [A, h, w, 5 + classes], built value by value."""
    count, height, width, values = head.shape
    shape = {
        "channels first": (1, count * values, height, width),
        "channels last": (1, height, width, count * values),
        "five axes": (1, count, height, width, values),
        "five axes, anchors last": (1, height, width, count, values),
    }[layout]
    out = np.zeros(shape, head.dtype)
    for a, y, x, v in itertools.product(*map(range, head.shape)):
        place = {
            "channels first": (0, a * values + v, y, x),
            "channels last": (0, y, x, a * values + v),
            "five axes": (0, a, y, x, v),
            "five axes, anchors last": (0, y, x, a, v),
        }[layout]
        out[place] = head[a, y, x, v]
    return out


def empty(classes: int, dtype: str = "float32", fill: float = -20) -> list[Array]:
    """A head for each stride, [3, h, w, 5 + classes], without objects."""
    return [np.full((3, 64 // it, 96 // it, 5 + classes), fill, dtype) for it in STRIDES]


def named(heads: list[Array], layout: str = "five axes") -> dict[str, Array]:
    return {name: laid_out(head, layout) for name, head in zip(NAMES, heads, strict=True)}


def squashed(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def loop(
    heads: list[Array], form: str, activated: bool, reach: list[float], threshold: float
) -> list[Row]:
    """Yield each candidate."""
    found: list[Row] = []
    for head, stride, anchors, k in zip(heads, STRIDES, COCO, reach, strict=True):
        count, height, width, _ = head.shape
        for a, y, x in itertools.product(range(count), range(height), range(width)):
            values = [float(it) for it in head[a, y, x]]
            done = values if activated else [squashed(it) for it in values]
            scores = done[5:]
            best = max(range(len(scores)), key=scores.__getitem__)
            score = done[4] * scores[best]
            if score <= threshold:
                continue
            middle_x = (done[0] * k - (k - 1) / 2 + x) * stride
            middle_y = (done[1] * k - (k - 1) / 2 + y) * stride
            if form == "v3":
                wide, high = (math.exp(values[n]) * anchors[a][n - 2] for n in (2, 3))
            else:
                wide, high = ((2 * done[n]) ** 2 * anchors[a][n - 2] for n in (2, 3))
            box = [
                middle_x - wide / 2,
                middle_y - high / 2,
                middle_x + wide / 2,
                middle_y + high / 2,
            ]
            found.append((box, score, best))
    return found


def agree(found: Instances, wanted: list[Row]) -> None:
    assert found.classes.tolist() == [number for _, _, number in wanted]
    assert found.scores.tolist() == pytest.approx([score for _, score, _ in wanted], abs=1e-6)
    boxes = np.array([box for box, _, _ in wanted]).reshape(-1, 4)
    assert found.boxes == pytest.approx(boxes, abs=1e-3)


@grid(
    ("layout", LAYOUTS),
    ("classes", [1, 3]),
    ("form", ["v3", "v5"]),
    ("activated", [False, True]),
    ("threshold", [0.0, 0.25, 0.6]),
)
def test_it_matches_a_loop(
    layout: str, classes: int, form: str, activated: bool, threshold: float
) -> None:
    rng = np.random.default_rng(classes)
    heads = [rng.normal(0, 1, head.shape).astype(np.float32) for head in empty(classes)]
    if activated:
        heads = [rng.uniform(0, 1, head.shape).astype(np.float32) for head in heads]
    decoder = YoloAnchors(NAMES, form=form, activated=activated)  # type: ignore[arg-type]
    reach = [1.0 if form == "v3" else 2.0] * 3
    wanted = loop(heads, form, activated, reach, threshold)
    assert wanted
    agree(decoder(named(heads, layout), VIEW, threshold), wanted)


@pytest.mark.parametrize("form", ["v3", "v5"])
def test_scale_xy_may_differ_by_stride(form: str) -> None:
    rng = np.random.default_rng(1)
    heads = [rng.normal(0, 1, head.shape).astype(np.float32) for head in empty(2)]
    decoder = YoloAnchors(NAMES, form=form, scale_xy=(1.2, 1.1, 1.05))  # type: ignore[arg-type]
    agree(decoder(named(heads), VIEW, 0.5), loop(heads, form, False, [1.2, 1.1, 1.05], 0.5))


def test_by_hand() -> None:
    heads = empty(2)
    # Column 5, row 2 of stride 16, its second anchor: 62 x 45.
    heads[1][1, 2, 5] = [0, math.log(3), math.log(2), math.log(4), 20, -20, 0]
    found = YoloAnchors(NAMES)(named(heads), VIEW, 0.25)
    # Center (5.5, 2.75) cells = (88, 44) pixels, 124 x 180 pixels.
    agree(found, [([26, -46, 150, 134], 0.5, 1)])
    # (2 * 0.5 - 0.5 + 5) * 16 = 88 and (2 * 0.75 - 0.5 + 2) * 16 = 48; sigmoid(log 2) = 2 / 3 and
    # sigmoid(log 4) = 4 / 5 make 16 / 9 and 64 / 25 times the anchor.
    found = YoloAnchors(NAMES, form="v5")(named(heads), VIEW, 0.25)
    wide, high = 62 * 16 / 9, 45 * 64 / 25
    agree(found, [([88 - wide / 2, 48 - high / 2, 88 + wide / 2, 48 + high / 2], 0.5, 1)])


def test_a_zero_candidate_is_its_anchor_at_the_cells_center() -> None:
    for (number, stride), anchor in itertools.product(enumerate(STRIDES), range(3)):
        heads = empty(1)
        heads[number][anchor, 1, 2] = [0, 0, 0, 0, 20, 20]
        wide, high = COCO[number][anchor]
        x, y = 2.5 * stride, 1.5 * stride
        for form in ("v3", "v5"):
            decoder = YoloAnchors(NAMES, form=form)
            box = [x - wide / 2, y - high / 2, x + wide / 2, y + high / 2]
            agree(decoder(named(heads), VIEW, 0.5), [(box, 1, 0)])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_outputs_may_come_in_any_order(order: tuple[int, ...], layout: str) -> None:
    rng = np.random.default_rng(2)
    heads = [rng.normal(0, 1, head.shape).astype(np.float32) for head in empty(3)]
    outputs = named(heads, layout)
    model = signature(**{NAMES[n]: outputs[NAMES[n]].shape for n in order})
    bound = YoloAnchors().bind(model, Classes(3, exact=True))
    assert bound.outputs == tuple(NAMES[n] for n in order)
    agree(bound(outputs, VIEW, 0.4), loop(heads, "v3", False, [1, 1, 1], 0.4))


def test_other_anchors_and_fewer_strides() -> None:
    # YOLOv3-tiny has two strides, 16 and 32.
    anchors = (((10, 14), (23, 27)), ((81, 82), (136, 170)))
    heads = {"a": np.full((1, 2 * 6, 4, 6), -20.0), "b": np.full((1, 2 * 6, 2, 3), -20.0)}
    heads["b"][0, 6:, 1, 2] = [0, 0, 0, 0, 20, 20]
    found = YoloAnchors(("a", "b"), anchors)(heads, VIEW, 0.5)
    agree(found, [([80 - 68, 48 - 85, 80 + 68, 48 + 85], 1, 0)])


def test_a_grid_of_the_size_of_the_channels_is_recognized() -> None:
    # 18 cells across are also 3 anchors of 1 class; only one reading makes squares of 8 pixels.
    anchors = (COCO[0],)
    view = View((480, 640), (80, 144), Geometry())
    first = np.full((1, 18, 10, 18), -20.0, np.float32)
    first[0, 6:12, 4, 7] = [0, 0, 0, 0, 20, 20]
    last = np.full((1, 10, 18, 18), -20.0, np.float32)
    last[0, 4, 7, 6:12] = [0, 0, 0, 0, 20, 20]
    for head in (first, last):
        found = YoloAnchors(("o",), anchors)({"o": head}, view, 0.5)
        agree(found, [([60 - 8, 36 - 15, 60 + 8, 36 + 15], 1, 0)])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    heads = empty(1, dtype, 0)
    heads[0][0, 3, 3, 4:] = [1, threshold]
    heads[1][0, 3, 3, 4:] = [threshold, 1]
    decoder = YoloAnchors(NAMES, activated=True)
    assert len(decoder(named(heads), VIEW, threshold)) == 0
    assert len(decoder(named(heads), VIEW, threshold - 0.01)) == 2


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_confidence_of_one_half_is_not_above_one_half(dtype: str) -> None:
    heads = empty(1, dtype)
    heads[0][0, 3, 3] = [0, 0, 0, 0, 30, 0]
    assert len(YoloAnchors(NAMES)(named(heads), VIEW, 0.5)) == 0
    assert YoloAnchors(NAMES)(named(heads), VIEW, 0.49).scores.tolist() == [0.5]


def test_half_precision_outputs_are_decoded_in_full_precision() -> None:
    rng = np.random.default_rng(3)
    heads = [rng.normal(0, 1, head.shape).astype(np.float16) for head in empty(2)]
    agree(YoloAnchors(NAMES)(named(heads), VIEW, 0.3), loop(heads, "v3", False, [1, 1, 1], 0.3))


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("activated", [False, True])
def test_candidates_with_nan_are_dropped(column: int, activated: bool) -> None:
    heads = empty(1)
    for number in (3, 4, 5):
        heads[0][1, 2, number] = [0, 0, 0, 0, 0.9, 0.9]
    if activated:
        heads = [np.maximum(head, 0) for head in heads]
    heads[0][1, 2, 4, column] = np.nan
    found = YoloAnchors(NAMES, activated=activated)(named(heads), VIEW, 0.25)
    # The cells in columns 3 and 5 stay.
    shift = 0 if activated else 4
    assert ((found.boxes[:, 0] + found.boxes[:, 2]) / 2 - shift).tolist() == [24, 40]


@pytest.mark.parametrize("form", ["v3", "v5"])
def test_infinite_values_are_dropped(form: str) -> None:
    decoder = YoloAnchors(NAMES, form=form)  # type: ignore[arg-type]
    heads = empty(1)
    heads[0][1, 2, 4] = [0, 0, np.inf, 0, np.inf, np.inf]
    # exp has no bound, the sigmoid has.
    assert len(decoder(named(heads), VIEW, 0.5)) == (0 if form == "v3" else 1)
    heads[0][1, 2, 4] = [0, 0, 1000, 0, 20, 20]
    assert len(decoder(named(heads), VIEW, 0.5)) == (0 if form == "v3" else 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_detections_give_no_instances(layout: str) -> None:
    found = YoloAnchors(NAMES)(named(empty(3), layout), VIEW, 0.25)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


@pytest.mark.parametrize("value", [-3.0, 7.5])
def test_logits_are_not_accepted_as_probabilities(value: float) -> None:
    heads = empty(1, fill=0)
    heads[2][0, 0, 0, 4] = value
    with pytest.raises(BadModel) as caught:
        YoloAnchors(NAMES, activated=True)(named(heads), VIEW, 0.25)
    assert str(caught.value).startswith("activated: ")
    assert f"objectness from {min(value, 0):g} to {max(value, 0):g}" in str(caught.value)


HEADS: dict[str, Shape] = {"a": (1, 18, 8, 12), "b": (1, 18, 4, 6), "c": (1, 18, 2, 3)}


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        ({"a": (1, 17, 8, 12)}, ["outputs: ", "3 * (5 + classes)", "got [1, 17, 8, 12]"]),
        ({"a": (2, 18, 8, 12)}, ["got [2, 18, 8, 12]"]),
        ({"a": (1, 15, 8, 12)}, ["got [1, 15, 8, 12]"]),
        ({"a": (1, 2, 8, 12, 6)}, ["got [1, 2, 8, 12, 6]"]),
        ({"a": (1, 3, 8, 12, 5)}, ["got [1, 3, 8, 12, 5]"]),
        ({"a": (1, 3, 8)}, ["got [1, 3, 8]"]),
        ({"a": (1, 18, 8, 11)}, ["8x11 cells", "64x96", "found: [1, 18, 8, 11]"]),
        ({"a": (1, 18, 8, 6)}, ["8x6 cells", "64x96"]),
        ({"a": (1, 18, 0, 0)}, ["0x0 cells", "64x96"]),
    ],
)
def test_outputs_of_another_shape_are_refused(
    change: dict[str, tuple[int, ...]], texts: list[str]
) -> None:
    shapes = {**HEADS, **change}
    outputs = {name: np.zeros([n or 0 for n in shape]) for name, shape in shapes.items()}
    with pytest.raises(BadModel) as caught:
        YoloAnchors(NAMES)(outputs, VIEW, 0.25)
    assert [text for text in texts if text not in str(caught.value)] == []


def test_outputs_that_are_missing_are_refused() -> None:
    outputs = named(empty(1))
    with pytest.raises(BadModel, match=r"no output 'x'.*found: a, b, c"):
        YoloAnchors(("a", "b", "x"))(outputs, VIEW, 0.25)
    with pytest.raises(BadModel, match="2 outputs cannot be matched to the anchors of 3 strides"):
        YoloAnchors(("a", "b"))(outputs, VIEW, 0.25)


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "names"),
    [
        (YoloAnchors(), HEADS, Classes(1, exact=True), NAMES),
        (
            YoloAnchors(),
            {"x": (1, 255, 13, 13), "y": (1, 255, 26, 26), "z": (1, 255, 52, 52), "n": (1, 9)},
            Classes(80, exact=True),
            ("x", "y", "z"),
        ),
        # A grid of 24 x 40 cells, which could also be 3 anchors of 3 classes.
        (
            YoloAnchors(("a", "b", "c")),
            {"a": (1, 24, 40, 255), "b": (1, 12, 20, 255), "c": (1, 48, 80, 255)},
            Classes(10, exact=False),
            NAMES,
        ),
        (
            YoloAnchors(("c", "b", "a")),
            {"a": (1, 52, 52, 3, 85), "b": (None, 26, 26, 3, 85), "c": (1, 3, 13, 13, 85)},
            Classes(80, exact=True),
            ("c", "b", "a"),
        ),
        (
            YoloAnchors(),
            {"a": (None,) * 4, "b": (None,) * 5, "c": (1, 255, None, None)},
            Classes(80, exact=True),
            NAMES,
        ),
    ],
)
def test_bind_fills_in_the_names(
    decoder: YoloAnchors, outputs: dict[str, Shape], classes: Classes, names: tuple[str, ...]
) -> None:
    assert decoder.bind(signature(**outputs), classes).outputs == names


@pytest.mark.parametrize(
    ("decoder", "outputs", "classes", "texts"),
    [
        (
            YoloAnchors(),
            {"a": (1, 255, 52, 52), "b": (1, 255, 26, 26), "c": (1, 255, 13, 13)},
            Classes(3, exact=True),
            ["80 classes", "3 labels", "255 values a cell = 3 anchors x (5 for box and objectness"],
        ),
        (
            YoloAnchors(),
            {"a": (1, 3, 8, 12, 8), "b": (1, 3, 4, 6, 8), "c": (1, 3, 2, 3, 8)},
            Classes(4, exact=False),
            ["3 classes", "id 3", "24 values a cell"],
        ),
        (
            YoloAnchors(),
            {**HEADS, "b": (1, 20, 4, 7)},
            ANY,
            ["outputs: ", "b [1, 20, 4, 7] float32", "3 anchors", "[1, 3, h, w, 5 + classes]"],
        ),
        (YoloAnchors(), {**HEADS, "b": (1, 2, 4, 6, 6)}, ANY, ["b [1, 2, 4, 6, 6] float32"]),
        (YoloAnchors(), {**HEADS, "b": (4, 18, 4, 6)}, ANY, ["b [4, 18, 4, 6] float32"]),
        (YoloAnchors(), {"a": (1, 25200, 85)}, ANY, ["0 outputs", "3 strides", "`yolo_objectness"]),
        (YoloAnchors(), {**HEADS, "d": (1, 18, 1, 1)}, ANY, ["4 outputs", "3 strides"]),
        (YoloAnchors(("a", "b", "b")), HEADS, ANY, ["3 outputs", "3 strides"]),
        (YoloAnchors(("a", "b", "x")), HEADS, ANY, ["no output called 'x'"]),
        (YoloAnchors(("a", "b", "c")), {**HEADS, "c": (1, 18)}, ANY, ["c [1, 18] float32"]),
        (YoloAnchors(anchors=()), HEADS, ANY, ["anchors: ", "no strides"]),
        (YoloAnchors(anchors=((),)), HEADS, ANY, ["anchors: ", "[0] anchors"]),
        (YoloAnchors(anchors=(((1, 2),), ())), HEADS, ANY, ["anchors: ", "[1, 0] anchors"]),
        (YoloAnchors(scale_xy=(1.2, 1.1)), HEADS, ANY, ["scale_xy: 2 numbers", "3 strides"]),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(
    decoder: YoloAnchors, outputs: dict[str, Shape], classes: Classes, texts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(**outputs), classes)
    assert [text for text in texts if text not in str(caught.value)] == []


def test_bind_refuses_another_task() -> None:
    model = Signature((), signature(**HEADS).outputs, {"task": "pose"})
    with pytest.raises(BadModel, match="task: pose"):
        YoloAnchors().bind(model, ANY)


def test_the_default_anchors_are_those_of_yolov3() -> None:
    # cfg/yolov3.cfg: anchors = 10,13, 16,30, 33,23, 30,61, 62,45, 59,119, 116,90, 156,198, 373,326
    text = "10,13, 16,30, 33,23, 30,61, 62,45, 59,119, 116,90, 156,198, 373,326"
    numbers = [int(it) for it in text.split(",")]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
    assert [anchor for level in COCO for anchor in level] == pairs
    assert [len(level) for level in COCO] == [3, 3, 3]


@pytest.mark.parametrize(
    "shape",
    [(1, 4, 13, 13, 85), (1, 13, 13, 4, 85), (1, 13, 13, 13, 85), (None, 4, 13, 13, 85)],
)
def test_five_axes_without_the_number_of_anchors_are_refused(shape: Shape) -> None:
    with pytest.raises(BadModel, match="candidates of 3 anchors"):
        YoloAnchors().bind(signature(a=shape, b=shape, c=shape), ANY)


@pytest.mark.parametrize("shape", [(1, None, 13, 13, 85), (1, 13, 13, None, 85)])
def test_an_axis_of_unknown_size_may_be_that_of_the_anchors(shape: Shape) -> None:
    step = YoloAnchors().bind(signature(a=shape, b=shape, c=shape), Classes(80, exact=True))
    assert step.outputs == NAMES
