import math
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.detection_rows import DetectionRows
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.signature import Signature, Tensor
from runtimes.view import View
from tests.grids import grid
from tests.runtimes.decoders.grid_heads import ANY, Row, Shape, agree

VIEW = View((480, 640), (100, 200), Geometry())
PADDLE: Any = ("class", "score", "x1", "y1", "x2", "y2")
CORNERS = ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
FORMATS: dict[str, tuple[str, ...]] = {
    "corners": ("x1", "y1", "x2", "y2"),
    "corner and size": ("x1", "y1", "w", "h"),
    "center and size": ("cx", "cy", "w", "h"),
}


def signature(dtypes: dict[str, str] | None = None, **outputs: Shape) -> Signature:
    types = dtypes or {}
    tensors = (Tensor(name, it, types.get(name, "float32")) for name, it in outputs.items())
    return Signature((), tuple(tensors))


def corners_of(row: dict[str, float], unit: str) -> list[float]:
    """The corners of one row as a person would read it."""
    if "x2" in row:
        box = [row["x1"], row["y1"], row["x2"], row["y2"]]
    elif "x1" in row:
        box = [row["x1"], row["y1"], row["x1"] + row["w"], row["y1"] + row["h"]]
    else:
        x, y, half_w, half_h = row["cx"], row["cy"], row["w"] / 2, row["h"] / 2
        box = [x - half_w, y - half_h, x + half_w, y + half_h]
    sides = (200, 100, 200, 100) if unit == "fraction" else (1, 1, 1, 1)
    return [value * side for value, side in zip(box, sides, strict=True)]


