"""Heatmaps of one person's keypoints, a quarter as large as the input: HRNet, ViTPose."""

from collections.abc import Iterator

from builder.families.catalog.rtmpose import MMPOSE_VALUES
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.heatmap import Heatmap
from runtimes.shapes.keypoints import Skeleton
from runtimes.signature import Tensor

_KEYPOINT_COUNTS = (17, 133, 26, 21, 16, 14, 19, 68, 98, 106)
"""Numbers of keypoints in data sets of people, hands and faces."""


def can_be_heatmaps(evidence: Evidence, tensor: Tensor, channels: int) -> bool:
    """Whether an output is a quarter of the input and has as many channels as a body keypoints."""
    if evidence.size is None or channels not in _KEYPOINT_COUNTS:
        return False
    return tensor.shape[2:] == (evidence.size[0] // 4, evidence.size[1] // 4)


def is_upright(evidence: Evidence) -> bool:
    """Whether the input has the aspect ratio 3:4, as crops of people have."""
    return evidence.size is not None and evidence.size[0] * 3 == evidence.size[1] * 4


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize heatmaps by their size and number, and by the output's name."""
    if len(evidence.outputs) != 1 or evidence.ultralytics.task is not None:
        return
    (tensor,) = evidence.outputs
    if not fits(tensor, (1, None, None, None)) or not tensor.dtype.startswith("float"):
        return
    channels = tensor.shape[1]
    if channels is None or not can_be_heatmaps(evidence, tensor, channels):
        return
    assert evidence.size is not None
    height, width = evidence.size
    upright = is_upright(evidence)
    why = f"{tensor}: {channels} maps, a quarter of {height}x{width}"
    if upright:
        why += ", the aspect ratio of crops of people"
    yield HEATMAP.match(
        evidence,
        Strength.EVIDENCE if "heatmap" in tensor.name.lower() else Strength.SHAPE,
        (why,),
        (step(Heatmap, f"{tensor}: one person per image"), step(Skeleton, "keypoints")),
        classes=ClassList(1, "one person", names=("person",)),
        keypoints=channels,
    )


HEATMAP = Family(
    name="heatmaps of keypoints (HRNet, ViTPose)",
    steps=(Heatmap,),
    recognize=recognize,
    precedence=180,
    input_format=InputFormat(
        Resizing("letterbox", "people are cropped with their aspect ratio", side=256, fill=0),
        MMPOSE_VALUES,
    ),
)
