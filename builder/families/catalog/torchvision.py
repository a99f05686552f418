"""Torchvision's and Detectron2's detectors: boxes [N, 4], labels [N], scores [N], and more."""

from collections.abc import Iterator
from dataclasses import replace

from builder.families.catalog.final_boxes import is_named
from builder.families.common_steps import POLYGON, RECTANGLE, SKELETON
from builder.families.evidence import Evidence, is_integer
from builder.families.family import Family
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import ClassList, DraftStep, Match, step
from builder.families.preprocessing import draft
from builder.families.sureness import Strength
from runtimes.decoders.rcnn import Torchvision
from runtimes.preprocess.values import Normalize
from runtimes.signature import Tensor

_COCO_KEYPOINTS = 17
_DETECTRON2 = InputFormat(
    # The mean color: Detectron2 pads with zeros after it has subtracted the mean.
    Resizing(
        "letterbox",
        "Detectron2 keeps the aspect ratio; shorter side 800",
        side=800,
        align="top_left",
        fill=(124, 116, 104),
    ),
    Values(scale=1),
    Channels("bgr", "Detectron2's models are trained on BGR"),
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize boxes beside a list of integers and a list of scores."""
    boxes = [it for it in evidence.outputs_of_rank(2) if it.shape[1] == 4]
    lines = evidence.outputs_of_rank(1)
    whole = [tensor for tensor in lines if is_integer(tensor)]
    labels = [tensor for tensor in whole if len(whole) == 1 or tensor.shape != (2,)]
    scores = [tensor for tensor in lines if not is_integer(tensor)]
    if len(boxes) != 1 or len(labels) != 1 or len(scores) != 1 or is_named(evidence):
        return
    masks = [it for it in evidence.outputs_of_rank(4) if it.shape[1] in (1, None)]
    points = [it for it in evidence.outputs_of_rank(3) if it.shape[2] == 3]
    shape, result, keypoints = RECTANGLE, "Faster", 0
    if masks:
        shape, result = POLYGON, "Mask"
    elif points:
        shape, result = SKELETON, "Keypoint"
        keypoints = points[0].shape[1] or _COCO_KEYPOINTS
    if len(whole) > 1 or "class" in labels[0].name.lower():
        yield _detectron2(evidence, boxes[0], labels[0], scores[0], shape, keypoints)
        return
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


def _detectron2(
    evidence: Evidence,
    boxes: Tensor,
    labels: Tensor,
    scores: Tensor,
    shape: DraftStep,
    keypoints: int,
) -> Match:
    """Return the match of Detectron2's detectors, which have no background and normalize inside."""
    image = evidence.image
    values = step(Normalize, "Detectron2's models take 0..255 and normalize in the graph", scale=1)
    begins = evidence.graph.input_ops(image.name) if image else []
    if not {"Sub", "Div", "Mul"} & {*begins}:
        values = replace(values, guessed=True)
    return TORCHVISION.match(
        evidence,
        _strength(evidence),
        (f"{boxes}, {labels}, {scores}: final detections, as Detectron2 names them",),
        (step(Torchvision, "boxes, classes, scores", background=False), shape),
        name="Detectron2: R-CNN and similar",
        preprocess=(*draft(evidence, _DETECTRON2), values),
        classes=_classes(evidence, scores),
        keypoints=keypoints,
    )


def _strength(evidence: Evidence) -> Strength:
    """Return how strong the evidence for final detections is."""
    if "NonMaxSuppression" in evidence.graph.ops:
        return Strength.STRUCTURE
    named = any(evidence.names_outputs("box", it, "score") for it in ("label", "class"))
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