@grid(
    ("box", list(FORMATS)),
    ("unit", ["pixels", "fraction"]),
    ("background", [False, True]),
    ("batched", [False, True]),
    ("seed", range(3)),
)
def test_rows_in_any_order_of_columns_match_a_loop(
    box: str, unit: Any, background: bool, batched: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    columns: Any = ("score", "class", "image", "unused", *FORMATS[box])
    columns = tuple(str(it) for it in rng.permutation(columns))
    table = rng.uniform(0, 1 if unit == "fraction" else 90, (60, len(columns)))
    table[:, columns.index("score")] = rng.uniform(0, 1, 60)
    table[:, columns.index("class")] = rng.integers(-1, 4, 60)
    table[:, columns.index("image")] = rng.integers(-1, 1, 60)
    table = table.astype(np.float32)
    wanted: list[Row] = []
    for values in table.tolist():
        row = dict(zip(columns, values, strict=True))
        number = int(row["class"]) - background
        if row["image"] >= 0 and row["score"] > 0.4 and number >= 0:
            wanted.append((corners_of(row, unit), row["score"], number))
    decoder = DetectionRows(columns, "o", unit=unit, background=background)
    assert len(wanted) > 1
    agree(decoder({"o": table[None] if batched else table}, VIEW, 0.4), wanted)


def test_paddles_rows_by_hand() -> None:
    table = np.array(
        [
            [2, 0.75, 100, 20, 150, 90],
            [0, 0.25, 10, 20, 60, 80],
            [-1, 0.9, 0, 0, 0, 0],
            [1, 0.9, 1, 2, 3, 4],
        ],
        np.float32,
    )
    decoder = DetectionRows(PADDLE, "rows", count="count")
    outputs: dict[str, Array] = {"rows": table, "count": np.array([3], np.int32)}
    agree(decoder(outputs, VIEW, 0.5), [([100, 20, 150, 90], 0.75, 2)])
    outputs["count"] = np.array([4], np.int32)
    assert decoder(outputs, VIEW, 0.5).classes.tolist() == [2, 1]
    assert decoder(outputs, VIEW, 0.1).classes.tolist() == [2, 0, 1]


def test_a_count_that_is_no_number_of_rows_is_refused() -> None:
    decoder = DetectionRows(PADDLE, "rows", count="count")
    for count, found in (([5], "5"), ([-1], "-1"), ([1, 2], r"\[2\]")):
        outputs = {"rows": np.zeros((4, 6), np.float32), "count": np.array(count)}
        with pytest.raises(BadModel, match=found) as caught:
            decoder(outputs, VIEW, 0.5)
        assert caught.value.where == "count"


@pytest.mark.parametrize("degrees", [-80, -30, 0, 15, 45, 89])
def test_corners_and_an_angle_are_the_same_oriented_box(degrees: float) -> None:
    angle = math.radians(degrees)
    along = np.array([math.cos(angle), math.sin(angle)]) * 20
    across = np.array([-math.sin(angle), math.cos(angle)]) * 5
    center = np.array([90, 50])
    points = [
        center + along + across,
        center + along - across,
        center - along - across,
        center - along + across,
    ]
    columns: Any = ("class", "score", *CORNERS)
    table = np.array([[1, 0.75, *np.concatenate(points)]], np.float32)
    found = DetectionRows(columns, "o")({"o": table}, VIEW, 0.5)
    assert found.rotated is not None
    assert found.classes.tolist() == [1]
    x, y, width, height, turn = found.rotated[0].tolist()
    assert (x, y, width, height) == pytest.approx((90, 50, 40, 10), abs=1e-3)
    assert math.tan(turn) == pytest.approx(math.tan(angle), rel=1e-3, abs=1e-3)
    least, most = np.min(points, axis=0), np.max(points, axis=0)
    assert found.boxes[0] == pytest.approx([*least, *most], abs=1e-3)

    columns = ("cx", "cy", "w", "h", "angle", "score")
    table = np.array([[[90, 50, 40, 10, angle, 0.75]]], np.float32)
    outputs = {"o": table, "l": np.array([[1]])}
    found = DetectionRows(columns, "o", "l")(outputs, VIEW, 0.5)
    assert found.rotated is not None
    assert found.rotated[0] == pytest.approx([90, 50, 40, 10, angle], abs=1e-5)
    assert found.boxes[0] == pytest.approx([*least, *most], abs=1e-3)
    assert found.classes.tolist() == [1]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_a_score_at_the_threshold_is_not_above_it(dtype: str, threshold: float) -> None:
    table = np.array([[0, threshold, 1, 2, 3, 4]], dtype)
    assert len(DetectionRows(PADDLE, "o")({"o": table}, VIEW, threshold)) == 0
    assert len(DetectionRows(PADDLE, "o")({"o": table}, VIEW, threshold - 0.01)) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("column", range(6))
def test_rows_that_are_not_finite_are_dropped(bad: float, column: int) -> None:
    table = np.tile(np.array([1, 0.75, 1, 2, 3, 4], np.float32), (3, 1))
    table[1, column] = bad
    found = DetectionRows(PADDLE, "o")({"o": table}, VIEW, 0.5)
    assert found.rows is not None
    assert found.rows.tolist() == [0, 2]


def test_no_rows_give_no_instances() -> None:
    found = DetectionRows(PADDLE, "o")({"o": np.zeros((0, 6), np.float32)}, VIEW, 0.0)
    assert (len(found), found.boxes.shape) == (0, (0, 4))


def test_a_fraction_as_class_is_refused() -> None:
    table = np.array([[0.5, 0.75, 1, 2, 3, 4]], np.float32)
    with pytest.raises(BadModel, match="class IDs are not whole numbers"):
        DetectionRows(PADDLE, "o")({"o": table}, VIEW, 0.5)


@pytest.mark.parametrize(
    ("decoder", "outputs", "bound"),
    [
        (DetectionRows(PADDLE), {"rows": (None, 6)}, ("rows", None, None)),
        (DetectionRows(PADDLE), {"rows": (1, 300, 6), "n": (1,)}, ("rows", None, "n")),
        (
            DetectionRows(PADDLE, count="m"),
            {"r": (None, 6), "n": (1,), "m": (1,)},
            ("r", None, "m"),
        ),
        (DetectionRows(PADDLE), {"n": (None,), "rows": (None, 6)}, ("rows", None, "n")),
        (
            DetectionRows(("cx", "cy", "w", "h", "angle", "score")),
            {"labels": (1, 10), "dets": (1, 10, 6)},
            ("dets", "labels", None),
        ),
        (
            DetectionRows(("x1", "y1", "x2", "y2", "score")),
            {"count": (1,), "labels": (None,), "dets": (None, 5)},
            ("dets", "labels", "count"),
        ),
    ],
)
def test_bind_fills_in_the_names(
    decoder: DetectionRows, outputs: dict[str, Shape], bound: tuple[str | None, ...]
) -> None:
    types = dict.fromkeys(("n", "m", "labels", "count"), "int64")
    found = decoder.bind(signature(types, **outputs), ANY)
    assert (found.output, found.labels, found.count) == bound


@pytest.mark.parametrize(
    ("fields", "texts"),
    [
        ({"columns": ()}, ["the columns are no detection", "none", "score, and x1, y1, x2, y2"]),
        ({"columns": PADDLE[:-1]}, ["no detection"]),
        ({"columns": ("x1", "y1", "x2", "y2")}, ["no detection"]),
        ({"columns": (*PADDLE, "w")}, ["no detection"]),
        ({"columns": (*PADDLE, "score")}, ["the column score is given twice"]),
        ({"columns": ("score", *CORNERS), "unit": "fraction"}, ["oriented boxes are in pixels"]),
        ({"columns": PADDLE, "labels": "l"}, ["a column of the table and an output"]),
        ({"columns": (*PADDLE, "unused")}, ["0 outputs could hold [rows, 7] or [1, rows, 7]"]),
        ({"columns": ("x1", "y1", "w", "h", "score", "unused")}, ["could hold labels"]),
        ({"columns": PADDLE, "output": "x"}, ["no output called 'x'"]),
    ],
)
def test_bind_refuses_what_does_not_fit(fields: dict[str, Any], texts: list[str]) -> None:
    with pytest.raises(BadModel) as caught:
        DetectionRows(**fields).bind(signature(rows=(None, 6)), Classes(1, exact=True))
    assert [text for text in texts if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("shapes", "texts"),
    [
        ({"o": (9, 7), "l": (9,)}, ["[rows, 6] or [1, rows, 6]", "got [9, 7]"]),
        ({"o": (2, 9, 6), "l": (9,)}, ["got [2, 9, 6]"]),
        ({"o": (9, 6), "l": (8,)}, ["labels: ", "a class for each of 9 rows", "[8]"]),
        ({"o": (9, 6), "l": (9, 1)}, ["labels: ", "[9, 1]", "[9] or [1, 9]"]),
    ],
)
def test_outputs_of_another_shape_are_refused(shapes: dict[str, Any], texts: list[str]) -> None:
    outputs = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    columns: Any = ("cx", "cy", "w", "h", "angle", "score")
    with pytest.raises(BadModel) as caught:
        DetectionRows(columns, "o", "l")(outputs, VIEW, 0.5)
    assert [text for text in texts if text not in str(caught.value)] == []
