"""RTMPose: bins along x, [1, K, 2W], and along y, [1, K, 2H], for each keypoint."""

from collections.abc import Iterator
from typing import Any

from builder.families.common_steps import PERSON, SKELETON
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import Match, step
from builder.families.sureness import Strength
from runtimes.decoders.heatmap import Simcc

MMPOSE_VALUES = Values("mmpose's mean and std are ImageNet's", mean=IMAGENET_MEAN, std=IMAGENET_STD)
"""What models of mmpose take."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize two outputs with twice as many bins as the input has columns and rows."""
    if len(evidence.outputs) != 2 or len(evidence.outputs_of_rank(3)) != 2 or not evidence.size:
        return
    height, width = evidence.size
    for x, y in (evidence.outputs, evidence.outputs[::-1]):
        keypoints = x.shape[1]
        named = x.name == "simcc_x" and y.name == "simcc_y"
        if height == width and not named and x is not evidence.outputs[0]:
            continue
        doubled = x.shape[2] == 2 * width and y.shape[2] == 2 * height
        if keypoints is None or keypoints != y.shape[1] or not (doubled or named):
            continue
        fields: dict[str, Any] = {} if named else {"x": x.name, "y": y.name}
        yield RTMPOSE.match(
            evidence,
            Strength.EVIDENCE if "simcc" in x.name and "simcc" in y.name else Strength.SHAPE,
            (f"{x}, {y}: two bins for each pixel of {height}x{width}",),
            (step(Simcc, f"{x}, {y}: one person per image", **fields), SKELETON),
            classes=PERSON,
            keypoints=keypoints,
        )
        return


RTMPOSE = Family(
    name="RTMPose (SimCC)",
    steps=(Simcc,),
    recognize=recognize,
    precedence=150,
    input_format=InputFormat(
        Resizing("letterbox", "people are cropped with their aspect ratio", fill=0),
        MMPOSE_VALUES,
    ),
)
