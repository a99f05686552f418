import itertools
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.decoders.final_boxes import FinalBoxes
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid
from tests.runtimes.decoders.grid_heads import ANY, Row, Shape, agree

VIEW = View((480, 640), (100, 200), Geometry())
NAMES = ("b", "s", "c")
TENSORFLOW: dict[str, Shape] = {
    "detection_boxes": (1, 100, 4),
    "detection_classes": (1, 100),
    "detection_scores": (1, 100),
    "num_detections": (1,),
    "raw_detection_boxes": (1, 1917, 4),
    "raw_detection_scores": (1, 1917, 91),
}


def signature(names: dict[str, Shape], dtype: str = "float32") -> Signature:
    types = {"detected_classes": dtype, "labels": dtype}
    return Signature((), tuple(Tensor(it, names[it], types.get(it, "float32")) for it in names))


@grid(
    ("box", ["corners", "yx_corners", "center"]),
    ("unit", ["pixels", "fraction"]),
    ("background", [False, True]),
    ("batched", [False, True]),
    ("count", [None, 20]),
)
def test_it_matches_a_loop(
    box: Any, unit: Any, background: bool, batched: bool, count: int | None
) -> None:
    rng = np.random.default_rng(len(box) + len(unit))
    boxes = rng.uniform(0, 1 if unit == "fraction" else 90, (30, 4)).astype(np.float32)
    scores = rng.uniform(0, 1, 30).astype(np.float32)
    classes = rng.integers(0, 4, 30).astype(np.float32)
    wanted: list[Row] = []
    for place in range(30 if count is None else count):
        a, b, c, d = boxes[place].tolist()
        x1, y1, x2, y2 = {
            "corners": (a, b, c, d),
            "yx_corners": (b, a, d, c),
            "center": (a - c / 2, b - d / 2, a + c / 2, b + d / 2),
        }[box]
        width, height = (200, 100) if unit == "fraction" else (1, 1)
        number = int(classes[place]) - background
        if scores[place] > 0.4 and number >= 0:
            corners = [x1 * width, y1 * height, x2 * width, y2 * height]
            wanted.append((corners, float(scores[place]), number))
    outputs: dict[str, Array] = {"b": boxes, "s": scores, "c": classes}
    if batched:
        outputs = {name: array[None] for name, array in outputs.items()}
    outputs["n"] = np.array([20.0], np.float32)
    decoder = FinalBoxes(*NAMES, "n" if count else None, box=box, unit=unit, background=background)
    agree(decoder(outputs, VIEW, 0.4), wanted)


def test_tensorflows_outputs_by_hand() -> None:
    outputs: dict[str, Array] = {
        "b": np.array([[[0.25, 0.125, 0.5, 0.75], [0, 0, 1, 1]]], np.float32),
        "s": np.array([[0.75, 0.9]], np.float32),
        "c": np.array([[3, 1]], np.float32),
        "n": np.array([1], np.float32),
        "m": np.ones((1, 2, 33, 33), np.float32),
    }
    decoder = FinalBoxes(*NAMES, "n", "m", box="yx_corners", unit="fraction", background=True)
    found = decoder(outputs, VIEW, 0.5)
    agree(found, [([25, 25, 150, 50], 0.75, 2)])
    assert found.masks is not None
    crop = found.masks.crop(0, found.boxes[0], (100, 200))
    assert crop is not None
    assert np.count_nonzero(crop.bitmap) == 125 * 25


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_rows_that_are_not_finite_are_dropped(bad: float, name: str) -> None:
    outputs = {
        "b": np.tile(np.array([1, 2, 3, 4], np.float32), (3, 1)),
        "s": np.full(3, 0.75, np.float32),
        "c": np.zeros(3, np.float32),
    }
    outputs[name][1] = bad
    found = FinalBoxes(*NAMES)(outputs, VIEW, 0.5)
    assert found.rows is not None
    assert found.rows.tolist() == [0, 2]


@pytest.mark.parametrize("order", list(itertools.permutations(range(6)))[::47])
def test_tensorflows_names_are_recognized_in_any_order(order: tuple[int, ...]) -> None:
    names = [list(TENSORFLOW)[number] for number in order]
    bound = FinalBoxes().bind(signature({name: TENSORFLOW[name] for name in names}), ANY)
    assert bound == FinalBoxes(
        "detection_boxes", "detection_scores", "detection_classes", "num_detections"
    )


@pytest.mark.parametrize("batch", [(), (1,)])
def test_azures_names_are_recognized(batch: tuple[int, ...]) -> None:
    outputs: dict[str, Shape] = {
        "detected_classes": (*batch, None),
        "detected_boxes": (*batch, None, 4),
        "detected_scores": (*batch, None),
    }
    bound = FinalBoxes().bind(signature(outputs, "int64"), ANY)
    assert bound == FinalBoxes("detected_boxes", "detected_scores", "detected_classes")


def test_masks_and_integer_labels_are_recognized_without_names() -> None:
    outputs: dict[str, Shape] = {"a": (1, 9), "labels": (1, 9), "b": (1, 9, 4), "m": (1, 9, 8, 8)}
    bound = FinalBoxes().bind(signature(outputs, "int64"), ANY)
    assert bound == FinalBoxes("b", "a", "labels", None, "m")


@pytest.mark.parametrize(
    ("outputs", "text"),
    [
        ({"a": (1, 9, 5), "s": (1, 9), "c": (1, 9)}, "0 outputs could hold boxes"),
        ({"boxes": (1, 9, 4), "a": (1, 9), "b": (1, 9)}, "2 outputs could hold scores"),
        ({"boxes": (1, 9, 4), "scores": (1, 9)}, "0 outputs could hold classes"),
    ],
)
def test_bind_refuses_outputs_that_do_not_fit(outputs: dict[str, Shape], text: str) -> None:
    with pytest.raises(BadModel, match=text):
        FinalBoxes().bind(signature(outputs), ANY)


@pytest.mark.parametrize(
    ("changed", "texts"),
    [
        ({"b": (1, 9, 5)}, ["boxes: ", "got [1, 9, 5]"]),
        ({"s": (1, 8)}, ["same number of rows", "scores 8"]),
        ({"m": (1, 8, 4, 4)}, ["masks: ", "each of 9 boxes, got 8"]),
        ({"n": (2,)}, ["count: ", "0 to 9"]),
    ],
)
def test_outputs_of_another_shape_are_refused(
    changed: dict[str, tuple[int, ...]], texts: list[str]
) -> None:
    shapes = {"b": (1, 9, 4), "s": (1, 9), "c": (1, 9), "n": (1,), "m": (1, 9, 4, 4), **changed}
    outputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    with pytest.raises(BadModel) as caught:
        FinalBoxes(*NAMES, "n", "m")(outputs, VIEW, 0.5)
    assert [text for text in texts if text not in str(caught.value)] == []
