"""YOLOv8 and its successors, with and without suppression inside."""

from collections.abc import Iterator
from dataclasses import replace

from builder.families.class_count import of_rows
from builder.families.evidence import Facts, fits
from builder.families.match import ClassList, Evidence, Match, step
from builder.families.preprocessing import bgr, letterbox, unit
from runtimes.signature import Tensor

STRIDES = (8, 16, 32)
MOST_ROWS = 1000
"""No finished head has more rows; a raw one has thousands of candidates."""
_COCO = 80
SHAPES = {
    "detect": step("rectangle", "boxes; `polygon` or `mask` need a model that gives masks"),
    "segment": step("polygon", "outlines; or `mask`"),
    "pose": step("skeleton", "keypoints; or `points`"),
    "obb": step("rectangle", "turned rectangles; or `polygon`"),
}
NMS = step("nms", "raw candidates overlap; Ultralytics' predictor takes 0.45 to 0.7", iou=0.45)


def raw_heads(facts: Facts) -> Iterator[Match]:
    """YOLOv8, 9, 11 and 12: [1, 4 + classes + ..., candidates]."""
    tensor, prototypes = _rows_and_maps(facts)
    if tensor is None or not fits(tensor, (1, None, None)):
        return
    channels, candidates = tensor.shape[1:]
    said = facts.said
    if channels is None:
        if said.task not in SHAPES or said.finished or said.rtdetr or candidates is not None:
            return
    elif (
        channels < 5
        or (candidates is not None and candidates <= channels)
        or (
            (said.task is None or said.finished)
            and candidates is not None
            and candidates <= 300
            and facts.cells(STRIDES) != candidates
        )
    ):
        return
    protos = prototypes.shape[1] if prototypes is not None else None
    for task, evidence, why in _tasks(facts, tensor, prototypes):
        yield _raw(facts, tensor, task, evidence, why, protos)


def _rows_and_maps(facts: Facts) -> tuple[Tensor | None, Tensor | None]:
    """The only output with three axes, and prototypes if they are the only other one."""
    rows, maps = facts.of_rank(3), facts.of_rank(4)
    if len(rows) != 1 or len(rows) + len(maps) != len(facts.outputs) or len(maps) > 1:
        return None, None
    return rows[0], maps[0] if maps else None


def _tasks(
    facts: Facts, tensor: Tensor, prototypes: Tensor | None
) -> Iterator[tuple[str, Evidence, str]]:
    """What a raw head may be of: task, how much speaks for it, why."""
    said, channels = facts.said, tensor.shape[1]
    if said.task is not None:
        if said.task in SHAPES and (said.task == "segment") == (prototypes is not None):
            yield said.task, Evidence.METADATA, f"metadata task: {said.task}"
        return
    if prototypes is not None:
        protos = prototypes.shape[1]
        if protos is not None and channels is not None and channels < 5 + protos:
            return
        yield (
            "segment",
            Evidence.STRUCTURE,
            f"{prototypes} beside {tensor}: prototypes and mask coefficients",
        )
        return
    ends = facts.graph.ends(tensor.name)
    ops = facts.graph.ops
    if len(ends) > 1 and "Sigmoid" in ends:
        if ends[-1] == "Sigmoid" and len({part for part in ends if part == "Sigmoid"}) == 1:
            pose = ends.count("Sigmoid") > 1
            if not pose:
                why = "the graph ends in Concat(boxes, Sigmoid(classes))"
                yield "detect", Evidence.STRUCTURE, why
                return
        if {"Sin", "Cos"} <= ops:
            why = "the graph turns boxes by Sin and Cos and appends something to the classes"
            yield "obb", Evidence.STRUCTURE, why
            return
        if channels is not None and _points(channels):
            why = "the graph appends something to Sigmoid(classes), and turns nothing"
            yield "pose", Evidence.STRUCTURE, why
            return
    shape = f"{tensor}: candidates in columns"
    if channels is None:
        return
    if channels == 4 + _COCO:
        yield "detect", Evidence.STRUCTURE, f"{shape}, 4 for the box + 80 classes, as COCO has"
        return
    yield "detect", Evidence.SHAPE, f"{shape}, 4 for the box + {channels - 4} classes"
    if channels > 5:
        yield "obb", Evidence.SHAPE, f"{shape}, 4 for the box + {channels - 5} classes + an angle"
    if channels == 5 + 17 * 3:
        yield "pose", Evidence.SHAPE, f"{shape}, 4 for the box + 1 class + 17 keypoints, as COCO"


