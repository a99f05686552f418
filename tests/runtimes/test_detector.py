import io
import json
from base64 import b64encode, encodebytes
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.clock import Clock
from runtimes.decoders.yolo import Yolo
from runtimes.decoders.yolo_end2end import YoloEnd2end
from runtimes.detector import Detector, OpenDetector
from runtimes.errors import BadImage, BadModel, BadRequest, Fault
from runtimes.instances import Instances
from runtimes.network import Network
from runtimes.preprocess.resize import Letterbox
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.refine.group import Group
from runtimes.refine.suppress import MinSize, Nms, TopK
from runtimes.shapes.rectangle import Ellipse, Rectangle
from runtimes.shapes.tag import Tag
from runtimes.step import Attribute, Decoder, Refine, Shape
from runtimes.view import View
from tests.runtimes import graphs

BACKENDS: list[Backend] = [OpenVino(), OnnxRuntime(device="cpu")]
both_backends = pytest.mark.parametrize("backend", BACKENDS)

NETWORK = Network(
    "model.onnx", "images", (Letterbox((64, 64)), Channels("rgb"), Normalize(), Layout("nchw"))
)
LABELS = {0: "cat", 2: "dog"}
WIDTH, HEIGHT = 128, 64
"""The letterbox resizes such an image to 64 x 32 and places it 16 pixels below the top."""


def text_of(width: int = WIDTH, height: int = HEIGHT) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (10, 20, 30)).save(buffer, "PNG")
    return b64encode(buffer.getvalue()).decode()


def described(
    *steps: Decoder | Refine | Attribute | Shape,
    threshold: float = 0.25,
    network: Network = NETWORK,
) -> Detector:
    """A detector with the given steps; by default one that draws rectangles."""
    decoders = [it for it in steps if isinstance(it, Decoder)]
    return Detector(
        LABELS,
        threshold,
        network,
        decoders[0] if decoders else YoloEnd2end(output="output0"),
        tuple(it for it in steps if isinstance(it, Refine | Attribute)),
        tuple(it for it in steps if isinstance(it, Shape)) or (Rectangle(),),
    )


def start(
    backend: Backend,
    folder: Path,
    rows: list[list[float]],
    *steps: Decoder | Refine | Attribute | Shape,
    threshold: float = 0.25,
) -> OpenDetector:
    """A detector whose model finds `rows`, x1 y1 x2 y2 score class, in every image."""
    output: Array = np.array(rows, np.float32).reshape(1, -1, 6)
    graphs.constant(folder / "model.onnx", output)
    return described(*steps, threshold=threshold).start(backend, folder)


def ask(detector: OpenDetector, **request: Any) -> list[dict[str, Any]]:
    return detector({"image": text_of(), **request}, Clock())


@both_backends
def test_items_are_in_pixels_of_the_image_and_highest_score_first(
    backend: Backend, tmp_path: Path
) -> None:
    detector = start(
        backend,
        tmp_path,
        [
            [10, 20, 30, 40, 0.5, 0],
            [0, 16, 64, 48, 0.875, 2],
            [1, 17, 2, 18, 0.75, 0],
        ],
    )
    # x is doubled; of y, 16 is taken off first.
    assert ask(detector) == [
        {"label": "dog", "type": "rectangle", "points": [0, 0, 128, 64], "confidence": 0.875},
        {"label": "cat", "type": "rectangle", "points": [2, 2, 4, 4], "confidence": 0.75},
        {"label": "cat", "type": "rectangle", "points": [20, 8, 60, 48], "confidence": 0.5},
    ]


def jpeg_of(width: int, height: int, orientation: int = 1) -> str:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (10, 20, 30)).save(buffer, "JPEG", exif=exif)
    return b64encode(buffer.getvalue()).decode()


