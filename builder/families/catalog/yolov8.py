"""YOLOv8, 9, 11 and 12: raw candidates in columns, [1, 4 + classes + ..., candidates]."""

from collections.abc import Iterator
from dataclasses import replace

from builder.families.common_steps import NMS, POLYGON, RECTANGLE, SKELETON
from builder.families.evidence import Evidence, are_fractions, fits
from builder.families.family import Family
from builder.families.grid_heads import fits_grid, rows_and_prototypes
from builder.families.input_format import InputFormat, Resizing, Values
from builder.families.match import ClassList, DraftStep, Match, step
from builder.families.other_tasks import is_text_recognition
from builder.families.sureness import Strength
from runtimes.decoders.yolo import Yolo, YoloObb, YoloPose, YoloSegment
from runtimes.shapes.rectangle import Rectangle
from runtimes.signature import Tensor
from runtimes.step import Decoder

YOLO_INPUT = InputFormat(
    Resizing("letterbox", "YOLO is trained on letterboxed images"),
    Values("YOLO takes 0..1", exception="the exported model scales its input"),
)
"""What most YOLO models take."""
SHAPES: dict[str, DraftStep] = {
    "detect": replace(RECTANGLE, why="boxes; `polygon` and `mask` need a model with masks"),
    "segment": POLYGON,
    "pose": SKELETON,
    "obb": step(Rectangle, "rotated rectangles; or `polygon`"),
}
"""Ultralytics' task -> the shape that is drawn."""
RESULTS = {
    "detect": "boxes",
    "segment": "masks",
    "pose": "keypoints",
    "obb": "oriented boxes",
}
"""Ultralytics' task -> what its models find."""

