import contextlib
from math import cos, pi, sin
from typing import Any

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.yolo import YoloObb, YoloPose, YoloSegment
from runtimes.decoders.yolo_end2end import YoloEnd2endObb, YoloEnd2endPose, YoloEnd2endSegment
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder
from runtimes.view import View
from tests.grids import grid

Shape = tuple[int | None, ...]
Found = dict[str, Any]
"""A box, a score, a class, and further values of the decoder."""

VIEW = View((64, 64), (64, 64), Geometry())
ANY = Classes(1, exact=False)
MAPS = (1, 2, 16, 16)

KINDS = {
    "yolo_segment": YoloSegment("o", "maps"),
    "yolo_end2end_segment": YoloEnd2endSegment("o", "maps"),
    "yolo_pose": YoloPose("o", (3, 3)),
    "yolo_end2end_pose": YoloEnd2endPose("o", (3, 3)),
    "yolo_obb": YoloObb("o"),
    "yolo_end2end_obb": YoloEnd2endObb("o"),
}
every_kind = pytest.mark.parametrize("name", KINDS)
EXTRAS = {"segment": 2, "pose": 9, "obb": 1}
"""Task -> number of values that the decoders above expect besides box and classes."""


def signature(*shapes: Shape, metadata: dict[str, str] | None = None) -> Signature:
    outputs = [Tensor(f"output{n}", shape, "float32") for n, shape in enumerate(shapes)]
    return Signature((), tuple(outputs), metadata or {})


def eighths(rng: np.random.Generator, shape: tuple[int, ...], most: int) -> Array:
    """Multiples of 1/8 up to `most`: sums, halves and products of them are exact in float32."""
    return (rng.integers(0, most * 8 + 1, shape) / 8).astype(np.float32)


def table(seed: int, extra: int, classes: int = 3, count: int = 40) -> Array:
    """(count, 4 + classes + extra): centers and sides, scores, and further values."""
    rng = np.random.default_rng(seed)
    parts = [eighths(rng, (count, 4), 64), eighths(rng, (count, classes), 1)]
    return np.concatenate([*parts, eighths(rng, (count, extra), 3)], axis=1)


def finished(seed: int, extra: int, count: int = 20) -> Array:
    """(count, 6 + extra): box, score, class, and further values."""
    rng = np.random.default_rng(seed)
    parts = [eighths(rng, (count, 4), 64), eighths(rng, (count, 1), 1)]
    parts += [rng.integers(0, 3, (count, 1)), eighths(rng, (count, extra), 3)]
    return np.concatenate(parts, axis=1).astype(np.float32)


def looped(rows: Array, extra: int, threshold: float) -> list[Found]:
    """Decode the rows of `table` one by one; of equal scores, the first class is chosen."""
    found: list[Found] = []
    for row in rows.tolist():
        scores = row[4 : len(row) - extra]
        best = 0
        for number, score in enumerate(scores):
            if score > scores[best]:
                best = number
        if scores[best] > threshold:
            x, y, width, height = row[:4]
            found.append(
                {
                    "centerd": [x, y, width, height],
                    "box": [x - width / 2, y - height / 2, x + width / 2, y + height / 2],
                    "score": scores[best],
                    "class": best,
                    "rest": row[len(row) - extra :],
                }
            )
    return found


def looped_finished(rows: Array, threshold: float) -> list[Found]:
    """Decode the rows of `finished` one by one."""
    return [
        {"box": row[:4], "centerd": row[:4], "score": row[4], "class": row[5], "rest": row[6:]}
        for row in rows.tolist()
        if row[4] > threshold
    ]


def check_basics(found: Instances, wanted: list[Found]) -> None:
    assert found.boxes.tolist() == [row["box"] for row in wanted]
    assert found.scores.tolist() == [row["score"] for row in wanted]
    assert found.classes.tolist() == [row["class"] for row in wanted]


