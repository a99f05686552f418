"""Raw boxes and scores in two outputs: YOLO-NAS, DAMO-YOLO, PP-YOLOE, YOLOv4, UltraFace, SSD."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from builder.families.box_reading import read_boxes
from builder.families.common_steps import RECTANGLE
from builder.families.evidence import Evidence, are_fractions, fits
from builder.families.family import Family
from builder.families.grid_heads import STRIDES, strides_of
from builder.families.input_format import (
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import ClassList, Match, step
from builder.families.preprocessing import is_from_paddle
from builder.families.sureness import Strength
from runtimes.arrays import Array
from runtimes.decoders.boxes_and_scores import BoxesAndScores
from runtimes.decoders.outputs import softmax
from runtimes.refine.suppress import Nms
from runtimes.signature import Tensor

_MANY = 1000
"""No output with final detections has more rows, and no DETR has more queries."""
_ULTRAFACE = (*(8,) * 3, *(16,) * 2, *(32,) * 2, *(64,) * 3)
"""The stride of each of UltraFace's priors around a point."""
_ROUNDING = 0.01
_BACKGROUND = 0.8
"""Least share of the background in the scores of an image."""
_WORDS = {"corners": "corners", "center": "centers", "pixels": "pixels", "fraction": "0..1"}
"""Formats and units of boxes, for people."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Models of one origin.

    Attributes:
        name: for people.
        input_format: how images look to them.
        iou: the IoU above which candidates of one object overlap, in their own programs.
        multi_label: whether their programs find a candidate as several classes.
    """

    name: str
    input_format: InputFormat
    iou: float
    multi_label: bool = False


