import numpy as np
import pytest

from builder.families.catalog.yolov8 import YOLOV8
from builder.model.graph import Node
from tests.builder.families.made import Shape, decoders, evidence, matches

CELLS = 84
"""Of strides 8, 16 and 32 over an image of 64 x 64."""


def head(*last: str, turned: bool = False) -> list[Node]:
    """The last operations: what makes each part of the output."""
    nodes = [Node(op, ("x",), (f"part{place}",)) for place, op in enumerate(last)]
    nodes.append(Node("Concat", tuple(f"part{place}" for place in range(len(last))), ("output0",)))
    return nodes + ([Node("Sin", ("x",), ("s",)), Node("Cos", ("x",), ("c",))] if turned else [])


@pytest.mark.parametrize(
    ("channels", "found"),
    [
        (84, [("yolo", "SHAPE")]),
        (5, [("yolo", "SHAPE")]),
        (7, [("yolo", "SHAPE"), ("yolo_obb", "SHAPE")]),
        (56, [("yolo", "SHAPE"), ("yolo_obb", "SHAPE"), ("yolo_pose", "SHAPE")]),
        (4, []),
    ],
)
def test_shapes_alone_leave_several_tasks(channels: int, found: list[tuple[str, str]]) -> None:
    inputs: dict[str, Shape] = {"images": (1, 3, 64, 64)}
    cells = CELLS
    if channels == CELLS:
        inputs, cells = {"images": (1, 3, 640, 640)}, 8400
    assert decoders(YOLOV8, evidence({"output0": (1, channels, cells)}, inputs)) == found


@pytest.mark.parametrize(
    ("candidates", "fits"),
    [(84, True), (85, True), (340, True), (20, True), (83, False), (252, False), (8400, False)],
)
def test_candidates_fit_grids_over_the_input(candidates: int, fits: bool) -> None:
    # 64 + 16 + 4 cells of strides 8, 16, 32; 1 of stride 64; 256 of stride 4.
    found = evidence({"output0": (1, 7, candidates)}, nodes=head("Mul", "Sigmoid"))
    assert decoders(YOLOV8, found) == ([("yolo", "STRUCTURE")] if fits else [])


@pytest.mark.parametrize(("candidates", "strength"), [(84, "METADATA"), (83, "SHAPE")])
def test_metadata_are_certain_only_if_the_candidates_fit_too(
    candidates: int, strength: str
) -> None:
    found = evidence({"output0": (1, 7, candidates)}, metadata={"task": "detect"})
    assert decoders(YOLOV8, found) == [("yolo", strength)]


@pytest.mark.parametrize(
    ("task", "channels", "names", "strength"),
    [
        ("detect", 7, 3, "METADATA"),
        ("detect", 7, 2, "SHAPE"),
        ("obb", 7, 2, "METADATA"),
        ("pose", 4 + 1 + 6, 1, "METADATA"),
        ("pose", 4 + 1 + 6, 3, "SHAPE"),
    ],
)
def test_metadata_are_certain_only_if_they_name_every_class(
    task: str, channels: int, names: int, strength: str
) -> None:
    metadata = {"task": task, "names": str({it: f"name {it}" for it in range(names)})}
    metadata |= {"kpt_shape": "[2, 3]"} if task == "pose" else {}
    found = evidence({"output0": (1, channels, CELLS)}, metadata=metadata)
    assert decoders(YOLOV8, found) == [(f"yolo_{task}".replace("_detect", ""), strength)]


def test_scores_outside_of_0_to_1_are_no_yolov8() -> None:
    values = np.zeros((1, 7, CELLS), np.float32)
    nodes = head("Mul", "Sigmoid")
    for score, fits in ((1, True), (7, False), (-0.5, False)):
        values[0, 5, 3] = score
        found = evidence({"output0": (1, 7, CELLS)}, nodes=nodes, blank={"output0": values})
        assert bool(decoders(YOLOV8, found)) is fits


@pytest.mark.parametrize(
    ("nodes", "decoder"),
    [
        (head("Mul", "Sigmoid"), "yolo"),
        (head("Mul", "Sigmoid", "Mul", turned=True), "yolo_obb"),
        (head("Mul", "Sigmoid", "Mul"), "yolo_pose"),
        (head("Mul", "Sigmoid", "Sigmoid"), "yolo_pose"),
    ],
)
def test_the_last_operations_tell_the_task(nodes: list[Node], decoder: str) -> None:
    found = evidence({"output0": (1, 56, CELLS)}, nodes=nodes)
    assert decoders(YOLOV8, found) == [(decoder, "STRUCTURE")]


@pytest.mark.parametrize(
    ("task", "outputs", "decoder"),
    [
        ("detect", {"output0": (1, 7, CELLS)}, "yolo"),
        ("detect", {"output0": (1, None, None)}, "yolo"),
        ("segment", {"output0": (1, 39, CELLS), "output1": (1, 32, 16, 16)}, "yolo_segment"),
        ("segment", {"output0": (1, 39, CELLS)}, None),
        ("detect", {"output0": (1, 39, CELLS), "output1": (1, 32, 16, 16)}, None),
        ("classify", {"output0": (1, 7, CELLS)}, None),
    ],
)
def test_the_task_of_an_export_is_used(
    task: str, outputs: dict[str, Shape], decoder: str | None
) -> None:
    found = decoders(YOLOV8, evidence(outputs, metadata={"task": task}))
    assert found == ([(decoder, "METADATA")] if decoder else [])


@pytest.mark.parametrize(
    "metadata",
    [{"task": "detect", "end2end": "True"}, {"task": "detect", "description": "RT-DETR"}],
)
def test_open_outputs_of_other_exports_are_left_to_them(metadata: dict[str, str]) -> None:
    assert decoders(YOLOV8, evidence({"output0": (1, None, None)}, metadata=metadata)) == []


@pytest.mark.parametrize(
    ("outputs", "count"),
    [
        ({"output0": (1, 39, CELLS), "output1": (1, 32, 16, 16)}, 3),
        ({"output0": (1, 39, CELLS), "output1": (1, None, 16, 16)}, 3),
        ({"output0": (1, 36, CELLS), "output1": (1, 32, 16, 16)}, None),
    ],
)
def test_mask_coefficients_are_no_classes(outputs: dict[str, Shape], count: int | None) -> None:
    counts = [it.classes.count for it in matches(YOLOV8, evidence(outputs)) if it.classes]
    assert counts == ([count] if count else [])


def test_few_candidates_are_final_detections() -> None:
    assert decoders(YOLOV8, evidence({"output0": (1, 6, 300)})) == []


@pytest.mark.parametrize(
    ("metadata", "keypoints", "guessed"),
    [({"task": "pose", "kpt_shape": "[4, 2]"}, 4, False), ({"task": "pose"}, 17, True)],
)
def test_the_number_of_keypoints_is_the_exports_or_guessed(
    metadata: dict[str, str], keypoints: int, guessed: bool
) -> None:
    (match,) = matches(YOLOV8, evidence({"output0": (1, 56, CELLS)}, metadata=metadata))
    assert (match.keypoints, match.postprocess[0].guessed) == (keypoints, guessed)