@both_backends
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_items_of_a_reduced_image_are_in_pixels_of_the_whole_image(
    backend: Backend, tmp_path: Path, orientation: int
) -> None:
    graphs.constant(tmp_path / "model.onnx", np.array([[[0, 16, 64, 48, 0.5, 0]]], np.float32))
    stored = (510, 1020) if orientation > 4 else (1020, 510)
    for detector in (
        described().start(backend, tmp_path),
        replace(described(), decode="reduced").start(backend, tmp_path),
    ):
        (box,) = detector({"image": jpeg_of(*stored, orientation)}, Clock())
        # The box covers the letterboxed image, whose sides are not multiples of 8.
        assert box["points"] == pytest.approx([0, 0, 1020, 510], abs=0.01)


@both_backends
def test_items_are_plain_json(backend: Backend, tmp_path: Path) -> None:
    (item,) = ask(start(backend, tmp_path, [[10.1, 20.2, 30.3, 40.4, 0.123456789, 0]]), threshold=0)
    assert json.loads(json.dumps(item)) == item
    assert type(item["label"]) is str
    assert type(item["confidence"]) is float
    assert {type(number) for number in item["points"]} == {float}
    assert item["points"] == pytest.approx([20.2, 8.4, 60.6, 48.8], abs=1e-3)
    assert item["confidence"] == 0.12346


@both_backends
def test_classes_without_a_label_are_dropped(backend: Backend, tmp_path: Path) -> None:
    rows = [[10, 20, 30, 40, 0.9 - 0.1 * number, number] for number in (-1, 0, 1, 2, 3)]
    assert [item["label"] for item in ask(start(backend, tmp_path, rows))] == ["cat", "dog"]


@both_backends
def test_classes_without_a_label_suppress_nothing(backend: Backend, tmp_path: Path) -> None:
    rows: list[list[float]] = [[10, 20, 30, 40, 0.9, 1], [10, 20, 30, 40, 0.5, 0]]
    steps = (YoloEnd2end(output="output0"), Nms(per_class=False), TopK(1), Rectangle())
    assert [item["label"] for item in ask(start(backend, tmp_path, rows, *steps))] == ["cat"]


@both_backends
def test_boxes_are_clipped_to_the_image_and_empty_ones_dropped(
    backend: Backend, tmp_path: Path
) -> None:
    detector = start(
        backend,
        tmp_path,
        [
            [-10, 20, 30, 80, 0.9, 0],  # reaches out on the left and below
            [0, 0, 64, 16, 0.8, 0],  # lies in the upper padding
            [10, 48, 30, 64, 0.7, 0],  # lies in the lower padding
            [70, 20, 90, 40, 0.6, 0],  # lies right of the image
            [30, 20, 10, 40, 0.5, 0],  # right is left of left
            [50, 40, 100, 44, 0.4, 2],  # reaches out on the right
        ],
    )
    assert [item["points"] for item in ask(detector)] == [[0, 8, 60, 64], [100, 48, 128, 56]]


@both_backends
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_dropped(backend: Backend, tmp_path: Path, bad: float) -> None:
    rows = [[10, 20, 30, 40, 0.9 - 0.1 * n, 0] for n in range(6)]
    for column in range(5):
        rows[column][column] = bad
    items = ask(start(backend, tmp_path, rows))
    assert [item["confidence"] for item in items] == [pytest.approx(0.4)]


@both_backends
def test_no_detections_give_an_empty_list(backend: Backend, tmp_path: Path) -> None:
    assert ask(start(backend, tmp_path, [[0, 0, 0, 0, 0, 0]])) == []


@both_backends
def test_the_requests_threshold_overrides_the_default(backend: Backend, tmp_path: Path) -> None:
    rows = [[10, 20, 30, 40, score, 0] for score in (0.125, 0.25, 0.5, 0.75)]
    detector = start(backend, tmp_path, rows, threshold=0.25)
    found = {
        asked: [item["confidence"] for item in ask(detector, threshold=asked)]
        for asked in (None, 0, 0.2, 0.5, 0.7, 1)
    }
    assert found == {
        None: [0.75, 0.5],
        0: [0.75, 0.5, 0.25, 0.125],
        0.2: [0.75, 0.5, 0.25],
        0.5: [0.75],
        0.7: [0.75],
        1: [],
    }
    assert [item["confidence"] for item in ask(detector)] == [0.75, 0.5]


