"""Torchvision's detectors: boxes [N, 4], labels [N], scores [N], maybe masks or keypoints."""

from collections.abc import Iterator
from dataclasses import replace

from builder.families.common_steps import POLYGON, RECTANGLE, SKELETON
from builder.families.evidence import Evidence, is_integer
from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing, Values
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.rcnn import Torchvision
from runtimes.signature import Tensor

_COCO_KEYPOINTS = 17


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize boxes beside a list of integers and a list of scores."""
    boxes = [it for it in evidence.outputs_of_rank(2) if it.shape[1] == 4]
    lines = evidence.outputs_of_rank(1)
    labels = [tensor for tensor in lines if is_integer(tensor)]
    scores = [tensor for tensor in lines if not is_integer(tensor)]
    if len(boxes) != 1 or len(labels) != 1 or len(scores) != 1:
        return
    masks = [it for it in evidence.outputs_of_rank(4) if it.shape[1] in (1, None)]
    points = [it for it in evidence.outputs_of_rank(3) if it.shape[2] == 3]
    shape, result, keypoints = RECTANGLE, "Faster", 0
    if masks:
        shape, result = POLYGON, "Mask"
    elif points:
        shape, result = SKELETON, "Keypoint"
        keypoints = points[0].shape[1] or _COCO_KEYPOINTS
    image = evidence.image
    fixed = image is not None and (image.height or image.width)
    input_format = TORCHVISION.input_format
    if input_format and not fixed:
        input_format = replace(input_format, resizing=None)
    yield TORCHVISION.match(
        evidence,
        _strength(evidence),
        (f"{boxes[0]}, {labels[0]}, {scores[0]}: final detections",),
        (step(Torchvision, "boxes, labels, scores; class 0 is the background"), shape),
        name=f"torchvision: {result} R-CNN and similar",
        input_format=input_format,
        classes=_classes(evidence, scores[0]),
        keypoints=keypoints,
    )


def _strength(evidence: Evidence) -> Strength:
    """Return how strong the evidence for final detections is."""
    if "NonMaxSuppression" in evidence.graph.ops:
        return Strength.STRUCTURE
    named = evidence.names_outputs("box", "label", "score")
    return Strength.EVIDENCE if named else Strength.SHAPE


def _classes(evidence: Evidence, scores: Tensor) -> ClassList:
    """Count the classes by the layer that scores them."""
    count = evidence.graph.class_count(scores.name, "Softmax")
    if count is not None:
        why = "the layer before the Softmax of the scores, without its background"
        return ClassList(count - 1 if count > 1 else None, why)
    # RetinaNet, SSD and FCOS score each class on its own.
    count = evidence.graph.class_count(scores.name, "Sigmoid")
    return ClassList(count, "the layer before the Sigmoid of the scores")


TORCHVISION = Family(
    name="torchvision",
    steps=(Torchvision,),
    recognize=recognize,
    precedence=130,
    input_format=InputFormat(
        Resizing("letterbox", "torchvision keeps the aspect ratio", fill=0),
        Values("torchvision takes 0..1; the graph normalizes and resizes"),
    ),
)
