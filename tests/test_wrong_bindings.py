"""Decoders that do not match the model: the build refuses each, or the table says why it cannot.

A row is the output of a model of one family, and a manifest that reads it in another way. Every
model has the same six objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from builder.datasets.drawn import pictures
from builder.diagnostics.errors import ManifestError
from builder.families.init import draft_manifest, write_manifest
from builder.lint.examine import plan
from builder.plan.plan import Plan
from builder.run.smoke import smoke_test
from builder.run.trial.defects import detector_defect
from builder.run.trial.model_info import class_count
from builder.targets.build import build
from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from runtimes.errors import BadModel
from runtimes.image import pixels
from tests import zoo
from tests.builder.conftest import detector_of, failure, write_manifest_to
from tests.zoo.net import image

BACKENDS: list[Backend] = [OpenVino(), OnnxRuntime("cpu")]
NAMES = ["cat", "dog", "bird"]

CORNERS = np.array(
    [
        (16, 8, 48, 24),
        (4, 30, 20, 60),
        (30, 30, 60, 62),
        (2, 2, 14, 12),
        (40, 4, 62, 20),
        (10, 40, 50, 60),
    ],
    float,
)
"""x1 y1 x2 y2 in pixels of an input of 64 x 64."""
CENTERS = np.hstack([(CORNERS[:, :2] + CORNERS[:, 2:]) / 2, CORNERS[:, 2:] - CORNERS[:, :2]])
SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.55, 0.5])
CLASSES = np.array([0, 1, 2, 2, 1, 0])
LOGITS = np.array([2.5, 1.5, 3.0, 0.5, -0.5, -2.0])


def one_hot(scores: Array = SCORES, rest: float = 0.0, count: int = 3) -> Array:
    """A score for each of `count` classes, (6, count)."""
    values = np.full((6, count), rest)
    values[np.arange(6), CLASSES] = scores
    return values


def padded(table: Array, rows: int = 84) -> Array:
    """(1, rows, columns): a table, and rows of zeros."""
    whole = np.zeros((1, rows, table.shape[1]), np.float32)
    whole[0, : len(table)] = table
    return whole


def raw(boxes: Array = CENTERS, scores: Array | None = None) -> Array:
    """YOLOv8: [1, 4 + classes, candidates]."""
    table = np.hstack([boxes, one_hot() if scores is None else scores])
    return padded(table).transpose(0, 2, 1)


def objectness(boxes: Array = CENTERS, scores: Array = SCORES) -> Array:
    """YOLOv5: [1, candidates, 5 + classes]."""
    return padded(np.hstack([boxes, scores[:, None], one_hot(np.ones(6))]))


def final(
    boxes: Array = CORNERS, scores: Array = SCORES, classes: Array = CLASSES, rows: int = 20
) -> Array:
    """YOLOv10: [1, rows, 6]."""
    return padded(np.column_stack([boxes, scores, classes]), rows)


def seven(boxes: Array = CORNERS / 64, scores: Array = SCORES, classes: Array = CLASSES) -> Array:
    """SSD: [1, 1, rows, 7]."""
    return np.column_stack([np.zeros(6), classes, scores, boxes])[None, None]


def queries(boxes: Array = CENTERS / 64, logits: Array | None = None) -> dict[str, Array]:
    """RT-DETR: logits [1, queries, classes] and boxes [1, queries, 4]."""
    given = one_hot(LOGITS, -6) if logits is None else logits
    return {"logits": given[None], "boxes": boxes[None]}


def deployed(boxes: Array = CORNERS, scores: Array = SCORES, classes: Array = CLASSES) -> Any:
    """RT-DETR's deployment export."""
    return {"labels": classes[None], "boxes": boxes[None], "scores": scores[None]}


def nms_plugin(boxes: Array = CORNERS, scores: Array = SCORES, classes: Array = CLASSES) -> Any:
    """EfficientNMS."""
    return {
        "num_dets": np.array([[6]]),
        "det_boxes": boxes[None],
        "det_scores": scores[None],
        "det_classes": classes[None],
    }