@both_backends
def test_all_refinements_are_applied_in_order(backend: Backend, tmp_path: Path) -> None:
    # Center x, center y, width, height, scores of classes 0, 1, 2; one candidate in each column.
    candidates = [
        [20, 32, 20, 16, 0.9, 0, 0],
        [21, 32, 20, 16, 0.8, 0, 0],  # hidden by the first
        [20, 32, 20, 16, 0, 0, 0.7],  # of another class
        [50, 32, 1, 16, 0.6, 0, 0],  # two pixels wide in the image
        [50, 32, 4, 4, 0.5, 0, 0],
        [50, 22, 4, 4, 0.4, 0, 0],  # one more than three
    ]
    graphs.constant(tmp_path / "model.onnx", np.array(candidates).T[None])
    steps = (Yolo(output="output0"), Nms(iou=0.5), MinSize(4.0), TopK(3), Rectangle())
    items = ask(described(*steps).start(backend, tmp_path))
    assert [(item["label"], item["points"]) for item in items] == [
        ("cat", [20, 16, 60, 48]),
        ("dog", [20, 16, 60, 48]),
        ("cat", [96, 28, 104, 36]),
    ]


def test_the_shapes_of_an_instance_are_adjacent(tmp_path: Path) -> None:
    rows: list[list[float]] = [[10, 20, 30, 40, 0.9, 0], [0, 16, 64, 48, 0.8, 2]]
    steps = (YoloEnd2end(output="output0"), Rectangle(), Rectangle())
    items = ask(start(BACKENDS[1], tmp_path, rows, *steps))
    assert [item["label"] for item in items] == ["cat", "cat", "dog", "dog"]


@both_backends
@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: "data:image/png;base64," + text,
        lambda text: "\n".join(text[n : n + 76] for n in range(0, len(text), 76)),
    ],
    ids=["plain", "data url", "lines"],
)
def test_all_forms_of_base64_give_the_same_result(
    backend: Backend, tmp_path: Path, wrap: Any
) -> None:
    detector = start(backend, tmp_path, [[10, 20, 30, 40, 0.9, 0]])
    (item,) = detector({"image": wrap(text_of())}, Clock())
    assert item["points"] == [20, 8, 60, 48]


@pytest.mark.parametrize(
    ("width", "height", "points"),
    [
        (64, 64, [0, 0, 32, 32]),
        (32, 32, [0, 0, 16, 16]),
        # 64 x 128 becomes 32 x 64 from x = 16 on, of which 16..32 is the left half.
        (64, 128, [0, 0, 32, 64]),
        # 128 x 64 becomes 64 x 32 from y = 16 on, of which 16..32 is the upper half.
        (128, 64, [0, 0, 64, 32]),
    ],
)
def test_one_detector_answers_images_of_any_size(
    tmp_path: Path, width: int, height: int, points: list[float]
) -> None:
    detector = start(BACKENDS[1], tmp_path, [[0, 0, 32, 32, 0.9, 0]])
    (item,) = detector({"image": text_of(width, height)}, Clock())
    assert item["points"] == points


@pytest.mark.parametrize(
    "value",
    ["0.5", "", True, False, [], [0.5], {}, float("nan"), float("inf"), 1.5, -0.1, 2, -1],
)
def test_thresholds_outside_0_and_1_are_refused(tmp_path: Path, value: object) -> None:
    detector = start(BACKENDS[1], tmp_path, [[10, 20, 30, 40, 0.9, 0]])
    with pytest.raises(BadRequest) as caught:
        ask(detector, threshold=value)
    error = caught.value
    assert error.what == "must be a number from 0 to 1"
    assert (error.where, error.found) == ("threshold", repr(value))


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"image": None},
        {"image": ""},
        {"image": 5},
        {"image": ["aGVsbG8="]},
        {"image": "not base64!"},
        {"image": b64encode(b"hello").decode()},
        {"image": "data:image/png;base64,"},
        {"image": encodebytes(b"x" * 300).decode()},
    ],
)
def test_requests_without_a_usable_image_are_refused(
    tmp_path: Path, request_: dict[str, Any]
) -> None:
    detector = start(BACKENDS[1], tmp_path, [[10, 20, 30, 40, 0.9, 0]])
    with pytest.raises(BadRequest) as caught:
        detector(request_, Clock())
    assert caught.value.where == "image"


