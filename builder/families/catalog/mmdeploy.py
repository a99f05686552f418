"""Detectors that MMDeploy exports: dets [1, N, 5], labels [1, N], maybe masks."""

from collections.abc import Iterator

from builder.families.class_count import of_labels
from builder.families.common_steps import POLYGON, RECTANGLE
from builder.families.evidence import Evidence, is_integer
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
    """Recognize corners with scores beside integer labels."""
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