def torch(boxes: Array = CORNERS, scores: Array = SCORES, classes: Array = CLASSES + 1) -> Any:
    """torchvision; class 0 is the background."""
    return {"boxes": boxes, "labels": classes, "scores": scores}


def dets(boxes: Array = CORNERS, scores: Array = SCORES, classes: Array = CLASSES) -> Any:
    """MMDeploy."""
    return {"dets": np.column_stack([boxes, scores])[None], "labels": classes[None]}


def boxes5(boxes: Array = CORNERS, scores: Array = SCORES, classes: Array = CLASSES) -> Any:
    """OpenVINO's boxes with labels."""
    return {"boxes": np.column_stack([boxes, scores]), "labels": classes}


def nanodet(scores: Array | None = None) -> Array:
    """NanoDet: [1, 85 cells, 3 + 32]; each box reaches one cell to each side of its point."""
    values = np.zeros((1, 85, 35), np.float32)
    values[0, 18:24, :3] = one_hot() if scores is None else scores  # at 16 to 56, 16
    values[0, :, [4, 12, 20, 28]] = 50
    return values


def segment(height: int, width: int) -> dict[str, Array]:
    """YOLOv8-seg with two prototypes of a size."""
    table = np.hstack([CENTERS, one_hot(), np.ones((6, 2))])
    return {
        "output0": padded(table).transpose(0, 2, 1),
        "output1": np.ones((1, 2, height, width)),
    }


def pose(scale: float) -> Array:
    """YOLOv8-pose with two keypoints."""
    points = np.tile([20.0, 10, 0.9, 30, 20, 0.8], (6, 1)) * [scale, scale, 1, scale, scale, 1]
    return padded(np.hstack([CENTERS, SCORES[:, None], points])).transpose(0, 2, 1)


def scores_of(*values: float) -> Array:
    return np.array([values], float)


def cells(inside: float, outside: float) -> Array:
    """(1, 1, 64, 64): a rectangle of one value on another one."""
    values = np.full((1, 1, 64, 64), outside, float)
    values[..., 8:24, 16:48] = inside
    return values


@dataclass(frozen=True)
class Row:
    """A model and a manifest.

    Attributes:
        outputs: of the model; an array is `output0`.
        steps: the manifest's decoder, and what follows it apart from `rectangle`.
        expected: the code of the diagnostic; empty if the mistake is not noticed.
        labels: of the manifest.
        reason: why it is not noticed.
        open: whether the file leaves the sizes of its outputs open.
    """

    outputs: Array | Mapping[str, Array]
    steps: Sequence[Any]
    expected: str = ""
    labels: Sequence[Any] = field(default_factory=lambda: NAMES)
    reason: str = ""
    open: bool = False


BOX, SCORE, CLASS = "box-values", "score-range", "class-values"
YOLO, V5, V10 = ["yolo", "nms"], ["yolo_objectness", "nms"], ["yolo_end2end"]
MANY = [f"class_{number}" for number in range(80)]

