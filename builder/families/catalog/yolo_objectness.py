"""YOLOv5, 6 and 7: raw candidates in rows, [1, candidates, 5 + classes + ...]."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from builder.families.catalog.nanodet import is_nanodet
from builder.families.catalog.yolov8 import RESULTS, SHAPES, YOLO_INPUT
from builder.families.common_steps import NMS
from builder.families.evidence import Evidence, are_fractions, fits
from builder.families.face_keypoints import FACE
from builder.families.family import Family
from builder.families.grid_heads import (
    MOST_ROWS,
    boxes_are_decoded,
    fits_grid,
    objectness_classes,
    rows_and_prototypes,
    rows_of_candidates,
    scores_fit,
    strides_of,
)
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.yolo_objectness import YoloObjectness
from runtimes.decoders.yolo_objectness_tasks import YoloObjectnessPose, YoloObjectnessSegment
from runtimes.signature import Tensor

_POSES = {"v7-pose": (17, 3), "v7-face": (5, 3), "v5-face": (5, 2)}
"""Model -> the number of its keypoints, and of values of each."""
_UNIT_LIMIT = 2.0
"""Keypoints in pixels exceed it."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize candidates in rows whose boxes are in pixels."""
    yield from _segment(evidence)
    tensor = rows_of_candidates(evidence)
    if tensor is not None:
        yield from _pose(evidence, tensor)
    if tensor is None or is_nanodet(evidence, tensor):
        return
    rows = tensor.shape[1]
    scored = scores_fit(evidence, tensor, 4)
    if rows is None or scored is False:
        return
    decoded, why = boxes_are_decoded(evidence, tensor)
    anchored = evidence.size and strides_of(evidence, rows, 3)
    if anchored:
        listed = ", ".join(map(str, anchored))
        why = f"{tensor}: {rows} candidates, three for each cell of strides {listed}; {why}"
        strength = Strength.EVIDENCE if scored else Strength.SHAPE
        yield _match(evidence, tensor, Strength.STRUCTURE if decoded else strength, why)
    elif fits_grid(evidence, rows) and decoded is not False:
        yield _match(evidence, tensor, Strength.STRUCTURE if decoded else Strength.SHAPE, why)


def _segment(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of candidates in rows with mask coefficients, beside prototypes."""
    tensor, maps = rows_and_prototypes(evidence)
    if tensor is None or maps is None or not fits(tensor, (1, None, None)):
        return
    rows, columns = tensor.shape[1:]
    extra = maps.shape[1]
    if rows is None or columns is None or extra is None or not 6 + extra <= columns < rows:
        return
    if evidence.ultralytics.task not in (None, "segment"):
        return
    scored = scores_fit(evidence, tensor, 4, columns - extra)
    anchored = evidence.size is not None and strides_of(evidence, rows, 3)
    if scored is False or not (anchored or (evidence.size is None and rows > MOST_ROWS)):
        return
    count = columns - 5 - extra
    strength = Strength.EVIDENCE if scored else Strength.SHAPE
    why = f"{tensor}: rows with {extra} mask coefficients; {maps}: prototypes"
    if anchored:
        why += f"; three candidates for each cell of strides {', '.join(map(str, anchored))}"
        if scored and boxes_are_decoded(evidence, tensor)[0]:
            strength = Strength.STRUCTURE
    yield YOLO_OBJECTNESS.match(
        evidence,
        strength,
        (why,),
        (
            step(YoloObjectnessSegment, f"{tensor}: boxes, objectness, classes, coefficients"),
            NMS,
            SHAPES["segment"],
        ),
        name=f"{YOLO_OBJECTNESS.name}: {RESULTS['segment']}",
        classes=ClassList(count, f"{tensor}: 5 + {count} classes + {extra} mask coefficients"),
    )


def _pose(evidence: Evidence, tensor: Tensor) -> Iterator[Match]:
    """Yield the matches of candidates in rows with keypoints and one class."""
    rows, columns = tensor.shape[1:]
    if rows is None or columns is None or evidence.size is None:
        return
    anchored = strides_of(evidence, rows, 3)
    if not anchored:
        return
    for form, (count, each) in _POSES.items():
        classes = columns - 5 - count * each
        # One class, whose score some exports omit.
        if classes != 1 and (classes != 0 or form == "v5-face"):
            continue
        scored = _keypoints_fit(evidence, tensor, form, classes)
        if scored is False:
            continue
        cells = f"three for each cell of strides {', '.join(map(str, anchored))}"
        why = f"{tensor}: {rows} candidates, {cells}; one class and {count} keypoints"
        if scored:
            why += ", scores in 0..1 and keypoints in pixels"
        face = count == len(FACE)
        fields: dict[str, Any] = {"kpt_shape": [count, each]}
        if form == "v5-face":
            fields["form"] = "v5_face"
        yield YOLO_OBJECTNESS.match(
            evidence,
            Strength.EVIDENCE if scored else Strength.SHAPE,
            (why,),
            (
                step(
                    YoloObjectnessPose,
                    f"{tensor}: boxes, objectness, a class, keypoints",
                    **fields,
                ),
                NMS,
                SHAPES["pose"],
            ),
            name=f"YOLO{form}: {RESULTS['pose']}",
            classes=ClassList(1, f"{tensor}: one class", names=("face" if face else "person",)),
            keypoints=count,
            keypoint_names=FACE if face else (),
        )


def _keypoints_fit(evidence: Evidence, tensor: Tensor, form: str, classes: int) -> bool | None:
    """Whether scores are in 0..1 and keypoints are not, in each run; None without a run.

    Args:
        evidence: of the model.
        tensor: its output.
        form: a key of _POSES.
        classes: 1, or 0 if the score of the only class is omitted.
    """
    runs = [it[0] for it in evidence.values(tensor) if it.ndim == 3]
    if form == "v5-face":
        scores, places = np.r_[4, 15], np.r_[5:15]
    else:
        first, end = 5 + classes, tensor.shape[2] or 0
        scores = np.r_[4:first, first + 2 : end : 3]
        places = np.r_[first:end:3, first + 1 : end : 3]
    fit = are_fractions([run[:, scores] for run in runs])
    if fit is None:
        return None
    return fit and all(np.abs(run[:, places]).max(initial=0) > _UNIT_LIMIT for run in runs)


def _match(evidence: Evidence, tensor: Tensor, strength: Strength, why: str) -> Match:
    """Return the match of candidates in rows."""
    return YOLO_OBJECTNESS.match(
        evidence,
        strength,
        (why,),
        (
            step(YoloObjectness, f"{tensor}: boxes, objectness, classes"),
            NMS,
            SHAPES["detect"],
        ),
        name=f"{YOLO_OBJECTNESS.name}: boxes with objectness",
        classes=objectness_classes(tensor),
    )


YOLO_OBJECTNESS = Family(
    name="YOLOv5, 6, 7",
    steps=(YoloObjectness, YoloObjectnessSegment, YoloObjectnessPose),
    recognize=recognize,
    precedence=30,
    input_format=YOLO_INPUT,
    required=frozenset({"resizing", "values"}),
    candidates_overlap=True,
)
