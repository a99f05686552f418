"""YOLOv5, 6 and 7: raw candidates in rows, [1, candidates, 5 + classes]."""

from collections.abc import Iterator

from builder.families.catalog.nanodet import is_nanodet
from builder.families.catalog.yolov8 import SHAPES, YOLO_INPUT
from builder.families.common_steps import NMS
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.grid_heads import (
    MOST_ROWS,
    STRIDES,
    boxes_are_decoded,
    objectness_classes,
    rows_of_candidates,
)
from builder.families.match import Match, Strength, step
from runtimes.decoders.yolo_objectness import YoloObjectness
from runtimes.signature import Tensor


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize candidates in rows whose boxes are in pixels."""
    tensor = rows_of_candidates(evidence)
    if tensor is None or is_nanodet(evidence, tensor):
        return
    rows, cells = tensor.shape[1], evidence.cell_count(STRIDES)
    if cells is not None and rows == 3 * cells:
        why = f"{tensor}: {rows} candidates, three for each cell of strides 8, 16, 32"
        yield _match(evidence, tensor, Strength.STRUCTURE, why)
    elif cells is None or rows == cells:
        decoded, why = boxes_are_decoded(evidence, tensor)
        if decoded is not False:
            yield _match(evidence, tensor, Strength.STRUCTURE if decoded else Strength.SHAPE, why)
    elif rows is not None and rows > MOST_ROWS:
        yield _match(evidence, tensor, Strength.SHAPE, f"{tensor}: candidates in rows")


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