def check_rotated(found: Instances, wanted: list[Found]) -> None:
    """Compare the oriented boxes, and the enclosing boxes with the projections of their sides."""
    assert found.rotated is not None
    assert found.rotated.tolist() == [[*row["centerd"], *row["rest"]] for row in wanted]
    around = []
    for row in wanted:
        (x, y, width, height), (angle,) = row["centerd"], row["rest"]
        wide = abs(width * cos(angle)) + abs(height * sin(angle))
        high = abs(width * sin(angle)) + abs(height * cos(angle))
        around.append([x - wide / 2, y - high / 2, x + wide / 2, y + high / 2])
    np.testing.assert_allclose(found.boxes, np.array(around).reshape(-1, 4), atol=1e-4)
    assert found.scores.tolist() == [row["score"] for row in wanted]
    assert found.classes.tolist() == [row["class"] for row in wanted]


def keypoints_of(row: Found, values: int) -> list[list[float]]:
    """x, y and confidence of each keypoint; without a third value it is 1."""
    rest = row["rest"]
    points = [rest[place : place + values] for place in range(0, len(rest), values)]
    return [[*point, 1.0][:3] for point in points]


def check_masks(found: Instances, wanted: list[Found], maps: Array) -> None:
    """Compare each mask with the coefficients times the maps, enlarged four times."""
    assert found.masks is not None
    # The masks' edges depend on interpolation; in the middle of a cell of equal cells they do not.
    for number, row in enumerate(wanted):
        logits = row["rest"][0] * maps[0] + row["rest"][1] * maps[1]
        crop = found.masks.crop(number, np.array([0.0, 0, 64, 64]), (64, 64))
        picture = np.zeros((64, 64), bool)
        if crop is not None:
            height, width = crop.bitmap.shape
            rows = slice(crop.top, crop.top + height)
            picture[rows, crop.left : crop.left + width] = crop.bitmap
        # Blocks of four cells, 16 pixels; their centers are far from other blocks.
        np.testing.assert_array_equal(picture[8::16, 8::16], logits[2::4, 2::4] > 0)


def blocks(seed: int) -> Array:
    """Two maps of 16 x 16 cells, in blocks of 4 x 4 equal cells."""
    rng = np.random.default_rng(seed)
    coarse = (rng.integers(-8, 9, (2, 4, 4)) + 0.25).astype(np.float32)
    return np.repeat(np.repeat(coarse, 4, axis=1), 4, axis=2)


@grid(
    ("seed", range(3)),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
)
def test_yolo_segment_matches_a_loop(seed: int, threshold: float) -> None:
    rows, maps = table(seed, 2), blocks(seed)
    outputs = {"boxes": rows.T[None], "maps": maps[None]}
    found = YoloSegment("boxes", "maps")(outputs, VIEW, threshold)
    wanted = looped(rows, 2, threshold)
    check_basics(found, wanted)
    check_masks(found, wanted, maps)


@grid(
    ("seed", range(3)),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
)
def test_yolo_end2end_segment_matches_a_loop(seed: int, threshold: float) -> None:
    rows, maps = finished(seed, 2), blocks(seed)
    outputs = {"boxes": rows[None], "maps": maps[None]}
    found = YoloEnd2endSegment("boxes", "maps")(outputs, VIEW, threshold)
    wanted = looped_finished(rows, threshold)
    check_basics(found, wanted)
    check_masks(found, wanted, maps)


@grid(
    ("seed", range(3)),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
    ("values", [2, 3]),
)
def test_yolo_pose_matches_a_loop(seed: int, threshold: float, values: int) -> None:
    rows = table(seed, 4 * values)
    found = YoloPose("o", (4, values))({"o": rows.T[None]}, VIEW, threshold)
    wanted = looped(rows, 4 * values, threshold)
    check_basics(found, wanted)
    assert found.keypoints is not None
    assert found.keypoints.shape == (len(wanted), 4, 3)
    assert found.keypoints.tolist() == [keypoints_of(row, values) for row in wanted]