@both_backends
def test_the_stages_of_a_request_are_timed_in_order(backend: Backend, tmp_path: Path) -> None:
    detector = start(backend, tmp_path, [[10, 20, 30, 40, 0.9, 0]])
    clock = Clock()
    detector({"image": text_of()}, clock)
    stages = ["image decode", "preprocess", "inference", "decode", "refine", "shapes"]
    assert list(clock.stages) == stages


@both_backends
def test_a_start_is_described_for_the_log(backend: Backend, tmp_path: Path) -> None:
    detector = start(backend, tmp_path, [[10, 20, 30, 40, 0.9, 0]], threshold=0.35)
    assert "images [1, 3, 64, 64] float32" in detector.describe()
    assert "2 labels; threshold 0.35" in detector.describe()
    assert " on CPU" in detector.session.device
    assert detector.session.warning == ""


@both_backends
def test_an_output_that_does_not_fit_fails_the_start(backend: Backend, tmp_path: Path) -> None:
    with pytest.raises(BadModel) as caught:
        start(backend, tmp_path, [[0] * 6], Yolo(output="boxes"), Rectangle())
    assert "'boxes'" in caught.value.what
    assert caught.value.found == "output0"


@both_backends
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_models_with_other_input_types_work(backend: Backend, tmp_path: Path, dtype: str) -> None:
    output = np.array([[[10, 20, 30, 40, 0.5, 0]]])
    shape = (1, "height", "width", 3)
    graphs.constant(tmp_path / "model.onnx", output, shape=shape, dtype=dtype)
    steps = (Letterbox((64, 64)), Channels("rgb"), Layout("nhwc"))
    network = Network("model.onnx", "images", steps)
    detector = described(network=network).start(backend, tmp_path)
    (item,) = ask(detector)
    assert item["points"] == [20, 8, 60, 48]


@both_backends
def test_instances_that_belong_together_share_a_group(backend: Backend, tmp_path: Path) -> None:
    rows = [
        [2, 20, 20, 44, 0.9, 0],  # alone
        [30, 20, 60, 44, 0.8, 0],
        [40, 24, 46, 30, 0.7, 2],  # in the one before
    ]
    steps = (YoloEnd2end(output="output0"), Group(), Rectangle())
    items = ask(start(backend, tmp_path, rows, *steps))
    assert [(item["label"], item.get("group_id")) for item in items] == [
        ("cat", None),
        ("cat", 2),
        ("dog", 2),
    ]


@both_backends
def test_a_tag_is_not_grouped(backend: Backend, tmp_path: Path) -> None:
    rows: list[list[float]] = [[2, 20, 20, 44, 0.9, 0]]
    decode = YoloEnd2end(output="output0")
    items = ask(start(backend, tmp_path, rows, decode, Rectangle(), Tag()))
    assert [(item["type"], item.get("group_id")) for item in items] == [
        ("rectangle", None),
        ("tag", None),
    ]
    items = ask(start(backend, tmp_path, rows, decode, Rectangle(), Ellipse(), Tag()))
    assert [item.get("group_id") for item in items] == [1, 1, None]


@dataclass(frozen=True, slots=True)
class Counted(Attribute):
    """Sets the number of instances as an attribute."""

    attribute: str

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        count = len(instances)
        return instances.with_attribute(self.attribute, np.full(count, str(count), object))


@both_backends
def test_refinements_and_attributes_run_in_the_given_order(
    backend: Backend, tmp_path: Path
) -> None:
    rows: list[list[float]] = [[10, 20, 30, 40, 0.5 + number / 8, 0] for number in range(3)]
    steps = (Counted("all"), TopK(2), Counted("two"), TopK(1), Counted("one"))
    (item,) = ask(start(backend, tmp_path, rows, *steps))
    assert item["attributes"] == [
        {"name": "all", "value": "3"},
        {"name": "two", "value": "2"},
        {"name": "one", "value": "1"},
    ]


