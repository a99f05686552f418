"""YOLOX: raw candidates in rows, with boxes in cells, [1, candidates, 5 + classes]."""

from collections.abc import Iterator

from builder.families.catalog.nanodet import is_nanodet
from builder.families.catalog.yolov8 import SHAPES
from builder.families.common_steps import NMS
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.grid_heads import (
    STRIDES,
    boxes_are_decoded,
    objectness_classes,
    rows_of_candidates,
    scores_fit,
)
from builder.families.input_format import Channels, InputFormat, Resizing, Values
from builder.families.match import Match, step
from builder.families.sureness import Strength
from runtimes.decoders.yolox import Yolox


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize one candidate per cell whose box the graph does not decode."""
    tensor = rows_of_candidates(evidence)
    if tensor is None or is_nanodet(evidence, tensor):
        return
    if evidence.cell_count(STRIDES) not in (tensor.shape[1], None):
        return
    decoded, why = boxes_are_decoded(evidence, tensor)
    if decoded or scores_fit(evidence, tensor, 4) is False:
        return
    yield YOLOX.match(
        evidence,
        Strength.SHAPE if decoded is None else Strength.STRUCTURE,
        (why,),
        (
            step(Yolox, f"{tensor}: boxes in cells, objectness, classes"),
            NMS,
            SHAPES["detect"],
        ),
        classes=objectness_classes(tensor),
    )


YOLOX = Family(
    name="YOLOX",
    steps=(Yolox,),
    recognize=recognize,
    precedence=40,
    input_format=InputFormat(
        Resizing("letterbox", "YOLOX pads right and bottom", align="top_left"),
        Values(scale=1, exception="the model is older than YOLOX 0.1.1"),
        Channels("bgr", "YOLOX is trained on BGR, 0..255"),
    ),
    required=frozenset({"resizing", "channels", "values"}),
    candidates_overlap=True,
)