WRONG = {
    # The axes of candidates and values are swapped.
    "yolo: candidates in rows": Row(raw().transpose(0, 2, 1), YOLO, "output-layout"),
    "yolo: candidates in rows, open": Row(raw().transpose(0, 2, 1), YOLO, SCORE, open=True),
    "yolo_objectness: columns": Row(objectness().transpose(0, 2, 1), V5, "output-layout"),
    "yolo_objectness: columns, open": Row(objectness().transpose(0, 2, 1), V5, SCORE, open=True),
    # Score and class are swapped.
    "yolo_end2end: class, score": Row(final(scores=CLASSES, classes=SCORES), V10, CLASS),
    "ssd: class, score": Row(seven(scores=CLASSES, classes=SCORES), ["ssd"], CLASS),
    # Corners are read as center and size, or the other way round.
    "yolo: corners": Row(raw(CORNERS), YOLO, BOX),
    "yolo_objectness: corners": Row(objectness(CORNERS), V5, BOX),
    "rtdetr: corners": Row(queries(CORNERS / 64), ["rtdetr"], BOX),
    "detr: corners": Row(queries(CORNERS / 64, one_hot(LOGITS, -6, 4)), ["detr"], BOX),
    "rtdetr_concat: corners": Row(
        padded(np.hstack([CORNERS / 64, one_hot()]), 300), ["rtdetr_concat"], BOX
    ),
    "yolo_end2end: centers": Row(final(CENTERS), V10, BOX),
    "ssd: centers": Row(seven(CENTERS / 64), [{"ssd": {"background": False}}], BOX, labels=NAMES),
    "efficient_nms: centers": Row(nms_plugin(CENTERS), ["efficient_nms"], BOX),
    "torchvision: centers": Row(torch(CENTERS), ["torchvision"], BOX),
    "mmdeploy: centers": Row(dets(CENTERS), ["mmdeploy"], BOX),
    "openvino_boxes: centers": Row(boxes5(CENTERS), ["openvino_boxes"], BOX),
    "rtdetr_deploy: centers": Row(deployed(CENTERS), ["rtdetr_deploy"], BOX),
    # 0..1 is read as pixels, or the other way round.
    "yolo: 0..1": Row(raw(CENTERS / 64), YOLO, BOX),
    "yolo_objectness: 0..1": Row(objectness(CENTERS / 64), V5, BOX),
    "yolo_end2end: 0..1": Row(final(CORNERS / 64), V10, BOX),
    "efficient_nms: 0..1": Row(nms_plugin(CORNERS / 64), ["efficient_nms"], BOX),
    "torchvision: 0..1": Row(torch(CORNERS / 64), ["torchvision"], BOX),
    "mmdeploy: 0..1": Row(dets(CORNERS / 64), ["mmdeploy"], BOX),
    "openvino_boxes: 0..1": Row(boxes5(CORNERS / 64), ["openvino_boxes"], BOX),
    "rtdetr_deploy: 0..1": Row(deployed(CORNERS / 64), ["rtdetr_deploy"], BOX),
    "yolo_pose: 0..1": Row(
        pose(1 / 64), [{"yolo_pose": {"kpt_shape": [2, 3]}}, "nms"], BOX, labels=["person"]
    ),
    "ssd: pixels": Row(seven(CORNERS), [{"ssd": {"background": False}}], BOX),
    "rtdetr: pixels": Row(queries(CENTERS), ["rtdetr"], BOX),
    "detr: pixels": Row(queries(CENTERS, one_hot(LOGITS, -6, 4)), ["detr"], BOX),
    "rtdetr_concat: pixels": Row(
        padded(np.hstack([CENTERS, one_hot()]), 300), ["rtdetr_concat"], BOX
    ),
    # Logits are read as probabilities.
    "yolo: logits": Row(raw(scores=one_hot(LOGITS, -6)), YOLO, SCORE),
    "yolo: negative logits": Row(raw(scores=one_hot(LOGITS - 9, -12)), YOLO, SCORE),
    "yolo_objectness: logits": Row(objectness(scores=LOGITS), V5, SCORE),
    "yolo_end2end: logits": Row(final(scores=LOGITS), V10, SCORE),
    "rtdetr_concat: logits": Row(
        padded(np.hstack([CENTERS / 64, one_hot(LOGITS)]), 300), ["rtdetr_concat"], SCORE
    ),
    "ssd: logits": Row(seven(scores=LOGITS), [{"ssd": {"background": False}}], SCORE),
    "efficient_nms: logits": Row(nms_plugin(scores=LOGITS), ["efficient_nms"], SCORE),
    "torchvision: logits": Row(torch(scores=LOGITS), ["torchvision"], SCORE),
    "mmdeploy: logits": Row(dets(scores=LOGITS), ["mmdeploy"], SCORE),
    "openvino_boxes: logits": Row(boxes5(scores=LOGITS), ["openvino_boxes"], SCORE),
    "rtdetr_deploy: logits": Row(deployed(scores=LOGITS), ["rtdetr_deploy"], SCORE),
    "nanodet: logits": Row(nanodet(one_hot(LOGITS, -6)), ["nanodet", "nms"], SCORE),
    "classify: logits": Row(scores_of(2.5, -1, -3), ["classify"], "model-mismatch"),
    "semantic: logits": Row(
        np.concatenate([cells(-9, 9), cells(9, -9)], axis=1),
        [{"semantic": {"activation": "none"}}],
        "model-mismatch",
        labels=["background", "cat"],
    ),
    "saliency: logits": Row(cells(9, -9), ["saliency"], "model-mismatch", labels=["cat"]),
    # The number of classes is another one.
    "yolo: too many labels": Row(raw(), YOLO, "class-count", labels=[*NAMES, "fish"]),
    "yolo: too few labels, open": Row(raw(), YOLO, CLASS, labels=NAMES[:2], open=True),
    "yolo_end2end: too few labels": Row(final(), V10, CLASS, labels=NAMES[:2]),
    "efficient_nms: too few labels": Row(nms_plugin(), ["efficient_nms"], CLASS, NAMES[:2]),
    "torchvision: too few labels": Row(torch(), ["torchvision"], CLASS, NAMES[:2]),
    "mmdeploy: too few labels": Row(dets(), ["mmdeploy"], CLASS, NAMES[:2]),
    "openvino_boxes: too few labels": Row(boxes5(), ["openvino_boxes"], CLASS, NAMES[:2]),
    "rtdetr_deploy: too few labels": Row(deployed(), ["rtdetr_deploy"], CLASS, NAMES[:2]),
    "ssd: too few labels": Row(seven(classes=CLASSES + 1), ["ssd"], CLASS, NAMES[:2]),
    "torchvision: no background": Row(torch(), [{"torchvision": {"background": False}}], CLASS),
    # A neighboring family's decoder.
    "YOLOv8 as YOLOv5": Row(raw(), V5, "output-layout", labels=NAMES[:2]),
    "YOLOv5 as YOLOv8": Row(objectness(), YOLO, "output-layout"),
    "YOLOv5 as YOLOX": Row(objectness(), ["yolox", "nms"], BOX),
    "YOLOX as YOLOv5": Row(
        objectness(np.hstack([CENTERS[:, :2] % 8 / 8, np.log(CENTERS[:, 2:] / 8)])), V5, BOX
    ),
    "YOLOv5 as YOLOv10": Row(objectness(scores=SCORES), V10, BOX),
    "YOLOv5 as RT-DETR": Row(objectness(), ["rtdetr_concat"], BOX, labels=[*NAMES, "fish"]),
    "YOLOv10 as RT-DETR": Row(final(), ["rtdetr_concat"], SCORE, labels=NAMES[:2]),
    "YOLOv10 as YOLOv5": Row(final(), V5, SCORE, labels=NAMES[:1]),
    "RT-DETR as YOLOv10": Row(padded(np.hstack([CENTERS / 64, one_hot()]), 300), V10, BOX),
    "NanoDet as YOLOv5": Row(nanodet(), V5, SCORE, labels=[f"class_{it}" for it in range(30)]),
    "segmentation with turned prototypes": Row(segment(16, 24), ["yolo_segment"], "mask-size"),
}

