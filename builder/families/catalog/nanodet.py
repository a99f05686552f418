"""NanoDet and NanoDet-Plus: raw candidates, with class scores and bins for each side of a box."""

from collections.abc import Iterator

from builder.families.catalog.yolov8 import SHAPES
from builder.families.common_steps import NMS
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.grid_heads import STRIDES, rows_of_candidates, scores_fit
from builder.families.input_format import (
    MMDET_MEAN,
    MMDET_STD,
    Channels,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import ClassList, DraftStep, Match, step
from builder.families.sureness import Strength
from runtimes.decoders.nanodet import Nanodet
from runtimes.signature import Tensor

PICODET = "PicoDet (its cells have their centers half a stride further)"
_BINS = 32
"""4 sides of 8 bins."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize one output of all strides, or two outputs for each stride."""
    tensor = rows_of_candidates(evidence)
    if tensor is not None and is_nanodet(evidence, tensor):
        count = (tensor.shape[2] or 0) - _BINS
        scored = scores_fit(evidence, tensor, 0, count)
        if scored is False:
            return
        strides = ", ".join(map(str, (*STRIDES, 64)))
        yield _match(
            evidence,
            f"{tensor}: candidates of strides {strides}, 32 bins each",
            step(Nanodet, f"{tensor}: class scores and bins"),
            ClassList(count, f"{tensor}: {count} classes + 4 x 8 bins"),
            side=416,
            strength=Strength.EVIDENCE if scored else Strength.SHAPE,
        )
    else:
        yield from _two_per_stride(evidence)


def is_nanodet(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether candidates in rows are NanoDet's: four strides, and 32 bins beside the classes."""
    columns = tensor.shape[2]
    cells = evidence.cell_count((*STRIDES, 64))
    return cells == tensor.shape[1] and columns is not None and columns > _BINS


def is_picodet(evidence: Evidence) -> bool:
    """Whether outputs are PicoDet's: scores and bins of four strides, exported from Paddle."""
    heads = evidence.outputs_of_rank(3)
    bins = [tensor for tensor in heads if tensor.shape[2] == _BINS]
    from_paddle = "paddle" in evidence.graph.description.lower() or all(
        ".tmp_" in tensor.name for tensor in heads
    )
    return len(heads) == len(evidence.outputs) == 8 and len(bins) >= 4 and from_paddle


def _two_per_stride(evidence: Evidence) -> Iterator[Match]:
    """Yield the match of [1, n, classes] and [1, n, 32] for each stride."""
    heads = evidence.outputs_of_rank(3)
    if is_picodet(evidence):
        return
    if len(heads) != len(evidence.outputs) or len(heads) not in (6, 8):
        return
    bins = [tensor for tensor in heads if tensor.shape[2] == _BINS]
    scores = [tensor for tensor in heads if tensor.shape[2] != _BINS]
    if len(bins) == len(heads):
        # As many classes as bins: names tell them apart.
        scores = [tensor for tensor in heads if "cls" in tensor.name.lower()]
        bins = [tensor for tensor in heads if tensor not in scores]
    if len(scores) != len(bins) or len({tensor.shape[2] for tensor in scores}) != 1:
        return
    count = scores[0].shape[2]
    why = f"{len(heads)} outputs: scores and bins of each stride"
    decoder = step(Nanodet, why)
    if len(heads) == 6:
        decoder = step(Nanodet, why, strides=list(STRIDES), center="middle")
    yield _match(
        evidence,
        f"{len(bins)} outputs of 32 bins, {len(scores)} of {count} scores",
        decoder,
        ClassList(count, f"{scores[0]}: {count} classes"),
        side=320,
        strength=Strength.SHAPE,
        other_tasks=(PICODET,),
    )


def _match(
    evidence: Evidence,
    why: str,
    decoder: DraftStep,
    classes: ClassList,
    *,
    side: int,
    strength: Strength,
    other_tasks: tuple[str, ...] = (),
) -> Match:
    """Return the match of a NanoDet that is trained on images of this side."""
    return NANODET.match(
        evidence,
        strength,
        (why,),
        (decoder, NMS, SHAPES["detect"]),
        input_format=_input_format(side),
        classes=classes,
        other_tasks=other_tasks,
    )


def _input_format(side: int) -> InputFormat:
    """Return how images look to a NanoDet."""
    return InputFormat(
        Resizing("resize", "NanoDet is trained on stretched images", side=side),
        Values("as in NanoDet", 1, MMDET_MEAN, MMDET_STD),
        Channels("bgr", "as in NanoDet"),
    )


NANODET = Family(
    name="NanoDet",
    steps=(Nanodet,),
    recognize=recognize,
    precedence=50,
    input_format=_input_format(320),
    candidates_overlap=True,
)