@grid(
    ("seed", range(3)),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
    ("values", [2, 3]),
)
def test_yolo_end2end_pose_matches_a_loop(seed: int, threshold: float, values: int) -> None:
    rows = finished(seed, 4 * values)
    found = YoloEnd2endPose("o", (4, values))({"o": rows[None]}, VIEW, threshold)
    wanted = looped_finished(rows, threshold)
    check_basics(found, wanted)
    assert found.keypoints is not None
    assert found.keypoints.tolist() == [keypoints_of(row, values) for row in wanted]


@grid(
    ("seed", range(3)),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
)
def test_yolo_obb_matches_a_loop(seed: int, threshold: float) -> None:
    rows = table(seed, 1)
    found = YoloObb("o")({"o": rows.T[None]}, VIEW, threshold)
    check_rotated(found, looped(rows, 1, threshold))


@grid(
    ("seed", range(3)),
    ("threshold", [0.0, 0.25, 0.5, 0.875, 1.0]),
)
def test_yolo_end2end_obb_matches_a_loop(seed: int, threshold: float) -> None:
    rows = finished(seed, 1)
    found = YoloEnd2endObb("o")({"o": rows[None]}, VIEW, threshold)
    check_rotated(found, looped_finished(rows, threshold))


def test_yolo_obb_by_hand() -> None:
    # One candidate: center 30, 20; 10 wide, 4 high; a class; a quarter turn.
    output = np.array([[[30.0], [20], [10], [4], [0.75], [pi / 2]]])
    found = YoloObb("o")({"o": output}, VIEW, 0.5)
    np.testing.assert_allclose(found.boxes, [[28, 15, 32, 25]], atol=1e-5)
    assert found.rotated is not None
    np.testing.assert_allclose(found.rotated, [[30, 20, 10, 4, pi / 2]])


def test_yolo_pose_by_hand() -> None:
    # One candidate with one class and two keypoints of three values.
    column = [30.0, 20, 10, 4, 0.75, 1, 2, 0.5, 3, 4, 0.25]
    found = YoloPose("o", (2, 3))({"o": np.array([column]).reshape(1, -1, 1)}, VIEW, 0.5)
    assert found.keypoints is not None
    assert found.keypoints.tolist() == [[[1, 2, 0.5], [3, 4, 0.25]]]
    assert found.boxes.tolist() == [[25, 18, 35, 22]]


def filled(name: str) -> dict[str, Array]:
    """Two candidates of 8 x 8 at 32, 32: one of score 0.75 and class 0, one padding row."""
    extra = EXTRAS[name.rsplit("_", 1)[1]]
    if "end2end" in name:
        box = [32, 32, 8, 8] if name.endswith("obb") else [28, 28, 36, 36]
        rows: Array = np.zeros((1, 2, 6 + extra), np.float32)
        rows[0, 0, :6] = [*box, 0.75, 0]
        rows[0, 0, 6:] = 1
    else:
        rows = np.zeros((1, 5 + extra, 2), np.float32)
        rows[0, :5, 0] = [32, 32, 8, 8, 0.75]
        rows[0, 5:, 0] = 1
    return {"o": rows, "maps": np.ones(MAPS, np.float32)}


@every_kind
def test_a_score_at_the_threshold_is_not_above_it(name: str) -> None:
    assert len(KINDS[name](filled(name), VIEW, 0.75)) == 0
    assert len(KINDS[name](filled(name), VIEW, 0.74)) == 1
    assert len(KINDS[name](filled(name), VIEW, 0.0)) == 1


@every_kind
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_candidates_that_are_not_finite_are_dropped(name: str, bad: float) -> None:
    outputs = filled(name)
    places = outputs["o"].shape[2] if "end2end" in name else outputs["o"].shape[1]
    masks_only = name.endswith("segment")
    for place in range(places):
        if masks_only and place >= places - 2:
            continue  # a coefficient; without it there is a box still
        spoilt = outputs["o"].copy()
        spoilt[(0, 0, place) if "end2end" in name else (0, place, 0)] = bad
        assert len(KINDS[name]({**outputs, "o": spoilt}, VIEW, 0.5)) == 0, place


