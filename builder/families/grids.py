"""Detectors with one candidate for each cell, or several: YOLOv3 to 7, YOLOX, NanoDet."""

from collections.abc import Iterator

from builder.families.evidence import Facts, fits
from builder.families.match import ClassList, Entry, Evidence, Match, step
from builder.families.preprocessing import bgr, letterbox, mmdet, sized, unit
from builder.families.yolo import MOST_ROWS, NMS, SHAPES, STRIDES
from runtimes.signature import Tensor


def objectness(facts: Facts) -> Iterator[Match]:
    """YOLOv5, 6 and 7, YOLOX and NanoDet: [1, candidates, columns]."""
    if len(facts.outputs) != 1 or not fits(facts.outputs[0], (1, None, None)):
        return
    (tensor,) = facts.outputs
    rows, columns = tensor.shape[1:]
    if facts.said.task not in (None, "detect") or columns is None or columns < 6:
        return
    if facts.graph.end(tensor.name) == "Softmax":  # text read letter by letter
        return
    if rows is None or rows <= columns:
        return
    cells = facts.cells(STRIDES)
    if facts.cells((*STRIDES, 64)) == rows and columns > 32:
        yield _nanodet(facts, tensor, columns - 32, (*STRIDES, 64))
        return
    if cells is not None and rows == 3 * cells:
        why = f"{tensor}: {rows} candidates, three for each cell of strides 8, 16, 32"
        yield _objectness(facts, tensor, Evidence.STRUCTURE, why)
        return
    if cells is None or rows == cells:
        decoded, why = _decoded(facts, tensor)
        for yes, make in ((True, _objectness), (False, _yolox)):
            if decoded in (yes, None):
                evidence = Evidence.SHAPE if decoded is None else Evidence.STRUCTURE
                yield make(facts, tensor, evidence, why)
        return
    if rows > MOST_ROWS:
        yield _objectness(facts, tensor, Evidence.SHAPE, f"{tensor}: candidates in rows")


def _decoded(facts: Facts, tensor: Tensor) -> tuple[bool | None, str]:
    """Whether boxes are in pixels already (YOLOv5, 6, 7) or in cells (YOLOX)."""
    values = facts.values.get(tensor.name)
    if values is not None and facts.size is not None and values.ndim == 3 and len(values[0]):
        centres = values[0, :, 0]
        spread = float(centres.max() - centres.min())
        if spread > facts.size[1] / 2:
            return True, f"{tensor}: centres are spread over {spread:.0f} pixels of a blank image"
        if spread < facts.size[1] / 8 and (values[0] != 0).any():
            return False, f"{tensor}: centres are within {spread:.1f} of their cells"
    arithmetic = {"Mul", "Add", "Pow", "Exp", "Div"}
    graph = facts.graph
    parts = graph.parts(tensor.name)
    if len(parts) < 2:
        return None, f"{tensor}: candidates in rows"
    boxes = graph.giver(parts[0])
    if boxes is None:
        return None, f"{tensor}: candidates in rows"
    if boxes.op == "Conv":
        return False, "boxes leave the graph as a convolution gives them"
    if boxes.op in arithmetic:
        return True, f"the graph decodes its boxes ({boxes.op})"
    return None, f"{tensor}: candidates in rows"


def _five(tensor: Tensor) -> ClassList:
    """The classes of a head with objectness."""
    count = (tensor.shape[-1] or 6) - 5
    return ClassList(count, f"{tensor}: 5 for box and objectness + {count} classes")


def _objectness(facts: Facts, tensor: Tensor, evidence: Evidence, why: str) -> Match:
    """YOLOv5, 6 or 7."""
    return Match(
        "YOLOv5, 6, 7: boxes with objectness",
        evidence,
        (why,),
        (letterbox(facts), *unit(facts, "YOLO takes 0..1")),
        (
            step("yolo_objectness", f"{tensor}: boxes, objectness, classes"),
            NMS,
            SHAPES["detect"],
        ),
        _five(tensor),
    )


def _yolox(facts: Facts, tensor: Tensor, evidence: Evidence, why: str) -> Match:
    """YOLOX without its decoding."""
    return Match(
        "YOLOX",
        evidence,
        (why,),
        (
            letterbox(facts, "YOLOX pads right and bottom", align="top_left"),
            *bgr(facts, "YOLOX reads through OpenCV, and takes 0..255"),
        ),
        (
            step("yolox", f"{tensor}: boxes in cells, objectness, classes"),
            NMS,
            SHAPES["detect"],
        ),
        _five(tensor),
    )


