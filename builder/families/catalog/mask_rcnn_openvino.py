"""TensorFlow's Mask R-CNN, converted by OpenVINO: rows [N, 7], masks [N, classes, 33, 33]."""

from collections.abc import Iterator

from builder.families.catalog.ssd import OPENCV_INPUT
from builder.families.common_steps import POLYGON
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.rcnn import MaskRcnnOpenvino


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize a table of detections and square masks."""
    tables = [it for it in evidence.outputs if fits(it, (None, 7), (1, 1, None, 7))]
    masks = [
        it
        for it in evidence.outputs_of_rank(4)
        if it not in tables and it.shape[2] == it.shape[3] and it.shape[2] is not None
    ]
    if len(evidence.outputs) != 2 or len(tables) != 1 or len(masks) != 1:
        return
    strength = Strength.SHAPE
    if "DetectionOutput" in evidence.graph.ops:
        strength = Strength.STRUCTURE
    elif evidence.names_outputs("mask"):
        strength = Strength.EVIDENCE
    yield MASK_RCNN_OPENVINO.match(
        evidence,
        strength,
        (f"{tables[0]} and {masks[0]}: rows and a small mask for each class",),
        (step(MaskRcnnOpenvino, f"{tables[0]}, {masks[0]}"), POLYGON),
        classes=ClassList(masks[0].shape[1], f"{masks[0]}: a mask for each class"),
    )


MASK_RCNN_OPENVINO = Family(
    name="Mask R-CNN of TensorFlow, through OpenVINO",
    steps=(MaskRcnnOpenvino,),
    recognize=recognize,
    precedence=100,
    input_format=OPENCV_INPUT,
)