def _points(channels: int) -> tuple[int, int] | None:
    """Keypoints of one class, and values of each, that a raw head may have."""
    left = channels - 5
    if left > 0 and left % 3 == 0:
        return left // 3, 3
    return (left // 2, 2) if left > 0 and left % 2 == 0 else None


def _raw(
    facts: Facts, tensor: Tensor, task: str, evidence: Evidence, why: str, protos: int | None
) -> Match:
    """A raw head of a task."""
    channels = tensor.shape[1]
    name = "yolo" if task == "detect" else f"yolo_{task}"
    decoder = step(name, f"{tensor}: YOLOv8's layout, candidates in columns")
    beside, keypoints = {"detect": 0, "segment": protos or 32, "obb": 1}.get(task, 0), 0
    if task == "pose":
        points = facts.said.kpt_shape
        if points is None:
            guess = _points(channels) if channels is not None else None
            points = guess or (17, 3)
            decoder = replace(
                decoder,
                fields={"kpt_shape": list(points)},
                guessed=True,
                why="as many as one class leaves room for",
            )
        keypoints = points[0]
        beside = points[0] * points[1]
    count = None if channels is None else channels - 4 - beside
    if count is not None and count < 1:
        count = None
    extra = {
        "segment": f" + {beside} mask coefficients",
        "pose": f" + {beside} for keypoints",
        "obb": " + an angle",
    }.get(task, "")
    counted = f"{tensor}: 4 for the box + {count} classes{extra}"
    return Match(
        f"YOLOv8, 9, 11, 12: {_WORDS[task]}",
        evidence,
        (why,),
        (letterbox(facts), *unit(facts, "YOLO takes 0..1")),
        (decoder, NMS, SHAPES[task]),
        ClassList(count or facts.said.names, counted if count else "metadata names"),
        keypoints,
    )


_WORDS = {
    "detect": "boxes",
    "segment": "masks",
    "pose": "keypoints",
    "obb": "oriented boxes",
}


def finished_rows(facts: Facts) -> Iterator[Match]:
    """YOLOv10, YOLO26 and exports with NMS inside: [1, rows, 6 or more]; YOLOv7: [rows, 7]."""
    tables = facts.of_rank(2)
    if len(facts.outputs) == 1 and tables and fits(tables[0], (None, 7)):
        suppressed = "NonMaxSuppression" in facts.graph.ops
        why = "NonMaxSuppression gives rows of seven" if suppressed else "rows of seven"
        evidence = Evidence.STRUCTURE if suppressed else Evidence.SHAPE
        if suppressed or facts.graph.activation(tables[0].name) is None:
            yield _finished(facts, tables[0], "detect", evidence, why, None)
        return
    tensor, prototypes = _rows_and_maps(facts)
    if tensor is None or not fits(tensor, (1, None, None)):
        return
    rows, columns = tensor.shape[1:]
    said = facts.said
    if columns is None or columns < 6 or (rows is not None and rows > MOST_ROWS):
        return
    if rows is not None and rows < 10 and columns > 20:
        return
    task = said.task
    inside = sorted({"NonMaxSuppression", "TopK"} & facts.graph.ops)
    if task in SHAPES:
        protos = prototypes.shape[1] if prototypes is not None else None
        wanted = {
            "detect": columns == 6,
            "segment": prototypes is not None and (protos is None or columns == 6 + protos),
            "obb": columns == 7,
            "pose": said.kpt_shape is not None
            and columns == 6 + said.kpt_shape[0] * said.kpt_shape[1],
        }[task]
        looks = rows is None or columns <= rows
        if wanted and looks and not said.rtdetr:
            claim = "end2end or nms: True" if said.finished else f"[1, rows, {columns}]"
            yield _finished(facts, tensor, task, Evidence.METADATA, claim, protos)
        return
    if prototypes is not None:
        if prototypes.shape[1] is None or columns == 6 + prototypes.shape[1]:
            protos = prototypes.shape[1]
            why = f"{prototypes} beside {tensor}: prototypes"
            yield _finished(facts, tensor, "segment", Evidence.STRUCTURE, why, protos)
        return
    if rows == 100 and columns == 6:
        yield from _centernet(facts, tensor)
    evidence = Evidence.STRUCTURE if "NonMaxSuppression" in inside else Evidence.SHAPE
    why = f"{tensor}: finished rows" + (f", from {', '.join(inside)}" if inside else "")
    if columns == 6:
        yield _finished(facts, tensor, "detect", evidence, why, None)
    elif columns == 7 and {"Sin", "Cos"} <= facts.graph.ops:
        yield _finished(facts, tensor, "obb", Evidence.STRUCTURE, why, None)
    elif columns == 7 and rows is not None and rows >= 100:
        yield _finished(facts, tensor, "obb", evidence, why, None)
    elif columns == 6 + 17 * 3 and (rows is None or rows >= 100):
        yield _finished(facts, tensor, "pose", evidence, why, None)


def _centernet(facts: Facts, tensor: Tensor) -> Iterator[Match]:
    """CenterNet with its decoding in the graph: [1, 100, 6]."""
    ops = facts.graph.ops
    peaks = {"MaxPool", "TopK", "Equal"} <= ops and "Softmax" not in ops
    found = _finished(
        facts,
        tensor,
        "detect",
        Evidence.STRUCTURE if peaks else Evidence.SHAPE,
        f"{tensor}: 100 rows" + (", the peaks of a heatmap (MaxPool, Equal, TopK)" * peaks),
        None,
    )
    yield replace(
        found,
        family="CenterNet with its decoding inside",
        preprocess=(
            letterbox(facts, "CenterNet keeps the aspect ratio", side=512, fill=0),
            *bgr(facts, "CenterNet reads through OpenCV", guessed=True),
            step(
                "normalize",
                "CenterNet's mean and std",
                guessed=True,
                mean=[0.408, 0.447, 0.47],
                std=[0.289, 0.274, 0.278],
            ),
        ),
    )


def _finished(
    facts: Facts, tensor: Tensor, task: str, evidence: Evidence, why: str, protos: int | None
) -> Match:
    """Finished rows of a task."""
    name = "yolo_end2end" if task == "detect" else f"yolo_end2end_{task}"
    decoder = step(name, f"{tensor}: finished rows, no `nms`")
    keypoints = 0
    if task == "pose":
        points = facts.said.kpt_shape
        if points is None:
            points = (17, 3)
            decoder = replace(decoder, fields={"kpt_shape": list(points)}, guessed=True)
        keypoints = points[0]
    classes = ClassList(facts.said.names, "metadata names")
    if classes.count is None:
        classes = of_rows(facts.graph, tensor.name) or ClassList(
            facts.graph.class_count(tensor.name, "Sigmoid"),
            "the layer before the Sigmoid of the scores",
        )
    return Match(
        f"YOLO with suppression inside (v10, 26, nms=True): {_WORDS[task]}",
        evidence,
        (why if tensor.name in why else f"{tensor}: {why}",),
        (letterbox(facts), *unit(facts, "YOLO takes 0..1")),
        (decoder, SHAPES[task]),
        classes,
        keypoints,
    )
