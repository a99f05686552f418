"""OpenVINO's detectors that give boxes [N, 5] and labels [N], as face-detection-0205."""

from collections.abc import Iterator

from builder.families.catalog.ssd import OPENCV_INPUT
from builder.families.class_count import of_labels
from builder.families.common_steps import RECTANGLE
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.ssd import OpenvinoBoxes


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize a table of corners with scores, and a list beside it."""
    boxes = [it for it in evidence.outputs_of_rank(2) if it.shape[1] == 5]
    if len(evidence.outputs) != 2 or len(boxes) != 1:
        return
    (other,) = (tensor for tensor in evidence.outputs if tensor is not boxes[0])
    if len(other.shape) != 1:
        return
    named = evidence.names_outputs("boxes", "labels")
    yield OPENVINO_BOXES.match(
        evidence,
        Strength.EVIDENCE if named else Strength.SHAPE,
        (f"{boxes[0]} and {other}: corners with scores, labels",),
        (step(OpenvinoBoxes, f"{boxes[0]}: corners in pixels, score"), RECTANGLE),
        classes=of_labels(evidence.graph, other.name) or ClassList(None),
    )


OPENVINO_BOXES = Family(
    name="OpenVINO boxes and labels",
    steps=(OpenvinoBoxes,),
    recognize=recognize,
    precedence=110,
    input_format=OPENCV_INPUT,
    required=frozenset({"resizing"}),
)