_DECODERS: dict[str, type[Decoder]] = {
    "detect": Yolo,
    "segment": YoloSegment,
    "pose": YoloPose,
    "obb": YoloObb,
}
_COCO = 80
"""Classes of COCO."""
_COCO_KEYPOINTS = 17


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize raw heads by metadata, graph or shape."""
    tensor, prototypes = rows_and_prototypes(evidence)
    if tensor is None or not fits(tensor, (1, None, None)):
        return
    channels, candidates = tensor.shape[1:]
    metadata = evidence.ultralytics
    if metadata.task is None and not fits_grid(evidence, candidates):
        return
    if is_text_recognition(evidence, tensor):
        return
    if channels is None:
        open_candidates = candidates is None and not metadata.suppressed and not metadata.rtdetr
        if metadata.task not in SHAPES or not open_candidates:
            return
    elif channels < 5 or (candidates is not None and candidates <= channels):
        return
    elif (
        (metadata.task is None or metadata.suppressed)
        and candidates is not None
        and candidates <= 300
        and not (evidence.size and fits_grid(evidence, candidates))
    ):
        return  # as few as final detections
    prototype_count = prototypes.shape[1] if prototypes is not None else None
    for task, strength, why in _tasks(evidence, tensor, prototypes):
        if _scores_fit(evidence, tensor, task) is False:
            continue
        yield _match(evidence, tensor, task, strength, why, prototype_count)


def _tasks(
    evidence: Evidence, tensor: Tensor, prototypes: Tensor | None
) -> Iterator[tuple[str, Strength, str]]:
    """Yield the tasks that a raw head may have, with strength and reason."""
    task, channels = evidence.ultralytics.task, tensor.shape[1]
    if task is not None:
        if task in SHAPES and (task == "segment") == (prototypes is not None):
            why = f"metadata task: {task}"
            if fits_grid(evidence, tensor.shape[2]):
                yield task, Strength.METADATA, why
            else:
                yield task, Strength.SHAPE, f"{why}; but no grid over the input has the candidates"
    elif prototypes is not None:
        count = prototypes.shape[1]
        if count is None or channels is None or channels >= 5 + count:
            why = f"{prototypes} beside {tensor}: prototypes and mask coefficients"
            by_graph = "Sigmoid" in evidence.graph.last_ops(tensor.name)
            yield "segment", Strength.STRUCTURE if by_graph else Strength.EVIDENCE, why
    else:
        found = _task_by_graph(evidence, tensor)
        if found is not None:
            yield found[0], Strength.STRUCTURE, found[1]
        elif channels is not None:
            yield from _tasks_by_shape(evidence, tensor, channels)


def _task_by_graph(evidence: Evidence, tensor: Tensor) -> tuple[str, str] | None:
    """Return the task and the reason, if the last operations tell."""
    ops, channels = evidence.graph.last_ops(tensor.name), tensor.shape[1]
    if len(ops) < 2 or "Sigmoid" not in ops:
        return None
    if ops[-1] == "Sigmoid" and ops.count("Sigmoid") == 1:
        return "detect", "the graph ends in Concat(boxes, Sigmoid(classes))"
    if {"Sin", "Cos"} <= evidence.graph.ops:
        return "obb", "the graph rotates boxes (Sin, Cos) and appends an angle to the classes"
    if channels is not None and _keypoint_shape(channels):
        return "pose", "the graph appends keypoints to Sigmoid(classes)"
    return None


def _scores_fit(evidence: Evidence, tensor: Tensor, task: str) -> bool | None:
    """Whether class scores are in 0..1 in each run; None without a run."""
    last = {"detect": None, "obb": -1, "pose": 5, "segment": 5}[task]
    return are_fractions([it[0, 4:last] for it in evidence.values(tensor) if it.ndim == 3])


def _tasks_by_shape(
    evidence: Evidence, tensor: Tensor, channels: int
) -> Iterator[tuple[str, Strength, str]]:
    """Yield the tasks whose layouts have so many channels."""
    shape = f"{tensor}: candidates in columns, 4 for the box"
    if evidence.labels == channels - 4:
        yield "detect", Strength.EVIDENCE, f"{shape} + {evidence.labels} labels"
        return
    if channels == 4 + _COCO:
        strength = Strength.SHAPE
        if _scores_fit(evidence, tensor, "detect"):
            strength = Strength.EVIDENCE
            shape += ", scores in 0..1"
        yield "detect", strength, f"{shape} + 80 classes, as COCO has"
        return
    yield "detect", Strength.SHAPE, f"{shape} + {channels - 4} classes"
    if channels > 5:
        yield "obb", Strength.SHAPE, f"{shape} + {channels - 5} classes + an angle"
    if channels == 5 + _COCO_KEYPOINTS * 3:
        yield "pose", Strength.SHAPE, f"{shape} + 1 class + 17 keypoints, as COCO"


def _keypoint_shape(channels: int) -> tuple[int, int] | None:
    """Return the number of keypoints, and of values of each, beside one class."""
    left = channels - 5
    if left > 0 and left % 3 == 0:
        return left // 3, 3
    return (left // 2, 2) if left > 0 and left % 2 == 0 else None


def _match(
    evidence: Evidence,
    tensor: Tensor,
    task: str,
    strength: Strength,
    why: str,
    prototype_count: int | None,
) -> Match:
    """Return the match of a raw head with this task."""
    channels = tensor.shape[1]
    decoder = step(_DECODERS[task], f"{tensor}: YOLOv8's layout, candidates in columns")
    keypoints = extra = 0
    counted = f"{tensor}: 4 for the box + {{}} classes"
    if task == "segment":
        extra = prototype_count or 32
        counted += f" + {extra} mask coefficients"
    elif task == "obb":
        extra = 1
        counted += " + an angle"
    elif task == "pose":
        shape = evidence.ultralytics.kpt_shape
        if shape is None:
            guess = _keypoint_shape(channels) if channels is not None else None
            shape = guess or (_COCO_KEYPOINTS, 3)
            reason = "the number that fits one class"
            decoder = step(YoloPose, reason, guessed=True, kpt_shape=list(shape))
        keypoints, extra = shape[0], shape[0] * shape[1]
        counted += f" + {extra} for keypoints"
    count = None if channels is None else channels - 4 - extra
    names = evidence.ultralytics.names
    if strength is Strength.METADATA and count is not None and names not in (None, count):
        # The graph may still tell what the metadata do not.
        found = _task_by_graph(evidence, tensor)
        strength = Strength.STRUCTURE if found and found[0] == task else Strength.SHAPE
        why += f"; but {count} classes and {names} names"
    if count is None or count < 1:
        classes = ClassList(evidence.ultralytics.names, "metadata names")
    else:
        classes = ClassList(count, counted.format(count))
    return YOLOV8.match(
        evidence,
        strength,
        (why,),
        (decoder, NMS, SHAPES[task]),
        name=f"{YOLOV8.name}: {RESULTS[task]}",
        classes=classes,
        keypoints=keypoints,
    )


YOLOV8 = Family(
    name="YOLOv8, 9, 11, 12",
    steps=(Yolo, YoloSegment, YoloPose, YoloObb),
    recognize=recognize,
    precedence=10,
    input_format=YOLO_INPUT,
    required=frozenset({"resizing", "values"}),
    candidates_overlap=True,
)