@every_kind
def test_no_detections_give_no_instances(name: str) -> None:
    outputs = filled(name)
    rows = outputs["o"]
    none = rows[:, :0] if "end2end" in name else rows[:, :, :0]
    for empty in (none, rows * 0):
        found = KINDS[name]({**outputs, "o": empty}, VIEW, 0.0)
        assert len(found) == 0
        assert found.boxes.shape == (0, 4)


@pytest.mark.parametrize("name", ["yolo_obb", "yolo_end2end_obb"])
def test_half_precision_oriented_boxes_are_decoded_in_full_precision(name: str) -> None:
    # Half precision holds 600.5 and 100.5, but 550.25 only as 550 or 550.5.
    box = [600.5, 600.5, 100.5, 20.5]
    row = [*box, 0.75, 0, 0] if "end2end" in name else [*box, 0.75, 0]
    output = np.array(row, np.float16).reshape(1, 1, -1)
    outputs = {"o": output if "end2end" in name else output.transpose(0, 2, 1)}
    found = KINDS[name](outputs, VIEW, 0.5)
    np.testing.assert_allclose(found.boxes, [[550.25, 590.25, 650.75, 610.75]], atol=1e-3)


@pytest.mark.parametrize("name", ["yolo_pose", "yolo_segment"])
def test_half_precision_boxes_are_decoded_in_full_precision(name: str) -> None:
    rest = [1.0] * EXTRAS[name.rsplit("_", 1)[1]]
    column = np.array([600.5, 600.5, 100.5, 20.5, 0.75, *rest], np.float16)
    outputs = {"o": column.reshape(1, -1, 1), "maps": np.ones(MAPS, np.float16)}
    found = KINDS[name](outputs, VIEW, 0.5)
    assert found.boxes.tolist() == [[550.25, 590.25, 650.75, 610.75]]


@every_kind
def test_a_missing_output_is_refused(name: str) -> None:
    with pytest.raises(BadModel) as caught:
        KINDS[name]({"a": np.zeros(1), "maps": np.ones(MAPS)}, VIEW, 0.25)
    assert (caught.value.where, caught.value.found) == ("output", "a, maps")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("yolo_segment", (1, 6, 40)),
        ("yolo_segment", (2, 9, 40)),
        ("yolo_segment", (9, 40)),
        ("yolo_pose", (1, 13, 40)),
        ("yolo_pose", (14, 40)),
        ("yolo_obb", (1, 5, 40)),
        ("yolo_obb", (2, 6, 40)),
        ("yolo_end2end_segment", (1, 300, 7)),
        ("yolo_end2end_segment", (1, 300, 9)),
        ("yolo_end2end_segment", (2, 300, 8)),
        ("yolo_end2end_pose", (1, 300, 14)),
        ("yolo_end2end_pose", (1, 300, 16)),
        ("yolo_end2end_pose", (300, 15)),
        ("yolo_end2end_obb", (1, 300, 6)),
        ("yolo_end2end_obb", (1, 300, 8)),
    ],
)
def test_outputs_of_another_shape_are_refused(name: str, shape: tuple[int, ...]) -> None:
    outputs = {"o": np.zeros(shape, np.float32), "maps": np.ones(MAPS, np.float32)}
    with pytest.raises(BadModel) as caught:
        KINDS[name](outputs, VIEW, 0.25)
    assert f"`{name}` decodes [1, " in caught.value.what
    assert f"got {list(shape)}" in caught.value.what
    assert caught.value.where == "output"


