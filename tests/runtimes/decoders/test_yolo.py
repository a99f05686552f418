from collections.abc import Callable

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.yolo import Yolo
from runtimes.decoders.yolo_end2end import YoloEnd2end
from runtimes.decoders.yolo_objectness import YoloObjectness
from runtimes.errors import BadModel
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from tests.grids import grid
from tests.runtimes.decoders.candidates import (
    ANY,
    VIEW,
    Shape,
    candidates,
    looped,
    rows_of,
    signature,
)


@grid(
    ("seed", range(5)),
    ("classes", [1, 2, 7]),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
)
def test_yolo_matches_a_loop(seed: int, classes: int, threshold: float) -> None:
    boxes, scores, _ = candidates(np.random.default_rng(seed), 40, classes)
    output = np.concatenate([boxes, scores], axis=1).T[None]
    found = Yolo(output="output0")({"output0": output}, VIEW, threshold)
    wanted = looped(boxes, scores, np.ones(40), threshold)
    assert sorted(rows_of(found)) == sorted(wanted)


def test_yolo_by_hand() -> None:
    # Two candidates in columns: center x, center y, width, height, scores of three classes.
    output = np.array([[[100, 10], [50, 10], [40, 4], [20, 2], [0.1, 0.2], [0.75, 0.1], [0, 0.3]]])
    found = Yolo(output="output0")({"output0": output}, VIEW, 0.5)
    assert rows_of(found) == [((80, 40, 120, 60), 0.75, 1)]


@pytest.mark.parametrize(
    ("decoder", "output"),
    [
        (Yolo(output="o"), np.zeros((1, 6, 0))),
        (Yolo(output="o"), np.zeros((1, 6, 9))),
        (YoloObjectness(output="o"), np.zeros((1, 0, 7))),
        (YoloObjectness(output="o"), np.zeros((1, 9, 7))),
        (YoloEnd2end(output="o"), np.zeros((1, 0, 6))),
        (YoloEnd2end(output="o"), np.zeros((0, 7))),
        (YoloEnd2end(output="o"), np.zeros((1, 300, 6))),
    ],
)
def test_no_detections_give_no_instances(decoder: Decoder, output: Array) -> None:
    found = decoder({"o": output.astype(np.float32)}, VIEW, 0.0)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("kind", ["yolo", "yolo_objectness", "yolo_end2end"])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float, kind: str) -> None:
    # The model's score is the threshold as nearly as its type can tell.
    decoder, output = {
        "yolo": (Yolo(output="o"), np.array([[[9], [9], [4], [4], [threshold]]])),
        "yolo_objectness": (
            YoloObjectness(output="o"),
            np.array([[[9, 9, 4, 4, 1, threshold]]]),
        ),
        "yolo_end2end": (YoloEnd2end(output="o"), np.array([[[1, 1, 4, 4, threshold, 0]]])),
    }[kind]
    outputs = {"o": output.astype(dtype)}
    assert len(decoder(outputs, VIEW, threshold)) == 0
    assert len(decoder(outputs, VIEW, threshold - 0.01)) == 1


@pytest.mark.parametrize(
    ("decoder", "output"),
    [
        (Yolo(output="o"), np.array([[[600.5], [600.5], [100.5], [20.5], [1]]])),
        (YoloObjectness(output="o"), np.array([[[600.5, 600.5, 100.5, 20.5, 1, 1]]])),
    ],
)
def test_half_precision_outputs_are_decoded_in_full_precision(
    decoder: Decoder, output: Array
) -> None:
    # Half precision holds 600.5 and 100.5, but 550.25 only as 550 or 550.5.
    found = decoder({"o": output.astype(np.float16)}, VIEW, 0.5)
    assert found.boxes.tolist() == [[550.25, 590.25, 650.75, 610.75]]


Table = Callable[[], tuple[Decoder, Array]]


def yolo_table() -> tuple[Decoder, Array]:
    output = np.array([[[100, 50, 40, 20, 0.9], [10, 10, 4, 2, 0.8], [30, 30, 8, 8, 0.7]]])
    return Yolo(output="o"), output.transpose(0, 2, 1).astype(np.float32)


def objectness_table() -> tuple[Decoder, Array]:
    output = np.array([[[100, 50, 40, 20, 0.9, 1], [10, 10, 4, 2, 0.8, 1], [30, 30, 8, 8, 0.7, 1]]])
    return YoloObjectness(output="o"), output.astype(np.float32)


def end2end_table() -> tuple[Decoder, Array]:
    output = np.array(
        [[[80, 40, 120, 60, 0.9, 0], [8, 9, 12, 11, 0.8, 0], [26, 26, 34, 34, 0.7, 0]]]
    )
    return YoloEnd2end(output="o"), output.astype(np.float32)


