"""YOLOv5, 6 and 7: raw candidates in rows, [1, candidates, 5 + classes]."""

from collections.abc import Iterator

from builder.families.catalog.nanodet import is_nanodet
from builder.families.catalog.yolov8 import SHAPES, YOLO_INPUT
from builder.families.common_steps import NMS
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.grid_heads import (
    boxes_are_decoded,
    fits_grid,
    objectness_classes,
    rows_of_candidates,
    scores_fit,
    strides_of,
)
from builder.families.match import Match, step
from builder.families.sureness import Strength
from runtimes.decoders.yolo_objectness import YoloObjectness
from runtimes.signature import Tensor


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize candidates in rows whose boxes are in pixels."""
    tensor = rows_of_candidates(evidence)
    if tensor is None or is_nanodet(evidence, tensor):
        return
    rows = tensor.shape[1]
    scored = scores_fit(evidence, tensor, 4)
    if rows is None or scored is False:
        return
    decoded, why = boxes_are_decoded(evidence, tensor)
    anchored = evidence.size and strides_of(evidence, rows, 3)
    if anchored:
        listed = ", ".join(map(str, anchored))
        why = f"{tensor}: {rows} candidates, three for each cell of strides {listed}; {why}"
        strength = Strength.EVIDENCE if scored else Strength.SHAPE
        yield _match(evidence, tensor, Strength.STRUCTURE if decoded else strength, why)
    elif fits_grid(evidence, rows) and decoded is not False:
        yield _match(evidence, tensor, Strength.STRUCTURE if decoded else Strength.SHAPE, why)


def _match(evidence: Evidence, tensor: Tensor, strength: Strength, why: str) -> Match:
    """Return the match of candidates in rows."""
    return YOLO_OBJECTNESS.match(
        evidence,
        strength,
        (why,),
        (
            step(YoloObjectness, f"{tensor}: boxes, objectness, classes"),
            NMS,
            SHAPES["detect"],
        ),
        name=f"{YOLO_OBJECTNESS.name}: boxes with objectness",
        classes=objectness_classes(tensor),
    )


YOLO_OBJECTNESS = Family(
    name="YOLOv5, 6, 7",
    steps=(YoloObjectness,),
    recognize=recognize,
    precedence=30,
    input_format=YOLO_INPUT,
    required=frozenset({"resizing", "values"}),
    candidates_overlap=True,
)