@pytest.mark.parametrize(
    ("decoder", "shapes", "metadata", "bound"),
    [
        (YoloSegment(), [(1, 39, 8400), (1, 32, 160, 160)], {}, YoloSegment("output0", "output1")),
        (YoloSegment(), [(1, 32, 160, 160), (1, 39, None)], {}, YoloSegment("output1", "output0")),
        (YoloSegment(), [(1, None, None), (1, None, 9, 9)], {}, YoloSegment("output0", "output1")),
        (
            YoloEnd2endSegment(),
            [(1, 300, 38), (1, 32, 160, 160)],
            {"task": "segment"},
            YoloEnd2endSegment("output0", "output1"),
        ),
        (
            YoloPose(),
            [(1, 58, 8400)],
            {"task": "pose", "kpt_shape": "[17, 3]"},
            YoloPose("output0", (17, 3)),
        ),
        (YoloPose(kpt_shape=(4, 2)), [(1, 15, 8400)], {}, YoloPose("output0", (4, 2))),
        # The manifest takes precedence over the metadata.
        (
            YoloPose(kpt_shape=(4, 2)),
            [(1, 15, 8400)],
            {"kpt_shape": "[17, 3]"},
            YoloPose("output0", (4, 2)),
        ),
        (
            YoloEnd2endPose(),
            [(1, 300, 57)],
            {"kpt_shape": "(17, 3)"},
            YoloEnd2endPose("output0", (17, 3)),
        ),
        (YoloEnd2endPose(kpt_shape=(5, 2)), [(1, 300, 16)], {}, YoloEnd2endPose("output0", (5, 2))),
        (
            YoloEnd2endPose(kpt_shape=(5, 2)),
            [(1, None, None)],
            {},
            YoloEnd2endPose("output0", (5, 2)),
        ),
        (YoloObb(), [(1, 8, 8400)], {"task": "obb"}, YoloObb("output0")),
        (YoloEnd2endObb(), [(1, 300, 7)], {"task": "obb"}, YoloEnd2endObb("output0")),
        (YoloEnd2endObb(), [(1, None, None)], {}, YoloEnd2endObb("output0")),
    ],
)
def test_bind_fills_in_names_and_keypoints(
    decoder: Decoder, shapes: list[Shape], metadata: dict[str, str], bound: Decoder
) -> None:
    assert decoder.bind(signature(*shapes, metadata=metadata), Classes(3, exact=True)) == bound


@pytest.mark.parametrize(
    ("decoder", "shapes", "classes", "words"),
    [
        (
            YoloSegment(),
            [(1, 116, 8400), (1, 32, 160, 160)],
            Classes(79, exact=True),
            ["80 classes", "79 labels", "116 channels = 4 for the box + 32 mask coefficients + 80"],
        ),
        (
            YoloPose(kpt_shape=(17, 3)),
            [(1, 56, 8400)],
            Classes(2, exact=True),
            ["1 classes", "2 labels", "56 channels = 4 for the box + 51 for keypoints + 1"],
        ),
        (
            YoloObb(),
            [(1, 20, 8400)],
            Classes(16, exact=True),
            ["15 classes", "16 labels", "20 channels = 4 for the box + 1 for the angle + 15"],
        ),
        (
            YoloObb(),
            [(1, 20, 8400)],
            Classes(16, exact=False),
            ["15 classes", "a label with id 15", "ids 0 to 14"],
        ),
    ],
)
def test_bind_counts_classes(
    decoder: Decoder, shapes: list[Shape], classes: Classes, words: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(*shapes), classes)
    assert [text for text in words if text not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("decoder", "shapes", "words"),
    [
        (YoloSegment(), [(1, 116, 8400)], ["0 outputs", "[1, 32, height, width]"]),
        (YoloSegment(), [(1, 32, 160, 160)], ["0 outputs"]),
        (YoloSegment(), [(1, 300, 38), (1, 32, 160, 160)], ["candidates in rows", "end2end"]),
        (YoloPose(kpt_shape=(17, 3)), [(1, 300, 57)], ["candidates in rows", "end2end"]),
        (YoloObb(), [(1, 300, 7)], ["candidates in rows", "end2end"]),
        (YoloEnd2endSegment(), [(1, 300, 39), (1, 32, 9, 9)], ["of 38 values", "[1, rows, 38]"]),
        (YoloEnd2endObb(), [(1, 300, 6)], ["of 7 values", "[1, rows, 7]"]),
        (YoloEnd2endObb(), [(1, 20, 8400)], ["of 7 values", "[1, 20, 8400]"]),
        (
            YoloEnd2endPose(kpt_shape=(17, 3)),
            [(1, 300, 38)],
            ["17 keypoints with 3", "32 values"],
        ),
    ],
)
def test_bind_refuses_other_layouts_with_numbers(
    decoder: Decoder, shapes: list[Shape], words: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(*shapes), ANY)
    assert [text for text in words if text not in str(caught.value)] == []


