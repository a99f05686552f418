from typing import Any

import cv2
import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.yolo_objectness_tasks import YoloObjectnessPose, YoloObjectnessSegment
from runtimes.errors import BadModel
from runtimes.step import Decoder
from tests.grids import grid
from tests.runtimes.decoders.candidates import ANY, VIEW, candidates, looped, rows_of, signature

SEGMENT = YoloObjectnessSegment("output0", "output1")
MAPS = np.random.default_rng(3).normal(size=(1, 4, 160, 160)).astype(np.float32)
SEEDS = ("seed", range(4))
THRESHOLDS = ("threshold", [0.0, 0.25, 0.5, 0.875])


@grid(SEEDS, ("classes", [1, 3]), THRESHOLDS)
def test_boxes_with_coefficients_match_a_loop(seed: int, classes: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores, sure = candidates(rng, 40, classes)
    more = rng.normal(size=(40, 4)).astype(np.float32)
    outputs = {"output0": np.hstack([boxes, sure[:, None], scores, more])[None], "output1": MAPS}
    found = SEGMENT(outputs, VIEW, threshold)
    assert sorted(rows_of(found)) == sorted(looped(boxes, scores, sure, threshold))


def test_a_mask_is_the_sigmoid_of_the_weighted_prototypes_in_the_box() -> None:
    # YOLOv5's process_mask_native: the product, upsampled by cv2, cropped to the box, above 0.5.
    weights = np.array([0.5, -1, 2, 0.25], np.float32)
    row = np.array([320, 256, 200, 120, 0.9, 0.1, 0.8, *weights], np.float32)
    found = SEGMENT({"output0": row[None, None], "output1": MAPS}, VIEW, 0.25)
    logits = sum(weight * plane for weight, plane in zip(weights, MAPS[0], strict=True))
    large = cv2.resize(np.asarray(logits), (640, 640), interpolation=cv2.INTER_LINEAR)
    expected = 1 / (1 + np.exp(-large[196:316, 220:420])) > 0.5
    assert found.masks is not None
    crop = found.masks.crop(0, found.boxes[0], (640, 640))
    assert crop is not None
    mask = np.zeros((640, 640), bool)
    height, width = crop.bitmap.shape
    mask[crop.top : crop.top + height, crop.left : crop.left + width] = crop.bitmap
    assert not np.delete(mask, np.s_[196:316], axis=0).any()
    assert (mask[196:316, 220:420] == expected).mean() > 0.999


def posed(form: str, boxes: Array, scores: Array, sure: Array, points: Array) -> Array:
    """(1, N, C): rows of YOLOv7-pose or YOLOv5-face."""
    middle = [scores, points] if form == "v7" else [points, scores]
    return np.hstack([boxes, sure[:, None], *middle])[None]


@grid(SEEDS, ("form", ["v7", "v5_face"]), ("shape", [(5, 2), (17, 3)]), THRESHOLDS)
def test_boxes_with_keypoints_match_a_loop(
    seed: int, form: Any, shape: tuple[int, int], threshold: float
) -> None:
    rng = np.random.default_rng(seed)
    boxes, scores, sure = candidates(rng, 40, 2)
    points = rng.integers(0, 640, (40, shape[0] * shape[1])).astype(np.float32)
    decoder = YoloObjectnessPose("output0", shape, form)
    found = decoder({"output0": posed(form, boxes, scores, sure, points)}, VIEW, threshold)
    assert sorted(rows_of(found)) == sorted(looped(boxes, scores, sure, threshold))
    # The candidates keep their order, so those that remain can be counted off.
    kept = [n for n in range(40) if looped(boxes[[n]], scores[[n]], sure[[n]], threshold)]
    assert found.keypoints is not None
    for keypoints, number in zip(found.keypoints.tolist(), kept, strict=True):
        for place, (x, y, confidence) in enumerate(keypoints):
            values = points[number, place * shape[1] :].tolist()
            assert (x, y) == (values[0], values[1])
            assert confidence == (values[2] if shape[1] == 3 else 1)


def test_yolov5_face_by_hand() -> None:
    # utils/general.py of yolov5-face: 0:4 box, 4 objectness, 5:15 landmarks, 15 the class.
    row = [100, 50, 40, 20, 0.5, *range(90, 100), 0.75]
    decoder = YoloObjectnessPose("output0", (5, 2), "v5_face")
    found = decoder({"output0": np.array([[row]], np.float32)}, VIEW, 0.25)
    assert rows_of(found) == [((80, 40, 120, 60), 0.375, 0)]
    assert found.keypoints is not None
    assert found.keypoints[0].tolist() == [[90 + 2 * n, 91 + 2 * n, 1] for n in range(5)]


@pytest.mark.parametrize("form", ["v7", "v5_face"])
def test_without_a_class_the_score_is_the_objectness(form: Any) -> None:
    row = [100, 50, 40, 20, 0.5, 90, 45, 110, 55]
    decoder = YoloObjectnessPose(kpt_shape=(2, 2), form=form)
    bound = decoder.bind(signature((1, 25200, 9)), Classes(1, exact=True))
    found = bound({"output0": np.array([[row]], np.float32)}, VIEW, 0.25)
    assert rows_of(found) == [((80, 40, 120, 60), 0.5, 0)]
    assert found.keypoints is not None
    assert found.keypoints[0].tolist() == [[90, 45, 1], [110, 55, 1]]
    with pytest.raises(BadModel, match="1 classes, the manifest 2 labels"):
        decoder.bind(signature((1, 25200, 9)), Classes(2, exact=True))


@pytest.mark.parametrize(
    ("decoder", "shapes", "metadata", "bound"),
    [
        (YoloObjectnessSegment(), [(1, 25200, 40), (1, 32, 160, 160)], {}, SEGMENT),
        (YoloObjectnessSegment(), [(1, None, None), (1, None, 9, 9)], {}, SEGMENT),
        (
            YoloObjectnessPose(),
            [(1, 25200, 59)],
            {"kpt_shape": "[17, 3]"},
            YoloObjectnessPose("output0", (17, 3)),
        ),
        (
            YoloObjectnessPose(kpt_shape=(5, 2), form="v5_face"),
            [(1, 25200, 18)],
            {},
            YoloObjectnessPose("output0", (5, 2), "v5_face"),
        ),
    ],
)
def test_bind_fills_in_names_and_keypoints(
    decoder: Decoder,
    shapes: list[tuple[int | None, ...]],
    metadata: dict[str, str],
    bound: Decoder,
) -> None:
    assert decoder.bind(signature(*shapes, metadata=metadata), Classes(3, exact=True)) == bound


@pytest.mark.parametrize(
    ("decoder", "shapes", "words"),
    [
        (
            YoloObjectnessSegment(),
            [(1, 25200, 117), (1, 32, 160, 160)],
            ["80 classes", "3 labels", "+ 32 mask coefficients + 80"],
        ),
        (YoloObjectnessSegment(), [(1, 40, 25200), (1, 32, 160, 160)], ["in columns", "+ 32]"]),
        (YoloObjectnessSegment(), [(1, 25200, 8), (1, 4, 160, 160)], ["5 + classes + 4]"]),
        (YoloObjectnessSegment(), [(1, 25200, 40)], ["0 outputs"]),
        (YoloObjectnessPose(kpt_shape=(17, 3)), [(1, 25200, 57)], ["1 classes", "51 for keypo"]),
        (YoloObjectnessPose(kpt_shape=(5, 4)), [(1, 25200, 26)], ["5 keypoints with 4 values"]),
        (YoloObjectnessPose(), [(1, 25200, 57)], ["`kpt_shape: [17, 3]`"]),
    ],
)
def test_bind_refuses_other_layouts_with_numbers(
    decoder: Decoder, shapes: list[tuple[int | None, ...]], words: list[str]
) -> None:
    with pytest.raises(BadModel) as caught:
        decoder.bind(signature(*shapes), Classes(3, exact=True))
    error = caught.value
    text = f"{error} {error.allowed} {error.hint}"
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("shape", [(1, 40, 9), (2, 40, 10), (40, 10)])
def test_outputs_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    outputs = {"output0": np.zeros(shape, np.float32), "output1": MAPS}
    with pytest.raises(BadModel, match=r"decodes \[1, candidates, 5 \+ classes \+ 4\], got"):
        SEGMENT(outputs, VIEW, 0.25)


def test_models_of_another_task_are_refused() -> None:
    model = signature((1, 25200, 57), metadata={"task": "detect"})
    with pytest.raises(BadModel, match="task: detect"):
        YoloObjectnessPose(kpt_shape=(17, 3)).bind(model, ANY)


@pytest.mark.parametrize(("channels", "extra"), [(None, 32), (16, 16)])
def test_a_missing_output_is_described_with_its_coefficients(
    channels: int | None, extra: int
) -> None:
    outputs = signature((1, 9), (1, channels, 160, 160))
    with pytest.raises(BadModel) as caught:
        YoloObjectnessSegment().bind(outputs, ANY)
    assert f"[1, candidates, 5 + classes + {extra}]" in str(caught.value)
