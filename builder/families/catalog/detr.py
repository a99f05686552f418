"""DETR: logits [1, queries, classes + 1], with a class for nothing, and boxes [1, queries, 4]."""

from collections.abc import Iterator

from builder.families.common_steps import RECTANGLE
from builder.families.evidence import Evidence
from builder.families.family import Family
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
from runtimes.decoders.detr import Detr
from runtimes.signature import Tensor


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize logits and boxes of fixed queries."""
    logits, boxes = logits_and_boxes(evidence)
    if logits is None or boxes is None or is_rfdetr(logits, boxes):
        return
    if selecting_operations(evidence):
        return
    if {"Softmax", "MatMul"} <= evidence.graph.ops:
        why = "fixed queries (no TopK, no GridSample)"
        yield _match(evidence, logits, Strength.STRUCTURE, why)
    else:
        yield _match(evidence, logits, Strength.SHAPE, f"{logits}, {boxes}")


def _match(evidence: Evidence, logits: Tensor, strength: Strength, why: str) -> Match:
    """Return the match of a DETR."""
    count = None if logits.shape[2] is None else logits.shape[2] - 1
    return DETR.match(
        evidence,
        strength,
        (why,),
        (step(Detr, f"{logits}: softmax; the last class means no object"), RECTANGLE),
        classes=ClassList(count, f"{logits}: {count} classes + 1 for no object"),
    )


DETR = Family(
    name="DETR",
    steps=(Detr,),
    recognize=recognize,
    precedence=70,
    input_format=InputFormat(
        Resizing("resize", "as in Hugging Face transformers", side=800, antialias=True),
        Values("DETR's mean and std are ImageNet's", mean=IMAGENET_MEAN, std=IMAGENET_STD),
    ),
    required=frozenset({"resizing"}),
)
