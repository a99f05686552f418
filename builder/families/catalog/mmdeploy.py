"""Detectors that MMDeploy exports: dets [1, N, 5], labels [1, N], maybe masks."""

from collections.abc import Iterator

from builder.families.class_count import of_labels
from builder.families.common_steps import PERSON, POLYGON, RECTANGLE, SKELETON
from builder.families.evidence import Evidence, fits, is_integer
from builder.families.family import Family
from builder.families.input_format import (
    MMDET_MEAN,
    MMDET_STD,
    Channels,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.rcnn import Mmdeploy

_BGR = "as in RTMDet; other MMDetection models take RGB"


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize corners with scores beside integer labels, or beside keypoints."""
    yield from _rtmo(evidence)
    dets = [it for it in evidence.outputs_of_rank(3) if it.shape[2] == 5]
    labels = [it for it in evidence.outputs_of_rank(2) if is_integer(it)]
    if len(dets) != 1 or len(labels) != 1 or len(evidence.outputs) > 3:
        return
    masks = len(evidence.outputs) == 3 and bool(evidence.outputs_of_rank(4))
    classes = of_labels(evidence.graph, labels[0].name) or ClassList(
        evidence.graph.class_count(dets[0].name, "Sigmoid"),
        "the layer before the Sigmoid of the scores",
    )
    strength = Strength.SHAPE
    if "NonMaxSuppression" in evidence.graph.ops:
        strength = Strength.STRUCTURE
    elif evidence.names_outputs("dets", "labels"):
        strength = Strength.EVIDENCE
    yield MMDEPLOY.match(
        evidence,
        strength,
        (f"{dets[0]}, {labels[0]}: corners with scores, labels",),
        (step(Mmdeploy, "dets and labels"), POLYGON if masks else RECTANGLE),
        classes=classes,
    )


def _rtmo(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of RTMO: corners with scores, and the keypoints of people."""
    dets = [it for it in evidence.outputs_of_rank(3) if it.shape[2] == 5]
    points = [it for it in evidence.outputs_of_rank(4) if fits(it, (1, None, None, 3))]
    points = [it for it in points if it.shape[2] is not None and it.shape[3] == 3]
    if len(dets) != 1 or len(points) != 1 or len(evidence.outputs) != 2:
        return
    named = evidence.names_outputs("dets", "keypoints")
    keypoints = points[0].shape[2] or 0
    yield MMDEPLOY.match(
        evidence,
        Strength.EVIDENCE if named else Strength.SHAPE,
        (f"{dets[0]}, {points[0]}: corners with scores, keypoints",),
        (step(Mmdeploy, "dets and keypoints; NMS inside", keypoints=points[0].name), SKELETON),
        name="RTMO: people with keypoints",
        input_format=InputFormat(
            Resizing("letterbox", "rtmlib pads right and bottom for RTMO", align="top_left"),
            Values(scale=1),
            Channels("bgr", "RTMO is trained on BGR, 0..255"),
        ),
        classes=PERSON,
        keypoints=keypoints,
    )


MMDEPLOY = Family(
    name="MMDeploy (RTMDet and others)",
    steps=(Mmdeploy,),
    recognize=recognize,
    precedence=140,
    input_format=InputFormat(
        Resizing("letterbox", "RTMDet pads right and bottom", align="top_left"),
        Values(_BGR, 1, MMDET_MEAN, MMDET_STD, guessed=True),
        Channels("bgr", _BGR, guessed=True),
    ),
)
