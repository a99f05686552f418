"""RT-DETR, D-FINE, DEIM and RF-DETR: queries with a sigmoid for each class."""

from collections.abc import Iterator
from dataclasses import replace

from builder.families.class_count import of_labels
from builder.families.common_steps import POLYGON, RECTANGLE
from builder.families.evidence import Evidence, fits
from builder.families.family import Family
from builder.families.grid_heads import STRIDES
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import ClassList, Match, step
from builder.families.query_heads import is_rfdetr, logits_and_boxes, selecting_operations
from builder.families.sureness import Strength
from runtimes.decoders.detr import Rtdetr, RtdetrConcat, RtdetrDeploy
from runtimes.signature import Tensor

_COCO = 80
"""Classes of COCO."""
_INPUT = InputFormat(
    Resizing("resize", "RT-DETR is trained on stretched images"), Values("RT-DETR takes 0..1")
)
_TRANSFORMERS_INPUT = replace(
    _INPUT, resizing=Resizing("resize", "as in Hugging Face transformers", antialias=True)
)
_RFDETR_INPUT = InputFormat(
    Resizing("resize", "RF-DETR is trained on stretched images", side=560),
    Values("RF-DETR's mean and std are ImageNet's", mean=IMAGENET_MEAN, std=IMAGENET_STD),
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize the exports of transformers, RF-DETR, the authors and Ultralytics."""
    logits, boxes = logits_and_boxes(evidence)
    if logits is not None and boxes is not None:
        yield from _of_logits(evidence, logits, boxes)
    yield from _deployed(evidence)
    yield from _concatenated(evidence)


def _of_logits(evidence: Evidence, logits: Tensor, boxes: Tensor) -> Iterator[Match]:
    """Yield the match of [1, queries, classes] and [1, queries, 4]."""
    if is_rfdetr(logits, boxes):
        why = "the outputs dets and labels, with floating-point labels"
        yield _match(evidence, logits, Strength.STRUCTURE, why, "RF-DETR", _RFDETR_INPUT)
        return
    name = "RT-DETR, D-FINE (transformers)"
    selecting = selecting_operations(evidence)
    if selecting:
        why = f"the graph selects and samples queries ({', '.join(selecting)})"
        yield _match(evidence, logits, Strength.STRUCTURE, why, name, _TRANSFORMERS_INPUT)
    elif not {"Softmax", "MatMul"} <= evidence.graph.ops:
        why = f"{logits}, {boxes}"
        yield _match(evidence, logits, Strength.SHAPE, why, name, _TRANSFORMERS_INPUT)


def _match(
    evidence: Evidence,
    logits: Tensor,
    strength: Strength,
    why: str,
    name: str,
    input_format: InputFormat,
) -> Match:
    """Return the match of logits and boxes, and perhaps masks."""
    masks = [it for it in evidence.outputs_of_rank(4) if "mask" in it.name.lower()]
    return RTDETR.match(
        evidence,
        strength,
        (why,),
        (
            step(Rtdetr, f"{logits}: sigmoid, the best of all queries and classes"),
            POLYGON if masks else RECTANGLE,
        ),
        name=f"{name}: masks" if masks else name,
        input_format=input_format,
        classes=ClassList(logits.shape[2], f"{logits}"),
    )


def _deployed(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of the authors' own export: labels, boxes, scores."""
    if evidence.input_named("orig_target_sizes") is None or len(evidence.outputs) != 3:
        return
    boxes = [tensor for tensor in evidence.outputs if fits(tensor, (1, None, 4))]
    if len(boxes) != 1 or sum(fits(tensor, (1, None)) for tensor in evidence.outputs) != 2:
        return
    # The best entries of queries x classes are chosen; their class ID is the index modulo classes.
    labels, scores = evidence.output_named("label"), evidence.output_named("score")
    classes = of_labels(evidence.graph, labels.name) if labels else None
    if classes is None:
        count = evidence.graph.class_count(scores.name, "Sigmoid") if scores else None
        classes = ClassList(count, "the layer before the Sigmoid of the scores")
    yield RTDETR.match(
        evidence,
        Strength.STRUCTURE,
        ("the input orig_target_sizes, and labels, boxes and scores",),
        (step(RtdetrDeploy, "labels, boxes and scores, decoded in the graph"), RECTANGLE),
        name="RT-DETR, D-FINE, DEIM (deployed)",
        classes=classes,
    )


def _concatenated(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of Ultralytics' export: [1, queries, 4 + classes]."""
    if len(evidence.outputs) != 1 or not fits(evidence.outputs[0], (1, None, None)):
        return
    (tensor,) = evidence.outputs
    queries, columns = tensor.shape[1:]
    if columns is None or columns < 5 or (queries is not None and not 50 <= queries <= 1000):
        return
    if evidence.cell_count(STRIDES) == columns:  # candidates of a raw head
        return
    metadata = evidence.ultralytics
    if evidence.is_fraction(tensor) is False and not metadata.rtdetr:
        return
    if metadata.rtdetr:
        strength, why = Strength.METADATA, "metadata description: RT-DETR"
    elif metadata.task == "detect" and metadata.names == columns - 4 and columns != 6:
        strength = Strength.METADATA
        why = f"{tensor}: 4 for the box + {metadata.names} named classes"
    elif metadata.task is None and "GridSample" in evidence.graph.ops:
        strength, why = Strength.STRUCTURE, f"{tensor}, and the graph samples (GridSample)"
    elif metadata.task is None and (columns == 4 + _COCO or evidence.labels == columns - 4):
        strength = Strength.EVIDENCE if evidence.is_fraction(tensor) else Strength.SHAPE
        why = f"{tensor}: 4 for the box + {columns - 4} classes"
        if columns == 4 + _COCO:
            why += ", as COCO has"
    else:
        return
    yield RTDETR.match(
        evidence,
        strength,
        (why,),
        (step(RtdetrConcat, f"{tensor}: boxes in 0..1 and class scores"), RECTANGLE),
        name="RT-DETR (Ultralytics)",
        classes=ClassList(columns - 4, f"{tensor}: 4 for the box + {columns - 4} classes"),
    )


RTDETR = Family(
    name="RT-DETR, D-FINE",
    steps=(Rtdetr, RtdetrDeploy, RtdetrConcat),
    recognize=recognize,
    precedence=80,
    input_format=_INPUT,
    required=frozenset({"resizing"}),
)