@pytest.mark.parametrize("values", [1, 4])
@pytest.mark.parametrize("kind", [YoloPose, YoloEnd2endPose])
def test_keypoints_have_2_or_3_values(kind: type[YoloPose | YoloEnd2endPose], values: int) -> None:
    # The output would have room for exactly these.
    shape = (1, 5 + 17 * values, 8400) if kind is YoloPose else (1, 300, 6 + 17 * values)
    with pytest.raises(BadModel) as caught:
        kind(kpt_shape=(17, values)).bind(signature(shape), ANY)
    assert (caught.value.where, caught.value.found) == ("kpt_shape", f"[17, {values}]")
    assert f"{values} values" in caught.value.what
    assert "None" not in str(caught.value)


@every_kind
@pytest.mark.parametrize("task", ["detect", "classify", "segment", "pose", "obb"])
def test_bind_refuses_a_model_of_another_task(name: str, task: str) -> None:
    own = name.rsplit("_", 1)[1]
    extra = {"segment": 2, "pose": 9, "obb": 1}[own]
    shape = (1, 300, 6 + extra) if "end2end" in name else (1, 7 + extra, 8400)
    shapes = [shape, (1, 2, 16, 16)] if own == "segment" else [shape]
    kinds: dict[str, Decoder] = {
        "segment": YoloEnd2endSegment() if "end2end" in name else YoloSegment(),
        "pose": (YoloEnd2endPose if "end2end" in name else YoloPose)(kpt_shape=(3, 3)),
        "obb": YoloEnd2endObb() if "end2end" in name else YoloObb(),
    }
    model = signature(*shapes, metadata={"task": task})
    if task == own:
        assert type(kinds[own].bind(model, Classes(3, exact=True))).name() == name
        return
    with pytest.raises(BadModel) as caught:
        kinds[own].bind(model, Classes(3, exact=True))
    assert f"`task: {task}`" in caught.value.what
    assert own in caught.value.allowed


HOSTILE = [
    "",
    "17",
    "[17]",
    "[17, 3, 2]",
    "[-17, 3]",
    "[17, -3]",
    "[0, 3]",
    "[17, 0]",
    "[17.0, 3]",
    "[17, three]",
    "[17, None]",
    "[True, 3]",
    "None",
    "{17: 3}",
    "\u00b2, 3",
    "[17, \u00b3]",
    "[" + "9" * 5000 + ", 3]",
    "[" + "9" * 50 + ", 3]",
    "__import__('os').system('true')",
    "[17; 3]",
    "\x00",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text)[:24])
@pytest.mark.parametrize("kind", [YoloPose, YoloEnd2endPose])
def test_invalid_metadata_of_keypoints_are_refused(
    kind: type[YoloPose | YoloEnd2endPose], text: str
) -> None:
    shape = (1, 57, 8400) if kind is YoloPose else (1, 300, 57)
    model = signature(shape, metadata={"kpt_shape": text})
    with pytest.raises(BadModel) as caught:
        kind().bind(model, Classes(1, exact=False))
    assert caught.value.where in ("kpt_shape", "")


@pytest.mark.parametrize("text", ["[[17, 3]]]]", "[17, 3", "[17, 3, x]", "17, 3", "(17,3)"])
def test_other_spellings_of_17_keypoints_are_read_correctly_or_refused(text: str) -> None:
    model = signature((1, 56, 8400), metadata={"kpt_shape": text})
    found: tuple[int, int] | None = None
    with contextlib.suppress(BadModel):
        found = YoloPose().bind(model, ANY).kpt_shape
    assert found in (None, (17, 3))


def test_without_metadata_the_message_shows_what_to_write() -> None:
    with pytest.raises(BadModel) as caught:
        YoloPose().bind(signature((1, 56, 8400)), ANY)
    assert caught.value.where == "kpt_shape"
    assert "`kpt_shape: [17, 3]`" in caught.value.hint