@pytest.mark.parametrize("table", [yolo_table, objectness_table, end2end_table])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("columns", [(0,), (1,), (2,), (3,), (4,), (0, 2), (4, 5)])
def test_candidates_that_are_not_finite_are_dropped(
    table: Table, bad: float, columns: tuple[int, ...]
) -> None:
    decoder, output = table()
    if isinstance(decoder, Yolo):
        output[0, [column for column in columns if column < 5], 1] = bad
    else:
        output[0, 1, list(columns)] = bad
    found = decoder({"o": output}, VIEW, 0.25)
    assert found.boxes.tolist() == [[80, 40, 120, 60], [26, 26, 34, 34]]


@pytest.mark.parametrize(
    ("decoder", "name", "shape"),
    [
        (Yolo(output="o"), "yolo", (1, 4, 8400)),
        (Yolo(output="o"), "yolo", (2, 84, 8400)),
        (Yolo(output="o"), "yolo", (84, 8400)),
        (Yolo(output="o"), "yolo", (1, 84)),
        (Yolo(output="o"), "yolo", (1, 84, 80, 80)),
        (YoloObjectness(output="o"), "yolo_objectness", (1, 25200, 5)),
        (YoloObjectness(output="o"), "yolo_objectness", (2, 25200, 85)),
        (YoloObjectness(output="o"), "yolo_objectness", (25200, 85)),
        (YoloEnd2end(output="o"), "yolo_end2end", (1, 300, 5)),
        (YoloEnd2end(output="o"), "yolo_end2end", (2, 300, 6)),
        (YoloEnd2end(output="o"), "yolo_end2end", (300, 6)),
        (YoloEnd2end(output="o"), "yolo_end2end", (300, 8)),
        (YoloEnd2end(output="o"), "yolo_end2end", (6,)),
    ],
)
def test_outputs_of_another_shape_are_refused(
    decoder: Decoder, name: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder({"o": np.zeros(shape, np.float32)}, VIEW, 0.25)
    assert f"`{name}` decodes" in caught.value.what
    assert f"got {list(shape)}" in caught.value.what
    assert caught.value.where == "output"


@pytest.mark.parametrize("kind", [Yolo, YoloObjectness, YoloEnd2end])
@pytest.mark.parametrize("name", [None, "boxes"])
def test_a_missing_output_is_refused(
    kind: type[Yolo | YoloObjectness | YoloEnd2end], name: str | None
) -> None:
    with pytest.raises(BadModel) as caught:
        kind(output=name)({"a": np.zeros(1), "b": np.zeros(1)}, VIEW, 0.25)
    assert f"'{name}'" in caught.value.what
    assert (caught.value.where, caught.value.found) == ("output", "a, b")


@pytest.mark.parametrize(
    ("decoder", "shapes", "classes", "name"),
    [
        (Yolo(), [(1, 84, 8400)], Classes(80, exact=True), "output0"),
        (Yolo(), [(1, 84, 8400)], Classes(3, exact=False), "output0"),
        (Yolo(), [(1, None, None)], Classes(3, exact=True), "output0"),
        (Yolo(), [(1, 84, None)], Classes(80, exact=True), "output0"),
        (Yolo(), [(1, 5, 21)], Classes(1, exact=True), "output0"),
        # Fewer candidates than channels, but the channels fit the labels.
        (Yolo(), [(1, 20, 10)], Classes(16, exact=True), "output0"),
        (Yolo(), [(1, 8), (1, 84, 8400), (1, 3, 80, 80)], Classes(80, exact=True), "output1"),
        (Yolo("output1"), [(1, 84, 9), (1, 7, 9)], Classes(3, exact=True), "output1"),
        (YoloObjectness(), [(1, 25200, 85)], Classes(80, exact=True), "output0"),
        (YoloObjectness(), [(1, None, 6)], Classes(1, exact=True), "output0"),
        (YoloObjectness(), [(None, None, None)], Classes(9, exact=True), "output0"),
        (YoloEnd2end(), [(1, 300, 6)], Classes(80, exact=True), "output0"),
        (YoloEnd2end(), [(1, 300, 38), (1, 32, 160, 160)], ANY, "output0"),
        (YoloEnd2end(), [(None, 7)], ANY, "output0"),
        (YoloEnd2end(), [(1, None, None)], ANY, "output0"),
        (YoloEnd2end(), [(1, 1000, 6)], ANY, "output0"),
        # As many rows as a raw head of 80 classes has.
        (YoloEnd2end(), [(1, 84, 6)], Classes(80, exact=True), "output0"),
    ],
)
def test_bind_fills_in_the_name_of_the_output(
    decoder: Yolo | YoloObjectness | YoloEnd2end,
    shapes: list[Shape],
    classes: Classes,
    name: str,
) -> None:
    assert decoder.bind(signature(*shapes), classes) == type(decoder)(output=name)


@pytest.mark.parametrize(
    ("decoder", "shape", "classes", "counts"),
    [
        (
            Yolo(),
            (1, 84, 8400),
            Classes(79, exact=True),
            ["80 classes", "79 labels", "84 channels = 4 for the box + 80"],
        ),
        (
            Yolo(),
            (1, 84, 8400),
            Classes(81, exact=False),
            ["80 classes", "id 80", "ids 0 to 79"],
        ),
        (
            YoloObjectness(),
            (1, 25200, 85),
            Classes(2, exact=True),
            ["80 classes", "2 labels", "85 columns = 5 for box and objectness + 80"],
        ),
    ],
)
def test_bind_counts_classes(
    decoder: Decoder, shape: Shape, classes: Classes, counts: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(shape), classes)
    assert [text for text in counts if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("decoder", "shape", "what", "hint"),
    [
        (Yolo(), (1, 25200, 85), "[1, 25200, 85] float32 has candidates in rows", "`yolo_obj"),
        (Yolo(), (1, 300, 6), "[1, 300, 6] float32 has candidates in rows", "`yolo_end2end`"),
        (YoloObjectness(), (1, 84, 8400), "candidates in columns", "`yolo` is for"),
        (YoloEnd2end(), (1, 300, 5), "does not hold final detections", "followed by `nms`"),
        (YoloEnd2end(), (300, 6), "does not hold final detections", "followed by `nms`"),
        (YoloEnd2end(), (None, 8), "does not hold final detections", "followed by `nms`"),
        (YoloEnd2end(), (1, 25200, 85), "[1, 25200, 85] float32 holds raw", "`yolo_objectness`"),
        (YoloEnd2end(), (1, 5, 8400), "[1, 5, 8400] float32 holds raw candidates", "`yolo`"),
    ],
)
def test_bind_names_the_decoder_that_would_fit(
    decoder: Decoder, shape: Shape, what: str, hint: str
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(shape), ANY)
    assert what in caught.value.what
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("decoder", "shape"),
    [
        (Yolo(), (1, 7, 8400)),
        (YoloObjectness(), (1, 25200, 7)),
        (YoloEnd2end(), (1, 300, 7)),
    ],
)
@pytest.mark.parametrize("task", ["obb", "classify", "segment", "pose"])
def test_bind_refuses_a_model_of_another_task(decoder: Decoder, shape: Shape, task: str) -> None:
    model = signature(shape, metadata={"task": task})
    if isinstance(decoder, YoloEnd2end) and task in ("segment", "pose"):
        assert decoder.bind(model, ANY) == YoloEnd2end(output="output0")
        return
    with pytest.raises(BadModel) as caught:
        decoder.bind(model, ANY)
    assert f"`task: {task}`" in caught.value.what
    assert caught.value.found.startswith("output0 [1, ")
    assert "detect" in caught.value.allowed