UNNOTICED = {
    "yolo: class as angle": Row(
        raw(),
        ["yolo_obb", "nms"],
        labels=NAMES[:2],
        reason="The scores of the last class are possible angles. The metadata's `task` tells.",
    ),
    "detr: probabilities": Row(
        queries(logits=one_hot(SCORES, 0.02, 4)),
        ["detr"],
        reason="Softmax maps any values to 0..1; scores are low, as those of a model that finds "
        "nothing.",
    ),
    "rtdetr: probabilities": Row(
        queries(logits=one_hot(SCORES, 0.02)),
        ["rtdetr"],
        reason="The sigmoid maps any values to 0..1.",
    ),
    "rtdetr as detr": Row(
        queries(),
        ["detr"],
        labels=NAMES[:2],
        reason="Logits of three classes are also logits of two classes and no object.",
    ),
    "yolo: too many labels, open": Row(
        raw(),
        YOLO,
        labels=[*NAMES, "fish"],
        open=True,
        reason="The pictures need not show each class.",
    ),
    "yolo_end2end: too many labels": Row(
        final(), V10, labels=MANY, reason="The pictures need not show each class."
    ),
    "ssd: background": Row(
        seven(classes=CLASSES + 1),
        [{"ssd": {"background": False}}],
        labels=[*NAMES, "fish"],
        reason="A model without background could have these classes.",
    ),
    "classify: softmax of probabilities": Row(
        scores_of(0.7, 0.2, 0.1),
        [{"classify": {"activation": "softmax"}}],
        reason="Softmax maps any values to 0..1.",
    ),
    "saliency: sigmoid of probabilities": Row(
        cells(0.9, 0.1),
        [{"saliency": {"activation": "sigmoid"}}],
        labels=["cat"],
        reason="The sigmoid maps any values to 0..1.",
    ),
}

