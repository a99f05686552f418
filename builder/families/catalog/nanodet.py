"""NanoDet and PicoDet: raw candidates, with class scores and bins for each side of a box."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from builder.families.catalog.yolov8 import SHAPES
from builder.families.common_steps import NMS
from builder.families.evidence import Evidence, are_fractions
from builder.families.family import Family
from builder.families.grid_heads import STRIDES, scores_fit
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    MMDET_MEAN,
    MMDET_STD,
    Channels,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import ClassList, DraftStep, Match, step
from builder.families.other_tasks import is_text_recognition
from builder.families.preprocessing import is_from_paddle
from builder.families.sureness import Strength
from runtimes.decoders.nanodet import Nanodet
from runtimes.refine.suppress import Nms
from runtimes.signature import Tensor

_BINS = 32
"""4 sides of 8 bins."""
_ALL_STRIDES = (*STRIDES, 64)
_PICODET_INPUT = InputFormat(
    Resizing("resize", "PaddleDetection's configs of PicoDet stretch images", side=416),
    Values("ImageNet's, as in PaddleDetection's PicoDet", mean=IMAGENET_MEAN, std=IMAGENET_STD),
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize one output of all strides, or two outputs for each stride."""
    whole = [it for it in evidence.outputs_of_rank(3) if is_nanodet(evidence, it)]
    if len(whole) == 1 and not is_text_recognition(evidence, whole[0]):
        yield from _of_one_output(evidence, whole[0])
    else:
        heads = _heads(evidence)
        if heads is not None:
            yield from _two_per_stride(evidence, *heads)


def is_nanodet(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether candidates in rows are NanoDet's: four strides, and 32 bins beside the classes."""
    rows, columns = tensor.shape[1:] if len(tensor.shape) == 3 else (None, None)
    if rows is None or columns is None or not _BINS < columns < rows:
        return False
    return evidence.cell_count(_ALL_STRIDES) == rows


def _of_one_output(evidence: Evidence, tensor: Tensor) -> Iterator[Match]:
    """Yield the match of [1, candidates, classes + 32]."""
    count = (tensor.shape[2] or 0) - _BINS
    scored = scores_fit(evidence, tensor, 0, count)
    if scored is False or evidence.ultralytics.task is not None:
        return
    several = len(evidence.outputs_of_rank(3)) > 1
    fields: dict[str, Any] = {"output": tensor.name} if several else {}
    yield _match(
        evidence,
        f"{tensor}: candidates of strides {', '.join(map(str, _ALL_STRIDES))}, 32 bins each",
        step(Nanodet, f"{tensor}: class scores and bins", **fields),
        ClassList(count, f"{tensor}: {count} classes + 4 x 8 bins"),
        input_format=_input_format(416),
        strength=Strength.EVIDENCE if scored else Strength.SHAPE,
    )


def _heads(evidence: Evidence) -> tuple[list[Tensor], list[Tensor]] | None:
    """Return the outputs with class scores and those with bins, one of each per stride.

    Outputs of other sizes are ignored, and the order of the outputs does not matter.
    """
    cells = {evidence.cell_count((stride,)) for stride in _ALL_STRIDES}
    heads = [
        it
        for it in evidence.outputs_of_rank(3)
        if it.shape[2] is not None and (evidence.size is None or it.shape[1] in {None, *cells})
    ]
    bins = [tensor for tensor in heads if tensor.shape[2] == _BINS]
    if len(bins) in (6, 8):
        # As many classes as bins: names tell them apart.
        bins = [tensor for tensor in heads if "cls" not in tensor.name.lower()]
    by_columns: dict[int | None, list[Tensor]] = {}
    for tensor in heads:
        if tensor not in bins:
            by_columns.setdefault(tensor.shape[2], []).append(tensor)
    rows = Counter(tensor.shape[1] for tensor in bins)
    fitting = [it for it in by_columns.values() if Counter(one.shape[1] for one in it) == rows]
    if len(bins) not in (3, 4) or len(fitting) != 1:
        return None
    return fitting[0], bins


def _two_per_stride(
    evidence: Evidence, scores: list[Tensor], bins: list[Tensor]
) -> Iterator[Match]:
    """Yield the matches of [1, n, classes] and [1, n, 32] for each stride.

    NanoDet with three strides and PicoDet have their centers in the middle of a cell, NanoDet-Plus
    at its corner: no shape tells PicoDet from NanoDet-Plus.
    """
    fractions = are_fractions([it for tensor in scores for it in evidence.values(tensor)])
    if fractions is False:
        return
    count = scores[0].shape[2]
    classes = ClassList(count, f"{scores[0]}: {count} classes")
    why = f"{len(bins)} outputs of 32 bins, {len(scores)} of {count} scores"
    fields: dict[str, Any] = {}
    if len(evidence.outputs_of_rank(3)) > 2 * len(bins):
        fields = {"scores": [it.name for it in scores], "bins": [it.name for it in bins]}
    if len(bins) == 3:
        fields |= {"strides": list(STRIDES), "center": "middle"}
    decoder = step(Nanodet, f"{why}, one of each per stride", **fields)
    from_paddle = is_from_paddle(evidence)
    if not from_paddle:
        named = fractions and evidence.names_outputs("cls", "dis")
        yield _match(
            evidence,
            f"{why}; NanoDet's names and scores in 0..1" if named else why,
            decoder,
            classes,
            input_format=_input_format(320),
            strength=Strength.EVIDENCE if named else Strength.SHAPE,
        )
    if len(bins) == 4:
        if from_paddle:
            why += "; exported by PaddlePaddle"
        yield _match(
            evidence,
            why,
            step(
                Nanodet,
                f"{decoder.why}; PicoDet's centers, and PaddleDetection's classes",
                **fields,
                center="middle",
                multi_label=True,
            ),
            classes,
            input_format=_PICODET_INPUT,
            strength=Strength.EVIDENCE if from_paddle else Strength.SHAPE,
            name="PicoDet",
            suppression=step(Nms, "nms_threshold of PaddleDetection's PicoDet", iou=0.6),
        )


def _match(
    evidence: Evidence,
    why: str,
    decoder: DraftStep,
    classes: ClassList,
    *,
    input_format: InputFormat,
    strength: Strength,
    name: str = "NanoDet",
    suppression: DraftStep = NMS,
) -> Match:
    """Return the match of a decoder, followed by `nms`."""
    return NANODET.match(
        evidence,
        strength,
        (why,),
        (decoder, suppression, SHAPES["detect"]),
        name=name,
        input_format=input_format,
        classes=classes,
    )


def _input_format(side: int) -> InputFormat:
    """Return how images look to a NanoDet that is trained on images of this side."""
    return InputFormat(
        Resizing("resize", "NanoDet is trained on stretched images", side=side),
        Values("as in NanoDet", 1, MMDET_MEAN, MMDET_STD),
        Channels("bgr", "as in NanoDet"),
    )


NANODET = Family(
    name="NanoDet, PicoDet",
    steps=(Nanodet,),
    recognize=recognize,
    precedence=50,
    input_format=_input_format(320),
    candidates_overlap=True,
)
