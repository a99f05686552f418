"""YOLO with NMS inside: YOLOv10, YOLO26, `nms=True`, YOLOv7's End2End, CenterNet.

Outputs are final detections: [1, rows, 6 or more], of YOLOv7 [rows, 7].
"""

from collections.abc import Iterator

from builder.families.catalog.yolov8 import RESULTS, SHAPES, YOLO_INPUT
from builder.families.class_count import of_rows
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.grid_heads import MOST_ROWS, rows_and_prototypes
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, Strength, step
from runtimes.decoders.yolo_end2end import (
    YoloEnd2end,
    YoloEnd2endObb,
    YoloEnd2endPose,
    YoloEnd2endSegment,
)
from runtimes.signature import Tensor
from runtimes.step import Decoder

_DECODERS: dict[str, type[Decoder]] = {
    "detect": YoloEnd2end,
    "segment": YoloEnd2endSegment,
    "pose": YoloEnd2endPose,
    "obb": YoloEnd2endObb,
}
_COCO_KEYPOINTS = (17, 3)
_CENTERNET_INPUT = InputFormat(
    Resizing("letterbox", "CenterNet keeps the aspect ratio", side=512, fill=0),
    Values(
        "CenterNet's mean and std",
        mean=(0.408, 0.447, 0.47),
        std=(0.289, 0.274, 0.278),
        guessed=True,
    ),
    Channels("bgr", "CenterNet is trained on BGR", guessed=True),
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize final detections by metadata, graph or shape."""
    tables = evidence.outputs_of_rank(2)
    if len(evidence.outputs) == 1 and tables and fits(tables[0], (None, 7)):
        yield from _yolov7(evidence, tables[0])
        return
    tensor, prototypes = rows_and_prototypes(evidence)
    if tensor is None or not fits(tensor, (1, None, None)):
        return
    rows, columns = tensor.shape[1:]
    if columns is None or columns < 6 or (rows is not None and rows > MOST_ROWS):
        return
    if rows is not None and rows < 10 and columns > 20:
        return
    if evidence.ultralytics.task in SHAPES:
        yield from _by_metadata(evidence, tensor, prototypes)
    elif prototypes is not None:
        if prototypes.shape[1] is None or columns == 6 + prototypes.shape[1]:
            why = f"{prototypes} beside {tensor}: prototypes"
            yield _match(evidence, tensor, "segment", Strength.STRUCTURE, why)
    else:
        yield from _by_columns(evidence, tensor, columns)


def _yolov7(evidence: Evidence, tensor: Tensor) -> Iterator[Match]:
    """Yield the match of rows of seven values, unless they are a layer's."""
    if "NonMaxSuppression" in evidence.graph.ops:
        why = "rows of 7 values from NonMaxSuppression"
        yield _match(evidence, tensor, "detect", Strength.STRUCTURE, why)
    elif evidence.graph.activation(tensor.name) is None:
        yield _match(evidence, tensor, "detect", Strength.SHAPE, "rows of 7 values")


def _by_metadata(evidence: Evidence, tensor: Tensor, prototypes: Tensor | None) -> Iterator[Match]:
    """Yield the match of an export that names its task, if the columns are those of the task."""
    metadata = evidence.ultralytics
    rows, columns = tensor.shape[1:]
    assert metadata.task is not None
    assert columns is not None
    points = metadata.kpt_shape
    extra = {
        "detect": 0,
        "segment": prototypes.shape[1] or columns - 6 if prototypes is not None else None,
        "obb": 1,
        "pose": points[0] * points[1] if points else None,
    }[metadata.task]
    looks_final = rows is None or columns <= rows
    if extra is not None and columns == 6 + extra and looks_final and not metadata.rtdetr:
        claim = "end2end or nms: True" if metadata.suppressed else f"[1, rows, {columns}]"
        yield _match(evidence, tensor, metadata.task, Strength.METADATA, claim)


def _by_columns(evidence: Evidence, tensor: Tensor, columns: int) -> Iterator[Match]:
    """Yield the matches of the tasks that have so many columns."""
    rows, ops = tensor.shape[1], evidence.graph.ops
    if rows == 100 and columns == 6:
        yield _centernet(evidence, tensor)
    inside = sorted({"NonMaxSuppression", "TopK"} & ops)
    strength = Strength.STRUCTURE if "NonMaxSuppression" in inside else Strength.SHAPE
    why = f"{tensor}: final detections" + (f", from {', '.join(inside)}" if inside else "")
    if columns == 6:
        yield _match(evidence, tensor, "detect", strength, why)
    elif columns == 7 and {"Sin", "Cos"} <= ops:
        yield _match(evidence, tensor, "obb", Strength.STRUCTURE, why)
    elif columns == 7 and rows is not None and rows >= 100:
        yield _match(evidence, tensor, "obb", strength, why)
    elif columns == 6 + 17 * 3 and (rows is None or rows >= 100):
        yield _match(evidence, tensor, "pose", strength, why)


def _centernet(evidence: Evidence, tensor: Tensor) -> Match:
    """Return the match of CenterNet with its decoding in the graph: [1, 100, 6]."""
    ops = evidence.graph.ops
    peaks = {"MaxPool", "TopK", "Equal"} <= ops and "Softmax" not in ops
    why = f"{tensor}: 100 rows"
    if peaks:
        why += ", the peaks of a heatmap (MaxPool, Equal, TopK)"
    strength = Strength.STRUCTURE if peaks else Strength.SHAPE
    return _match(evidence, tensor, "detect", strength, why, centernet=True)


def _match(
    evidence: Evidence,
    tensor: Tensor,
    task: str,
    strength: Strength,
    why: str,
    *,
    centernet: bool = False,
) -> Match:
    """Return the match of final detections of a task."""
    decoder = step(_DECODERS[task], f"{tensor}: final detections, no `nms`")
    keypoints = 0
    if task == "pose":
        shape = evidence.ultralytics.kpt_shape
        if shape is None:
            shape = _COCO_KEYPOINTS
            decoder = step(YoloEnd2endPose, decoder.why, guessed=True, kpt_shape=list(shape))
        keypoints = shape[0]
    return YOLO_END2END.match(
        evidence,
        strength,
        (why if tensor.name in why else f"{tensor}: {why}",),
        (decoder, SHAPES[task]),
        name="CenterNet with decoding in the graph"
        if centernet
        else f"{YOLO_END2END.name}: {RESULTS[task]}",
        input_format=_CENTERNET_INPUT if centernet else None,
        classes=_classes(evidence, tensor),
        keypoints=keypoints,
    )


def _classes(evidence: Evidence, tensor: Tensor) -> ClassList:
    """Count the classes by the metadata, or by the operations that chose them."""
    if evidence.ultralytics.names is not None:
        return ClassList(evidence.ultralytics.names, "metadata names")
    return of_rows(evidence.graph, tensor.name) or ClassList(
        evidence.graph.class_count(tensor.name, "Sigmoid"),
        "the layer before the Sigmoid of the scores",
    )


YOLO_END2END = Family(
    name="YOLO with NMS inside (v10, 26, nms=True)",
    steps=(YoloEnd2end, YoloEnd2endSegment, YoloEnd2endPose, YoloEnd2endObb),
    recognize=recognize,
    precedence=20,
    input_format=YOLO_INPUT,
    required=frozenset({"resizing", "values"}),
)