RIGHT = {
    "yolo": Row(raw(), YOLO),
    "yolo, two labels": Row(raw(), YOLO, labels=[{"name": "dog", "id": 1}]),
    "yolo_objectness": Row(objectness(), V5),
    "yolo_end2end": Row(final(), V10),
    "yolo_pose": Row(pose(1), [{"yolo_pose": {"kpt_shape": [2, 3]}}, "nms"], labels=["person"]),
    "yolo_segment": Row(segment(16, 16), ["yolo_segment", "nms"]),
    "ssd": Row(seven(classes=CLASSES + 1), ["ssd"]),
    "rtdetr": Row(queries(), ["rtdetr"]),
    "detr": Row(queries(logits=one_hot(LOGITS, -6, 4)), ["detr"]),
    "rtdetr_concat": Row(padded(np.hstack([CENTERS / 64, one_hot()]), 300), ["rtdetr_concat"]),
    "rtdetr_deploy": Row(deployed(), ["rtdetr_deploy"]),
    "efficient_nms": Row(nms_plugin(), ["efficient_nms"]),
    "torchvision": Row(torch(), ["torchvision"]),
    "mmdeploy": Row(dets(), ["mmdeploy"]),
    "openvino_boxes": Row(boxes5(), ["openvino_boxes"]),
    "nanodet": Row(nanodet(), ["nanodet", "nms"]),
    "classify": Row(scores_of(0.7, 0.2, 0.1), ["classify"]),
    "saliency": Row(cells(0.9, 0.1), ["saliency"], labels=["cat"]),
}
"""The same models with their own decoder."""


def written(row: Row, folder: Path) -> Path:
    """Write the model and the manifest."""
    outputs = row.outputs if isinstance(row.outputs, Mapping) else {"output0": row.outputs}
    net = image()
    for name, values in outputs.items():
        shape: Sequence[int | str] = values.shape
        source = net.known(values)
        if row.open:
            # The sizes are known only when the model runs.
            sizes = net("Cast", net.known(values.shape), to=TensorProto.INT64)
            source = net("Reshape", source, sizes)
            shape = [f"{name}_{axis}" for axis in range(values.ndim)]
        if values.dtype.kind == "i":
            source = net("Cast", source, to=TensorProto.INT64)
        net.give(name, source, shape, "int64" if values.dtype.kind == "i" else "float32")
    net.save(folder / "model.onnx")
    steps = [*row.steps, "tag" if "classify" in str(row.steps) else "rectangle"]
    return write_manifest_to(
        folder, postprocess=steps, labels=list(row.labels), preprocess=["resize", "normalize"]
    )


def refusal(row: Row, folder: Path, backend: Backend) -> str:
    """The code of the error with which a build ends; empty if it does not."""
    try:
        ready = plan(written(row, folder), ("cpu",))
    except ManifestError as error:
        return next(it.code for it in error.problems if it.is_error)
    return refused(ready, folder, backend, "scene")