@pytest.mark.parametrize("metadata", [{}, {"task": "detect"}, {"author": "somebody"}])
def test_bind_accepts_a_model_of_task_detect_or_no_task(metadata: dict[str, str]) -> None:
    model = signature((1, 7, 8400), metadata=metadata)
    assert Yolo().bind(model, Classes(3, exact=True)) == Yolo(output="output0")


def test_bind_asks_for_a_name_if_two_outputs_fit() -> None:
    with pytest.raises(BadModel) as caught:
        Yolo().bind(signature((1, 84, 8400), (1, 84, 2100)), Classes(80, exact=True))
    assert caught.value.what.startswith("2 outputs could hold [1, 4 + classes")
    assert "`output: NAME`" in caught.value.hint


@pytest.mark.parametrize("kind", [Yolo, YoloObjectness])
@pytest.mark.parametrize("shape", [(8400, 85), (1, 3, 80, 80), (7,)])
def test_a_named_output_with_other_axes_is_refused(
    kind: type[Yolo] | type[YoloObjectness], shape: tuple[int, ...]
) -> None:
    tensor = Tensor("o", shape, "float32")
    with pytest.raises(BadModel) as caught:
        kind(output="o").bind(Signature((), (tensor,)), Classes(3, True))
    assert str(tensor) in caught.value.what


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_for_the_box_alone_leave_none_for_classes(channels: int) -> None:
    with pytest.raises(BadModel) as caught:
        Yolo().bind(signature((1, channels, 8400)), ANY)
    assert f"has {channels} channels, and none is left for classes" in caught.value.what
    assert caught.value.allowed == "5 channels or more"