_STRETCHED = "are stretched to the model's size"
_YOLO_NAS = _Kind(
    "YOLO-NAS, DAMO-YOLO",
    InputFormat(
        Resizing("letterbox", "SuperGradients letterboxes images for YOLO-NAS"),
        Values("0..1 as in YOLO-NAS; DAMO-YOLO takes 0..255", guessed=True),
    ),
    0.7,
)
_PADDLE = _Kind(
    "PP-YOLOE (PaddleDetection)",
    InputFormat(
        Resizing("resize", f"images of PP-YOLOE {_STRETCHED}"),
        Values("0..1 as in PP-YOLOE+; PP-YOLOE and PP-YOLO take ImageNet's mean", guessed=True),
    ),
    0.7,
    multi_label=True,
)
_YOLOV4 = _Kind(
    "YOLOv4 (pytorch-YOLOv4)",
    InputFormat(
        Resizing("resize", f"images of pytorch-YOLOv4 {_STRETCHED}", side=416),
        Values("pytorch-YOLOv4 takes 0..1"),
    ),
    0.6,
)
_SSD = _Kind(
    "SSD",
    InputFormat(
        Resizing("resize", f"images of SSD {_STRETCHED}", side=300),
        Values("as in pytorch-ssd; others differ", 1, (127.0,), (128.0,), guessed=True),
    ),
    0.45,
)
_ULTRA = _Kind(
    "UltraFace",
    InputFormat(
        Resizing("resize", f"images of UltraFace {_STRETCHED}", side=320),
        Values("(byte - 127) / 128, as in UltraFace", 1, (127.0,), (128.0,)),
    ),
    0.3,
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize decoded boxes, and scores of as many candidates."""
    found = boxes_beside_scores(evidence)
    if found is None:
        return
    boxes, scores = found
    count = boxes.shape[1] or 0
    grid = _grid(evidence, count)
    reading = read_boxes(evidence.values(boxes), evidence.size)
    fractions = are_fractions(evidence.values(scores))
    if grid is None or reading is None:
        return
    rows = _rows(evidence.values(scores), count)
    activation = "none" if fractions is not False else _activation(rows)
    background = _background(softmax(rows, axis=1) if activation == "softmax" else rows)
    columns = scores.shape[2] if scores.shape[1] == count else scores.shape[1]
    kind = _kind(evidence, boxes, scores, columns, background)
    if kind is _ULTRA and background == "none":
        background = "first"
    fields: dict[str, Any] = {}
    if len(evidence.outputs) > 2:
        fields = {"boxes": boxes.name, "scores": scores.name}
    unit = "fraction" if kind in (_ULTRA, _YOLOV4) and not reading.seen else reading.unit
    chosen = {"box": reading.box, "unit": unit, "background": background, "activation": activation}
    fields |= {key: it for key, it in chosen.items() if it not in ("corners", "pixels", "none")}
    if kind.multi_label:
        fields["multi_label"] = True
    classes = None if columns is None else columns - (background != "none")
    extra = f", and the background {background}" if background != "none" else ""
    logits = "" if activation == "none" else ", and logits"
    why = f"{boxes}, {scores}: {grid}"
    described = f"{_WORDS[reading.box]} in {_WORDS[unit]}"
    if reading.seen:
        why += f"; values are {described}"
    named = evidence.names_outputs("box", "score") or evidence.names_outputs("box", "conf")
    yield BOXES_AND_SCORES.match(
        evidence,
        Strength.EVIDENCE if (named or reading.seen) and activation == "none" else Strength.SHAPE,
        (why,),
        (
            step(
                BoxesAndScores,
                f"{described}{logits}{extra}",
                guessed=not reading.seen or activation != "none",
                **fields,
            ),
            step(Nms, f"raw candidates overlap; as in {kind.name}", iou=kind.iou),
            RECTANGLE,
        ),
        name=kind.name,
        input_format=kind.input_format,
        classes=ClassList(
            classes,
            f"{scores}: {classes} classes{extra}",
            names=("face",) if kind is _ULTRA else (),
        ),
    )


def boxes_beside_scores(evidence: Evidence) -> tuple[Tensor, Tensor] | None:
    """Return the outputs with boxes and with scores of as many candidates, or None.

    A further output of as many candidates, such as landmarks, makes it another layout.
    """
    four = [it for it in evidence.outputs if fits(it, (1, None, 4), (1, None, 1, 4))]
    four = [it for it in four if it.shape[1] is not None and it.shape[-1] is not None]
    if len(four) > 1:
        four = [it for it in four if "box" in it.name.lower()]
    if len(four) != 1:
        return None
    (boxes,) = four
    count = boxes.shape[1]
    others = [
        it
        for it in evidence.outputs_of_rank(3)
        if it is not boxes and it.dtype.startswith("float") and count in it.shape[1:]
    ]
    return (boxes, others[0]) if len(others) == 1 else None


def _grid(evidence: Evidence, count: int) -> str | None:
    """Return where so many candidates come from, in words, or None if they are no raw ones."""
    for anchors, words in ((1, "one"), (3, "three")):
        strides = strides_of(evidence, count, anchors)
        # Fewer grids may have as many cells as a transformer has queries.
        if strides is not None and (len(strides) >= len(STRIDES) or count > _MANY):
            listed = ", ".join(map(str, strides))
            return f"{count} candidates, {words} for each cell of strides {listed}"
    if evidence.cell_count(_ULTRAFACE) == count:
        return f"{count} candidates, as many as UltraFace has priors"
    return f"{count} candidates" if count > _MANY else None


def _rows(runs: list[Array], count: int) -> Array:
    """Return the scores of all runs, (candidates, classes)."""
    rows = [run[0] if run.shape[1] == count else run[0].T for run in runs]
    return np.concatenate(rows) if rows else np.zeros((0, 1))


def _background(rows: Array) -> str:
    """Return the place of the background: of exclusive scores, it has nearly all of them.

    Args:
        rows: (candidates, classes) scores.

    Returns:
        "none", "first" or "last".
    """
    if len(rows) == 0 or rows.shape[1] < 2 or np.abs(rows.sum(axis=1) - 1).max() > _ROUNDING:
        return "none"
    shares = rows.mean(axis=0)
    if shares.max() < _BACKGROUND:
        return "none"
    return {0: "first", rows.shape[1] - 1: "last"}.get(int(shares.argmax()), "none")


def _activation(logits: Array) -> str:
    """Return the likely activation: a softmax shows a background, where logits have one."""
    return "softmax" if _background(softmax(logits, axis=1)) != "none" else "sigmoid"


def _kind(
    evidence: Evidence, boxes: Tensor, scores: Tensor, columns: int | None, background: str
) -> _Kind:
    """Return the origin of a model."""
    if evidence.cell_count(_ULTRAFACE) == boxes.shape[1] and columns == 2:
        return _ULTRA
    transposed = scores.shape[1] != boxes.shape[1] and columns != boxes.shape[1]
    if transposed or is_from_paddle(evidence):
        return _PADDLE
    if len(boxes.shape) == 4:
        return _YOLOV4
    return _YOLO_NAS if background == "none" else _SSD


BOXES_AND_SCORES = Family(
    name="raw boxes and scores",
    steps=(BoxesAndScores,),
    recognize=recognize,
    precedence=57,
    input_format=_YOLO_NAS.input_format,
    candidates_overlap=True,
)
