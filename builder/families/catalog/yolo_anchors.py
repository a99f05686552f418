"""YOLOv3, 4 and 5 as they leave their last convolutions: one output for each stride."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from builder.families.catalog.yolov8 import SHAPES, YOLO_INPUT
from builder.families.common_steps import NMS
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.grid_heads import STRIDES
from builder.families.input_format import Values
from builder.families.match import ClassList, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.yolo_anchors import YoloAnchors
from runtimes.signature import Tensor

_TINY = [[[10, 14], [23, 27], [37, 58]], [[81, 82], [135, 169], [344, 319]]]
_V4 = [
    [[12, 16], [19, 36], [40, 28]],
    [[36, 75], [76, 55], [72, 146]],
    [[142, 110], [192, 243], [459, 401]],
]
"""Anchors for COCO: cfg/yolov3-tiny.cfg and cfg/yolov4.cfg of github.com/AlexeyAB/darknet."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize outputs with three anchors per cell and as many classes each."""
    heads = evidence.outputs_of_rank(4, 5)
    if len(heads) not in (2, 3) or len(heads) != len(evidence.outputs):
        return
    counts = {_class_count(evidence, tensor) for tensor in heads}
    count = counts.pop()
    if counts or count is None:
        return
    if len(heads[0].shape) == 5:
        yield _match(evidence, heads, count, "v5")
        return
    yield _match(evidence, heads, count, "v3")
    if len(heads) == 3:
        yield _match(evidence, heads, count, "v4")


def _match(evidence: Evidence, heads: list[Tensor], count: int, form: str) -> Match:
    """Return the match of heads of "v3", "v4" or "v5"."""
    fields: dict[str, Any] = {}
    if form == "v5":
        fields["form"] = "v5"
    if len(heads) == 2:
        fields["anchors"] = _TINY
    if form == "v4":
        fields |= {"anchors": _V4, "scale_xy": [1.2, 1.1, 1.05]}
    if all(evidence.graph.activation(it.name) == "sigmoid" for it in heads):
        fields["activated"] = True
    listing = ", ".join(str(it) for it in heads)
    why = f"{len(heads)} outputs of 3 x (5 + {count}) values per cell; anchors for COCO"
    values = replace(_VALUES, guessed=form != "v5")
    return YOLO_ANCHORS.match(
        evidence,
        Strength.EVIDENCE if evidence.labels == count else Strength.SHAPE,
        (f"{listing}: 3 anchors x (5 + {count} classes)",),
        (step(YoloAnchors, why, guessed=True, **fields), NMS, SHAPES["detect"]),
        name=f"YOLO{form}, raw heads",
        input_format=replace(YOLO_INPUT, values=values),
        classes=ClassList(count, f"{heads[0]}: 3 x (5 + {count})"),
    )


def _class_count(evidence: Evidence, tensor: Tensor) -> int | None:
    """Return the number of classes of an output with three anchors per cell, else None."""
    shape = tensor.shape
    if shape[0] not in (1, None):
        return None
    if len(shape) == 5:
        last = shape[4]
        anchored = 3 in (shape[1], shape[3])
        return last - 5 if last is not None and last > 5 and anchored else None
    for channels, sides in ((shape[1], shape[2:]), (shape[3], shape[1:3])):
        if channels is None or channels % 3 or channels < 18:
            continue
        strides = [
            size / cells
            for size, cells in zip(evidence.size or (), sides, strict=False)
            if cells is not None
        ]
        if len(set(strides)) <= 1 and all(stride in STRIDES for stride in strides):
            return channels // 3 - 5
    return None


_VALUES = Values("Darknet and YOLOv5 take 0..1")

YOLO_ANCHORS = Family(
    name="YOLOv3, 4, 5, raw heads",
    steps=(YoloAnchors,),
    recognize=recognize,
    precedence=60,
    input_format=replace(YOLO_INPUT, values=_VALUES),
    candidates_overlap=True,
)
