"""YOLO that ends in TensorRT's EfficientNMS plug-in: a number, boxes, scores, classes."""

from collections.abc import Iterator

from builder.families.catalog.final_boxes import is_named
from builder.families.catalog.yolov8 import YOLO_INPUT
from builder.families.class_count import of_labels
from builder.families.common_steps import RECTANGLE
from builder.families.evidence import Evidence, fits, is_integer
from builder.families.family import Family
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.efficient_nms import EfficientNms


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize four outputs, among them boxes and an integer number of them."""
    if len(evidence.outputs) != 4 or is_named(evidence):
        return
    boxes = [it for it in evidence.outputs_of_rank(3) if fits(it, (1, None, 4))]
    one = ((1, 1), (1,), (None, 1))
    counts = [it for it in evidence.outputs if it.shape in one and is_integer(it)]
    if len(boxes) != 1 or not counts:
        return
    labels = evidence.output_named("class") or boxes[0]
    classes = ClassList(evidence.ultralytics.names, "metadata names")
    if classes.count is None:
        classes = of_labels(evidence.graph, labels.name) or ClassList(None)
    listing = ", ".join(tensor.name for tensor in evidence.outputs)
    strength = Strength.SHAPE
    if any(op.startswith("EfficientNMS") for op in evidence.graph.ops):
        strength = Strength.STRUCTURE
    elif evidence.names_outputs("num", "box", "score", "class"):
        strength = Strength.EVIDENCE
    yield EFFICIENT_NMS.match(
        evidence,
        strength,
        (f"{listing}: a number, boxes, scores, classes",),
        (step(EfficientNms, "num_dets, det_boxes, det_scores, det_classes"), RECTANGLE),
        classes=classes,
    )


EFFICIENT_NMS = Family(
    name="YOLO with EfficientNMS",
    steps=(EfficientNms,),
    recognize=recognize,
    precedence=120,
    input_format=YOLO_INPUT,
)
