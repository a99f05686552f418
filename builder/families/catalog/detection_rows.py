"""Final detections in rows: PaddleDetection, SuperGradients' flat rows, MMRotate."""

from collections.abc import Iterator

import numpy as np

from builder.families.catalog.yolo_end2end import rows_end_in_class
from builder.families.catalog.yolov8 import YOLO_INPUT
from builder.families.class_count import of_labels, of_rows
from builder.families.common_steps import RECTANGLE
from builder.families.evidence import Evidence, are_fractions, fits, is_integer
from builder.families.family import Family
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import ClassList, Match, step
from builder.families.preprocessing import draft, is_from_paddle, unless_in_graph
from builder.families.sureness import Strength
from runtimes.arrays import Array
from runtimes.decoders.detection_rows import DetectionRows
from runtimes.preprocess.values import Normalize
from runtimes.shapes.rectangle import Rectangle
from runtimes.signature import Tensor

_PADDLE = ("class", "score", "x1", "y1", "x2", "y2")
_PADDLE_ROTATED = ("class", "score", "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4")
_FLAT = ("image", "x1", "y1", "x2", "y2", "score", "class")
_MMROTATE = ("cx", "cy", "w", "h", "angle", "score")
_ORIENTED = step(Rectangle, "rotated rectangles; or `polygon`")
_PADDLE_INPUT = InputFormat(
    Resizing("resize", "most models of PaddleDetection stretch images"),
    Values(
        "0..1 as in PP-YOLOE+ and RT-DETR; PP-YOLOE, PicoDet and PP-YOLO take ImageNet's mean",
        guessed=True,
    ),
)
_MMROTATE_INPUT = InputFormat(
    Resizing("letterbox", "MMRotate pads right and bottom", side=1024, align="top_left"),
    Values("MMRotate's mean and std are ImageNet's", mean=IMAGENET_MEAN, std=IMAGENET_STD),
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize the rows of each origin."""
    yield from _paddle(evidence)
    yield from _flat(evidence)
    yield from _mmrotate(evidence)


def _paddle(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of class, score and corners, with or without their number."""
    tables = [
        it
        for it in evidence.outputs_of_rank(2, 3)
        if fits(it, (None, 6), (None, 10), (1, None, 6), (1, None, 10)) and it.shape[-1]
    ]
    counts = [it for it in evidence.outputs if is_integer(it) and fits(it, (1,), (1, 1))]
    if len(tables) != 1 or len(tables) + len(counts) != len(evidence.outputs):
        return
    (table,) = tables
    sized = evidence.input_named("scale_factor", "im_shape")
    from_paddle = sized is not None or is_from_paddle(evidence)
    filled = _filled(evidence, table)
    seen = len(filled) > 0 and _are_scored(filled, score=1, label=0)
    seen = seen and bool((filled[:, 4:6] > filled[:, 2:4]).all() or filled.shape[1] > 6)
    # One row of numbers for each image is a vector.
    likely = from_paddle and (table.shape[0] != 1 or len(table.shape) == 3 or bool(counts))
    likely |= seen and len(table.shape) == 2 and table.shape == (None, 6)
    if (len(filled) and not seen) or not (likely or sized):
        return
    oriented = table.shape[-1] == len(_PADDLE_ROTATED)
    why = f"{table}: class, score, {'four corners' if oriented else 'corners'}"
    strength = Strength.EVIDENCE
    if sized is not None:
        why += f"; PaddleDetection's input {sized.name}"
        strength = Strength.STRUCTURE
    preprocess = draft(evidence, _PADDLE_INPUT)
    if evidence.image is not None and preprocess[-1].step is Normalize:
        normal = unless_in_graph(evidence, evidence.image.name, [preprocess[-1]])
        preprocess = (*preprocess[:-1], *normal)
    yield DETECTION_ROWS.match(
        evidence,
        strength,
        (why,),
        (
            step(
                DetectionRows,
                "PaddleDetection's rows; classes from 0, -1 in padding",
                columns=list(_PADDLE_ROTATED if oriented else _PADDLE),
            ),
            _ORIENTED if oriented else RECTANGLE,
        ),
        name="PaddleDetection",
        preprocess=preprocess,
        classes=of_rows(evidence.graph, table.name) or ClassList(None),
    )


def _flat(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of SuperGradients' image, corners, score and class."""
    tables = [it for it in evidence.outputs_of_rank(2) if fits(it, (None, 7))]
    if len(evidence.outputs) != 1 or not tables or not rows_end_in_class(evidence, tables[0]):
        return
    (table,) = tables
    filled = _filled(evidence, table)
    if len(filled) and not _are_scored(filled, score=5, label=6):
        return
    why = f"{table}: image, corners, score, class"
    yield DETECTION_ROWS.match(
        evidence,
        Strength.EVIDENCE,
        (f"{why}; SuperGradients' name" if "flat_predictions" in table.name else why,),
        (
            step(DetectionRows, "SuperGradients' flat rows; NMS inside", columns=list(_FLAT)),
            RECTANGLE,
        ),
        name="YOLO-NAS with flat rows (SuperGradients)",
        input_format=YOLO_INPUT,
        classes=of_rows(evidence.graph, table.name) or ClassList(None),
    )


def _mmrotate(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of rows of oriented boxes beside their classes."""
    tables = [it for it in evidence.outputs_of_rank(3) if fits(it, (1, None, 6)) and it.shape[2]]
    labels = [it for it in evidence.outputs_of_rank(2) if is_integer(it) and fits(it, (1, None))]
    if len(tables) != 1 or len(labels) != 1 or len(evidence.outputs) != 2:
        return
    scores = [it[..., 5] for it in evidence.values(tables[0]) if it.shape[-1] == 6]
    if are_fractions(scores) is False:
        return
    named = evidence.names_outputs("dets", "labels")
    yield DETECTION_ROWS.match(
        evidence,
        Strength.EVIDENCE if named else Strength.SHAPE,
        (f"{tables[0]}, {labels[0]}: oriented boxes with scores, labels",),
        (
            step(
                DetectionRows,
                "center, sides, angle, score; the classes are the other output",
                columns=list(_MMROTATE),
            ),
            _ORIENTED,
        ),
        name="MMRotate",
        input_format=_MMROTATE_INPUT,
        classes=of_labels(evidence.graph, labels[0].name) or ClassList(None),
    )


def _filled(evidence: Evidence, tensor: Tensor) -> Array:
    """Return the rows of all runs that hold something, (n, columns)."""
    columns = tensor.shape[-1] or 1
    runs = [it.reshape(-1, columns) for it in evidence.values(tensor) if it.shape[-1] == columns]
    rows = np.concatenate(runs) if runs else np.zeros((0, columns))
    return np.asarray(rows[(rows[:, 1:] != 0).any(axis=1)])


def _are_scored(rows: Array, *, score: int, label: int) -> bool:
    """Whether one column of rows has scores in 0..1, and another one class IDs."""
    labels = rows[:, label]
    whole = bool((labels == np.round(labels)).all() and labels.min() >= -1)
    return whole and are_fractions([rows[:, score]]) is True


DETECTION_ROWS = Family(
    name="rows of detections (PaddleDetection, SuperGradients, MMRotate)",
    steps=(DetectionRows,),
    recognize=recognize,
    precedence=112,
    input_format=_PADDLE_INPUT,
)