@both_backends
def test_classes_of_one_label_are_one_class_to_nms(backend: Backend, tmp_path: Path) -> None:
    rows: list[list[float]] = [
        [10, 20, 30, 40, 0.9, 5],
        [10, 20, 30, 40, 0.8, 2],
        [10, 20, 30, 40, 0.7, 0],
        [40, 20, 50, 40, 0.6, 2],
    ]
    graphs.constant(tmp_path / "model.onnx", np.array(rows, np.float32).reshape(1, -1, 6))
    steps = (YoloEnd2end(output="output0"), Nms(0.5), Rectangle())
    merged = replace(described(*steps), labels={0: "cat", 2: "pet", 5: "pet"})
    items = ask(merged.start(backend, tmp_path))
    assert [(it["label"], it["confidence"]) for it in items] == [
        ("pet", 0.9),
        ("cat", 0.7),
        ("pet", 0.6),
    ]


@dataclass(frozen=True, slots=True)
class EveryClass(Decoder):
    """Give each candidate once for each of its classes."""

    def bind(self, signature: Any, classes: Any) -> "EveryClass":
        return self

    def __call__(self, outputs: Mapping[str, Array], view: Any, threshold: float) -> Instances:
        rows = outputs["output0"][0]
        return Instances.of(rows[:, :4], rows[:, 4], rows[:, 5], rows=np.array([0, 0, 1, 0]))


@both_backends
def test_a_candidate_of_several_merged_classes_is_found_once(
    backend: Backend, tmp_path: Path
) -> None:
    rows: list[list[float]] = [
        [10, 20, 30, 40, 0.5, 2],
        [10, 20, 30, 40, 0.8, 5],
        [11, 20, 30, 40, 0.7, 2],
        [10, 20, 30, 40, 0.6, 0],
    ]
    graphs.constant(tmp_path / "model.onnx", np.array(rows, np.float32).reshape(1, -1, 6))
    merged = replace(described(EveryClass(), Rectangle()), labels={0: "cat", 2: "pet", 5: "pet"})
    items = ask(merged.start(backend, tmp_path))
    assert [(it["label"], it["confidence"]) for it in items] == [
        ("pet", 0.8),
        ("pet", 0.7),
        ("cat", 0.6),
    ]


def black() -> Array:
    return np.zeros((HEIGHT, WIDTH, 3), np.uint8)


@both_backends
def test_an_examination_drops_and_clips_nothing(backend: Backend, tmp_path: Path) -> None:
    rows: list[list[float]] = [
        [10, 20, 30, 40, 0.5, 0],
        [-90, 20, 300, 40, 0.125, 7],
        [0, 0, 0, 0, -2, 1],
        [0, 0, 0, 0, 0, 0],
    ]
    detector = start(backend, tmp_path, rows)
    examined = detector.examine(black())
    assert examined["image"].tolist() == [HEIGHT, WIDTH]
    assert examined["input"].tolist() == [64, 64]
    # In pixels of the input.
    assert examined["boxes"].tolist() == [row[:4] for row in rows]
    assert examined["scores"].tolist() == [0.5, 0.125, -2, 0]
    assert examined["classes"].tolist() == [0, 7, 1, 0]
    assert examined["nan output0"].tolist() == [0, 24]
    # The reply has what CVAT would get at threshold 0: only rows with a label.
    (item,) = json.loads(examined["reply"].tobytes())
    assert (item["label"], item["points"]) == ("cat", [20, 8, 60, 48])


@both_backends
def test_an_examination_counts_nan(backend: Backend, tmp_path: Path) -> None:
    nan = float("nan")
    detector = start(backend, tmp_path, [[10, 20, 30, 40, 0.5, 0], [nan, 20, 30, nan, 0.5, 0]])
    assert detector.examine(black())["nan output0"].tolist() == [2, 12]


