"""RetinaFace and BlazeFace: faces with landmarks, relative to fixed boxes or points."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from builder.families.evidence import Evidence, are_fractions, fits
from builder.families.face_keypoints import BLAZE_FACE, FACE, FACES
from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, Setting, step
from builder.families.sureness import Strength
from runtimes.decoders.blazeface import Blazeface
from runtimes.decoders.retinaface import Retinaface
from runtimes.refine.suppress import Nms
from runtimes.shapes.keypoints import Skeleton
from runtimes.signature import Tensor

_MNET = ((16, 32), (64, 128), (256, 512))
_SLIM = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
"""Sides of priors: data/config.py of github.com/biubug6/Pytorch_Retinaface and of
github.com/biubug6/Face-Detector-1MB-with-landmark."""
_GRIDS: dict[int, tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {
    16: (((8, 16), (2, 6)), ((16, 32), (2, 6)), ((4,), (1,))),
    18: (((8, 16), (2, 6)),),
    12: (((8, 16, 32), (2, 2, 6)),),
}
"""Columns of boxes and keypoints -> the strides, and the numbers of candidates per cell, of
MediaPipe's face_detection, palm_detection and pose_detection."""
_PALM = InputFormat(
    Resizing("letterbox", "MediaPipe keeps the aspect ratio", side=192, fill=0),
    Values("MediaPipe's range for palms, 0..1"),
)
_WHAT = {16: "face", 18: "palm", 12: "person"}
"""Columns -> what is found."""


def _retinaface(evidence: Evidence) -> Iterator[Match]:
    """Recognize a box, two scores and landmarks for each prior."""
    tables = {it.shape[-1]: it for it in evidence.outputs_of_rank(3) if it.shape[0] in (1, None)}
    if len(evidence.outputs) != 3 or set(tables) != {4, 2, 10}:
        return
    counts = {tensor.shape[1] for tensor in tables.values()}
    sizes = _sizes(evidence, counts)
    if sizes is None:
        return
    scores = evidence.values(tables[2])
    scored = are_fractions(scores)
    normalized = bool(scored) and all(np.allclose(it.sum(axis=-1), 1, atol=0.01) for it in scores)
    named = evidence.names_outputs("loc", "conf", "landm")
    fields: dict[str, Any] = {}
    if sizes != _MNET:
        fields = {"strides": [8, 16, 32, 64], "sizes": [list(it) for it in sizes]}
    if scored is False:
        fields["activation"] = "softmax"
    listed = ", ".join(str(tensor) for tensor in evidence.outputs)
    yield RETINAFACE.match(
        evidence,
        Strength.EVIDENCE if named or normalized else Strength.SHAPE,
        (f"{listed}: box, scores of background and face, and landmarks for each prior",),
        (
            step(Retinaface, "the priors of Pytorch_Retinaface", **fields),
            step(Nms, "raw candidates overlap; Pytorch_Retinaface takes 0.4", iou=0.4),
            step(Skeleton, "landmarks; or `points` and `rectangle`"),
        ),
        classes=FACES,
        keypoints=len(FACE),
        keypoint_names=FACE,
        settings=(Setting("threshold", 0.6, "`vis_thres` of Pytorch_Retinaface"),),
    )


def _sizes(evidence: Evidence, counts: set[int | None]) -> tuple[tuple[int, ...], ...] | None:
    """Return the sides of priors that give so many of them; None if no known ones do."""
    for sizes in (_MNET, _SLIM):
        cells = [evidence.cell_count((8 << place,)) or 0 for place in range(len(sizes))]
        if counts == {sum(len(it) * count for it, count in zip(sizes, cells, strict=True))}:
            return sizes
    return None


def _blazeface(evidence: Evidence) -> Iterator[Match]:
    """Recognize a logit, and a box with keypoints, for each candidate of MediaPipe's grids."""
    tables = [it for it in evidence.outputs if fits(it, (1, None, None))]
    if len(evidence.outputs) != 2 or len(tables) != 2:
        return
    boxes, scores = sorted(tables, key=lambda tensor: -(tensor.shape[2] or 0))
    if scores.shape[2] != 1 or scores.shape[1] != boxes.shape[1]:
        return
    for strides, anchors in _GRIDS.get(boxes.shape[2] or 0, ()):
        if _candidates(evidence, strides, anchors) == boxes.shape[1]:
            yield _blaze_match(evidence, boxes, scores, strides, anchors)


def _candidates(evidence: Evidence, strides: tuple[int, ...], anchors: tuple[int, ...]) -> int:
    """Return the number of candidates of grids."""
    return sum(
        (evidence.cell_count((stride,)) or 0) * each
        for stride, each in zip(strides, anchors, strict=True)
    )


def _blaze_match(
    evidence: Evidence,
    boxes: Tensor,
    scores: Tensor,
    strides: tuple[int, ...],
    anchors: tuple[int, ...],
) -> Match:
    """Return the match of one of MediaPipe's detectors."""
    columns = boxes.shape[2] or 4
    count, what = (columns - 4) // 2, _WHAT[columns]
    named = evidence.names_outputs("regressor", "classificator")
    fields: dict[str, Any] = {}
    if (strides, anchors) != ((8, 16), (2, 6)):
        fields = {"strides": list(strides), "anchors": list(anchors)}
    listed = ", ".join(map(str, strides))
    return BLAZEFACE.match(
        evidence,
        Strength.EVIDENCE if named else Strength.SHAPE,
        (f"{boxes}, {scores}: a box with {count} keypoints for each candidate, strides {listed}",),
        (
            step(Blazeface, "MediaPipe's grids", **fields),
            step(Nms, "raw candidates overlap; MediaPipe averages those above 0.3", iou=0.3),
            step(Skeleton, "keypoints; or `points` and `rectangle`"),
        ),
        name=f"{BLAZEFACE.name}: {what}",
        input_format=_PALM if what == "palm" else None,
        classes=ClassList(1, what, names=(what,)),
        keypoints=count,
        keypoint_names=BLAZE_FACE if what == "face" else (),
        settings=(Setting("threshold", 0.5, "MediaPipe's minimum confidence"),),
    )


RETINAFACE = Family(
    name="RetinaFace: faces with landmarks",
    steps=(Retinaface,),
    recognize=_retinaface,
    precedence=54,
    input_format=InputFormat(
        Resizing("letterbox", "faces keep their aspect ratio", align="top_left", fill=0),
        Values("the mean of Pytorch_Retinaface", 1, (104, 117, 123)),
        Channels("bgr", "as in Pytorch_Retinaface"),
    ),
    required=frozenset({"channels", "values"}),
    candidates_overlap=True,
)
BLAZEFACE = Family(
    name="BlazeFace (MediaPipe)",
    steps=(Blazeface,),
    recognize=_blazeface,
    precedence=55,
    input_format=InputFormat(
        Resizing("letterbox", "MediaPipe keeps the aspect ratio", side=128, fill=0),
        Values("MediaPipe's range for faces and people, -1..1", 127.5, (1.0,) * 3),
    ),
    candidates_overlap=True,
)