def _nanodet(facts: Facts, tensor: Tensor, count: int, strides: tuple[int, ...]) -> Match:
    """NanoDet with one output."""
    return Match(
        "NanoDet",
        Evidence.STRUCTURE,
        (f"{tensor}: candidates of strides {', '.join(map(str, strides))}, 32 bins each",),
        (
            sized(facts, "resize", "NanoDet stretches images", side=416),
            *mmdet(facts, "NanoDet's own"),
        ),
        (step("nanodet", f"{tensor}: class scores and bins"), NMS, SHAPES["detect"]),
        ClassList(count, f"{tensor}: {count} classes + 4 x 8 bins"),
    )


def nanodet_heads(facts: Facts) -> Iterator[Match]:
    """NanoDet with two outputs for each stride: [1, n, classes] and [1, n, 32]."""
    heads = facts.of_rank(3)
    if len(heads) != len(facts.outputs) or len(heads) not in (6, 8):
        return
    bins = [tensor for tensor in heads if tensor.shape[2] == 32]
    scores = [tensor for tensor in heads if tensor.shape[2] != 32]
    if len(bins) == len(heads):
        # As many classes as bins: names tell them apart.
        scores = [tensor for tensor in heads if "cls" in tensor.name.lower()]
        bins = [tensor for tensor in heads if tensor not in scores]
    strides = (*STRIDES, 64)[: len(heads) // 2]
    if len(scores) != len(bins) or len({tensor.shape[2] for tensor in scores}) != 1:
        return
    count = scores[0].shape[2]
    fields: dict[str, object] = {} if len(strides) == 4 else {"strides": list(strides)}
    if len(strides) == 3:
        fields["center"] = "middle"
    decoder = Entry("nanodet", fields, f"{len(heads)} outputs: scores and bins of each stride")
    yield Match(
        "NanoDet",
        Evidence.STRUCTURE,
        (f"{len(bins)} outputs of 32 bins, {len(scores)} of {count} scores",),
        (
            sized(facts, "resize", "NanoDet stretches images", side=320),
            *mmdet(facts, "NanoDet's own"),
        ),
        (decoder, NMS, SHAPES["detect"]),
        ClassList(count, f"{scores[0]}: {count} classes"),
    )


_TINY = [[[10, 14], [23, 27], [37, 58]], [[81, 82], [135, 169], [344, 319]]]
_V4 = [
    [[12, 16], [19, 36], [40, 28]],
    [[36, 75], [76, 55], [72, 146]],
    [[142, 110], [192, 243], [459, 401]],
]


def anchors(facts: Facts) -> Iterator[Match]:
    """YOLOv3, 4 and 5 as they leave their last convolutions: one output for each stride."""
    heads = facts.of_rank(4, 5)
    if len(heads) not in (2, 3) or len(heads) != len(facts.outputs):
        return
    found = {_anchored(facts, tensor) for tensor in heads}
    if len(found) != 1 or None in found:
        return
    count = found.pop()
    assert count is not None
    tensor = heads[0]
    tiny = len(heads) == 2
    activated = all(facts.graph.activation(it.name) == "sigmoid" for it in heads)
    options = [("YOLOv5, raw heads", "v5")]
    if len(tensor.shape) == 4:
        options = [("YOLOv3, raw heads", "v3")]
        if not tiny:
            options.append(("YOLOv4, raw heads", "v4"))
    for family, form in options:
        fields: dict[str, object] = {}
        if form == "v5":
            fields["form"] = "v5"
        if tiny:
            fields["anchors"] = _TINY
        if form == "v4":
            fields |= {"anchors": _V4, "scale_xy": [1.2, 1.1, 1.05]}
        if activated:
            fields["activated"] = True
        listing = ", ".join(str(it) for it in heads)
        why = f"{len(heads)} outputs of 3 x (5 + {count}) values a cell"
        yield Match(
            family,
            Evidence.SHAPE,
            (f"{listing}: 3 anchors x (5 + {count} classes)",),
            (letterbox(facts), *unit(facts, "Darknet and YOLOv5 take 0..1", guessed=form != "v5")),
            (
                Entry("yolo_anchors", fields, f"{why}; anchors for COCO", guessed=True),
                NMS,
                SHAPES["detect"],
            ),
            ClassList(count, f"{tensor}: 3 x (5 + {count})"),
        )


def _anchored(facts: Facts, tensor: Tensor) -> int | None:
    """How many classes an output with three anchors in each cell has; None if it has none such."""
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
            for size, cells in zip(facts.size or (), sides, strict=False)
            if cells is not None
        ]
        if len(set(strides)) <= 1 and all(stride in (8, 16, 32) for stride in strides):
            return channels // 3 - 5
    return None