@both_backends
def test_an_examination_draws_few_instances(backend: Backend, tmp_path: Path) -> None:
    rows: list[list[float]] = [[10, 20, 30, 40, 0.5, 0]] * 200
    examined = start(backend, tmp_path, rows).examine(black())
    assert len(examined["boxes"]) == 200
    assert len(json.loads(examined["reply"].tobytes())) == 20


@both_backends
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([10, 20, 30, 40, 2, 0.91], "the class IDs are not whole numbers"),
        ([10, 20, 30, 40, 2, 0], "scores that are not confidences"),
        ([10, 20, 30, 40, 1.5, 7], "scores that are not confidences"),
    ],
)
def test_values_that_are_no_detection_are_refused(
    backend: Backend, tmp_path: Path, row: list[float], words: str
) -> None:
    with pytest.raises(BadModel, match=words):
        start(backend, tmp_path, [row])


@both_backends
def test_a_score_that_rounding_lifts_above_one_is_one(backend: Backend, tmp_path: Path) -> None:
    (item,) = ask(start(backend, tmp_path, [[10, 20, 30, 40, 1.0005, 0]]))
    assert item["confidence"] == 1


BAD_FILES = {
    "": "is empty",
    b64encode(b"no image").decode(): "is not an image",
    text_of()[: len(text_of()) // 8 * 4]: "is truncated",
}
"""Base64 of files that cannot be decoded -> the reason."""


@both_backends
def test_a_bad_image_is_refused_by_default(backend: Backend, tmp_path: Path) -> None:
    detector = start(backend, tmp_path, [[10, 20, 30, 40, 0.5, 0]])
    for text, reason in BAD_FILES.items():
        with pytest.raises(BadImage, match=reason):
            ask(detector, image=text)


@both_backends
def test_a_bad_image_can_get_an_empty_reply_which_is_counted(
    backend: Backend, tmp_path: Path
) -> None:
    start(backend, tmp_path, [[10, 20, 30, 40, 0.5, 0]])
    detector = replace(described(), on_bad_image="empty").start(backend, tmp_path)
    for number, (text, reason) in enumerate(BAD_FILES.items(), 1):
        clock = Clock()
        assert detector({"image": text}, clock) == []
        (warning,) = clock.warnings
        assert f"({number} since this worker started)" in warning
        assert reason in warning
    clock = Clock()
    assert len(detector({"image": text_of()}, clock)) == 1
    assert clock.warnings == []


@pytest.mark.parametrize(
    "request_", [{}, {"image": 7}, {"image": "?"}, {"image": text_of(), "threshold": 2}]
)
def test_an_invalid_request_is_refused_with_any_setting(
    tmp_path: Path, request_: dict[str, Any]
) -> None:
    start(BACKENDS[1], tmp_path, [[10, 20, 30, 40, 0.5, 0]])
    detector = replace(described(), on_bad_image="empty").start(BACKENDS[1], tmp_path)
    with pytest.raises(BadRequest):
        detector(request_, Clock())


@dataclass(frozen=True, slots=True)
class Unsure(Decoder):
    """Give scores above 1 for large images only."""

    def bind(self, signature: Any, classes: Any) -> "Unsure":
        return self

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        rows = outputs["output0"][0]
        return Instances.of(rows[:, :4], rows[:, 4] * view.image[1] / 1000, rows[:, 5])


@both_backends
def test_a_score_above_one_in_a_request_is_an_error_and_no_item(
    backend: Backend, tmp_path: Path
) -> None:
    rows: list[list[float]] = [[10, 20, 30, 40, 0.5, 0], [10, 20, 30, 40, 0.5, 7]]
    detector = start(backend, tmp_path, rows, Unsure())
    assert [it["confidence"] for it in ask(detector, image=text_of(1500))] == [0.75]
    with pytest.raises(
        BadModel, match="`unsure` decodes scores that are not confidences"
    ) as caught:
        ask(detector, image=text_of(5000))
    assert (caught.value.found, caught.value.fault) == ("a score of 2.5", Fault.SCORE_RANGE)