def refused(ready: Plan, folder: Path, backend: Backend, *names: str) -> str:
    """The code of the error of the smoke test with these pictures."""
    detector = detector_of(ready)
    network = replace(detector.network, file="model.onnx")
    try:
        started = replace(detector, network=network).start(backend, folder)
        examinations = {name: started.examine(pixels(pictures()[name])) for name in names}
    except BadModel as error:
        return str(error.fault)
    defect = detector_defect(examinations, lambda: class_count(ready))
    return defect.rule.code if defect else ""


def rows(table: Mapping[str, Row]) -> pytest.MarkDecorator:
    """Both runtimes for each row; every second row is quick with one of them, in turns."""
    return pytest.mark.parametrize(
        ("row", "backend"),
        [
            pytest.param(
                row,
                backend,
                id=f"{name}-{type(backend).__name__}",
                marks=[pytest.mark.slow] if number % 2 or number // 2 % 2 != place else [],
            )
            for number, (name, row) in enumerate(table.items())
            for place, backend in enumerate(BACKENDS)
        ],
    )


@rows(WRONG)
def test_a_decoder_that_does_not_match_is_refused(
    row: Row, backend: Backend, tmp_path: Path
) -> None:
    assert refusal(row, tmp_path, backend) == row.expected


@rows(UNNOTICED)
def test_what_the_build_cannot_notice_has_a_reason(
    row: Row, backend: Backend, tmp_path: Path
) -> None:
    assert row.reason
    assert refusal(row, tmp_path, backend) == ""


@rows(RIGHT)
def test_a_decoder_that_matches_is_accepted(row: Row, backend: Backend, tmp_path: Path) -> None:
    assert refusal(row, tmp_path, backend) == ""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] if number % 12 else [])
        for number, name in enumerate(zoo.ENTRIES)
    ],
)
def test_every_model_of_the_zoo_is_accepted(name: str, tmp_path: Path) -> None:
    file = zoo.ENTRIES[name].make(tmp_path / "model.onnx")
    text = draft_manifest([file], tmp_path).text.replace("guessed: true", "")
    write_manifest(text, tmp_path / "model.yaml", force=False)
    ready = plan(tmp_path / "model.yaml", ("cpu",))
    backend = BACKENDS[len(name) % 2]
    assert refused(ready, tmp_path, backend, *pictures()) == ""


def flat_predictions(path: Path) -> Path:
    """Rows of image, x1, y1, x2, y2, score, class, as SuperGradients writes; none in the dark."""
    net = image()
    seen = net("Clip", net("ReduceMax", "images", keepdims=0), net.fixed(0.0), net.fixed(0.01))
    table = np.column_stack([np.zeros(2), CORNERS[:2], [0.91, 0.77], [2, 1]])
    gated = net("Mul", net.known(table), net("Mul", seen, net.fixed(100.0)))
    net.give("rows", gated, (2, 7))
    return net.save(path)


def test_the_build_names_variant_step_values_and_other_decoders(tmp_path: Path) -> None:
    flat_predictions(tmp_path / "model.onnx")
    manifest = write_manifest_to(tmp_path, postprocess=[*V10, "rectangle"], labels=NAMES)
    error = failure(lambda: build(plan(manifest), tmp_path / "out", force=False, verify=smoke_test))
    (problem,) = error.problems
    assert (problem.code, problem.place, problem.file) == (CLASS, "postprocess[0]", manifest)
    assert "yolo_end2end" in manifest.read_text().splitlines()[problem.line - 1]
    assert problem.what == (
        "smoke test of the cpu variant failed: the class IDs are not whole numbers"
    )
    assert problem.found == "0.91, 0.77"
    assert not list((tmp_path / "out").glob("[!.]*"))


def test_the_hint_names_the_decoder_that_fits(tmp_path: Path) -> None:
    zoo.yolov6(tmp_path / "model.onnx")
    steps = ["yolox", "nms", "rectangle"]
    manifest = write_manifest_to(tmp_path, postprocess=steps, labels=NAMES)
    error = failure(lambda: build(plan(manifest), tmp_path / "out", force=False, verify=smoke_test))
    (problem,) = error.problems
    assert problem.code == BOX
    assert "the model also matches `yolo_objectness`" in problem.hint
