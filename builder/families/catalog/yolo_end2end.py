"""YOLO with NMS inside: YOLOv10, YOLO26, `nms=True`, YOLOv7's End2End, CenterNet.

Outputs are final detections: [1, rows, 6 or more], of YOLOv7 [rows, 7].
"""

from collections.abc import Iterator

import numpy as np

from builder.families.catalog.centernet import CENTERNET_INPUT
from builder.families.catalog.yolov8 import RESULTS, SHAPES, YOLO_INPUT
from builder.families.class_count import of_rows
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.grid_heads import MOST_ROWS, rows_and_prototypes
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.arrays import Array
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
_UNIT_LIMIT = 2.0


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
            strength, why = _strength(evidence, tensor, why)
            yield _match(evidence, tensor, "segment", strength, why)
    else:
        yield from _by_columns(evidence, tensor, columns)


def _yolov7(evidence: Evidence, tensor: Tensor) -> Iterator[Match]:
    """Yield the match of rows of image, corners, class and score, unless they are a layer's."""
    if rows_end_in_class(evidence, tensor) or evidence.graph.activation(tensor.name) is not None:
        return
    rows = _filled_rows(evidence, tensor)
    seen = len(rows) > 0 and _are_scored(rows, score=6, label=5)
    if len(rows) and not seen:
        return
    why = "rows of 7 values"
    strength = Strength.EVIDENCE if seen else Strength.SHAPE
    if "NonMaxSuppression" in evidence.graph.ops:
        why += " from NonMaxSuppression"
        ordered = seen or _chooses_class(evidence, tensor, 2)
        strength = Strength.STRUCTURE if ordered else strength
    if seen:
        why += ", whose last column is in 0..1 and the one before has whole numbers"
    yield _match(evidence, tensor, "detect", strength, why)


def rows_end_in_class(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether rows of seven values end in score and class, as SuperGradients' do, not reversed."""
    if "flat_predictions" in tensor.name:
        return True
    rows = _filled_rows(evidence, tensor)
    if len(rows):
        return _are_scored(rows, score=5, label=6) and not _are_scored(rows, score=6, label=5)
    return _chooses_class(evidence, tensor, 1)


def _filled_rows(evidence: Evidence, tensor: Tensor) -> Array:
    """Return the rows of all runs that are not empty, (n, columns)."""
    runs = [it.reshape(-1, it.shape[-1]) for it in evidence.values(tensor) if it.ndim in (2, 3)]
    if not runs:
        return np.zeros((0, 0), np.float32)
    rows: Array = np.concatenate(runs)
    filled: Array = rows[(rows[:, 1:] != 0).any(1)]
    return filled


def _are_scored(rows: Array, *, score: int, label: int) -> bool:
    """Whether one column of rows has scores in 0..1, and another one class IDs."""
    scores, labels = rows[:, score], rows[:, label]
    whole = bool((labels == np.round(labels)).all() and labels.min() >= -1)
    return whole and bool(scores.min() >= 0 and scores.max() <= 1.001)


def _chooses_class(evidence: Evidence, tensor: Tensor, place: int) -> bool:
    """Whether the column at `place` from the end comes from an operation that chooses a class."""
    parts = evidence.graph.parts(tensor.name)
    if len(parts) < 4:
        return False
    origins = evidence.graph.origins(parts[-place])
    return bool(origins) and all(
        node.op in ("ArgMax", "NonMaxSuppression")
        or (node.op == "TopK" and name != node.outputs[0])
        for node, name in origins
    )


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
    filled = _filled_rows(evidence, tensor)
    if len(filled) and not _are_scored(filled, score=4, label=5):
        return
    strength, why = _strength(evidence, tensor, f"{tensor}: final detections")
    if rows == 100 and columns == 6:
        yield _centernet(evidence, tensor, min(strength, Strength.EVIDENCE))
    if columns == 6:
        yield _match(evidence, tensor, "detect", strength, why)
    elif columns == 7 and {"Sin", "Cos"} <= ops:
        yield _match(evidence, tensor, "obb", Strength.STRUCTURE, why)
    elif columns == 7 and rows is not None and rows >= 100 and _are_angles(filled):
        yield _match(evidence, tensor, "obb", strength, why)
    elif columns == 6 + 17 * 3 and (rows is None or rows >= 100):
        yield _match(evidence, tensor, "pose", strength, why)


def _are_angles(rows: Array) -> bool:
    """Whether the last column of rows of seven may have angles in radians."""
    return not len(rows) or bool(np.abs(rows[:, 6]).max() <= 2 * np.pi)


def _strength(evidence: Evidence, tensor: Tensor, why: str) -> tuple[Strength, str]:
    """Return how strong the evidence for final detections is, and the reason with the evidence."""
    inside = sorted({"NonMaxSuppression", "TopK"} & evidence.graph.ops)
    rows = _filled_rows(evidence, tensor)
    scored = len(rows) > 0 and _are_scored(rows, score=4, label=5)
    if inside:
        why += f", from {', '.join(inside)}"
    if scored:
        why += ", scores in 0..1 and whole class IDs"
    if "NonMaxSuppression" in inside:
        return Strength.STRUCTURE, why
    likely = scored and (inside or _covers_pixels(rows))
    return Strength.EVIDENCE if likely else Strength.SHAPE, why


def _covers_pixels(rows: Array) -> bool:
    """Whether boxes are in pixels: RT-DETR's rows of two classes are boxes in 0..1."""
    return bool(np.abs(rows[:, :4]).max() > _UNIT_LIMIT)


def _centernet(evidence: Evidence, tensor: Tensor, strength: Strength) -> Match:
    """Return the match of CenterNet with its decoding in the graph: [1, 100, 6].

    Args:
        evidence: of the model.
        tensor: its output.
        strength: that of final detections in general.
    """
    ops = evidence.graph.ops
    peaks = {"MaxPool", "TopK", "Equal"} <= ops and "Softmax" not in ops
    why = f"{tensor}: 100 rows"
    if peaks:
        why += ", the peaks of a heatmap (MaxPool, Equal, TopK)"
        strength = Strength.STRUCTURE
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
        input_format=CENTERNET_INPUT if centernet else None,
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
