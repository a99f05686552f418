import numpy as np
import pytest

from builder.families.catalog.yolo_end2end import YOLO_END2END
from builder.model.graph import Node
from tests.builder.families.made import Shape, decoders, evidence, matches

SUPPRESSION = [Node("NonMaxSuppression", ("b", "s"), ("kept",))]
TURNING = [Node("Sin", ("a",), ("s",)), Node("Cos", ("a",), ("c",))]
PEAKS = [Node(op, ("x",), (op,)) for op in ("MaxPool", "TopK", "Equal")]


def rows(*columns: str) -> list[Node]:
    """Rows of seven values, the class of which ArgMax chooses."""
    choice = Node("ArgMax", ("scores",), ("class",))
    return [*SUPPRESSION, choice, Node("Concat", columns, ("output",))]


ROWS_OF_YOLOV7 = rows("image", "corners", "class", "score")
ROWS_OF_SUPERGRADIENTS = rows("image", "corners", "score", "class")


@pytest.mark.parametrize(("last", "decoder"), [(-1.5, "yolo_end2end_obb"), (42, "")])
def test_rows_of_seven_values_end_in_an_angle(last: float, decoder: str) -> None:
    values = np.zeros((1, 300, 7), np.float32)
    values[0, :3] = 4, 4, 40, 40, 0.9, 1, last
    found = evidence({"output": (1, 300, 7)}, blank={"output": values})
    assert [name for name, _ in decoders(YOLO_END2END, found)] == ([decoder] if decoder else [])


@pytest.mark.parametrize(
    ("shape", "nodes", "found"),
    [
        ((1, 300, 6), [], [("yolo_end2end", "SHAPE")]),
        ((1, 300, 6), SUPPRESSION, [("yolo_end2end", "STRUCTURE")]),
        ((1, 300, 7), TURNING, [("yolo_end2end_obb", "STRUCTURE")]),
        ((1, 300, 7), [], [("yolo_end2end_obb", "SHAPE")]),
        ((1, 20, 7), [], []),
        ((1, 300, 57), [], [("yolo_end2end_pose", "SHAPE")]),
        ((1, 300, 9), [], []),
        ((1, 5000, 6), [], []),
        ((1, 4, 84), [], []),
        ((None, 7), [], [("yolo_end2end", "SHAPE")]),
        ((None, 7), SUPPRESSION, [("yolo_end2end", "SHAPE")]),
        ((None, 7), ROWS_OF_YOLOV7, [("yolo_end2end", "STRUCTURE")]),
        ((None, 7), ROWS_OF_SUPERGRADIENTS, []),
        ((None, 7), [Node("Softmax", ("x",), ("output",))], []),
    ],
)
def test_columns_and_operations_tell_the_task(
    shape: Shape, nodes: list[Node], found: list[tuple[str, str]]
) -> None:
    assert decoders(YOLO_END2END, evidence({"output": shape}, nodes=nodes)) == found


@pytest.mark.parametrize(
    ("nodes", "strengths"), [([], ["SHAPE", "SHAPE"]), (PEAKS, ["STRUCTURE", "SHAPE"])]
)
def test_a_hundred_rows_can_be_centernets(nodes: list[Node], strengths: list[str]) -> None:
    found = matches(YOLO_END2END, evidence({"output": (1, 100, 6)}, nodes=nodes))
    assert [it.strength.name for it in found] == strengths
    assert found[0].name == "CenterNet with decoding in the graph"
    assert [it.name for it in found[0].preprocess] == ["letterbox", "channels", "normalize"]
    assert [it.name for it in found[1].preprocess] == ["letterbox", "normalize"]


@pytest.mark.parametrize(
    ("metadata", "outputs", "decoder"),
    [
        ({"task": "detect"}, {"o": (1, 300, 6)}, "yolo_end2end"),
        ({"task": "detect"}, {"o": (1, None, 6)}, "yolo_end2end"),
        ({"task": "detect"}, {"o": (1, 300, 7)}, None),
        ({"task": "detect", "description": "RT-DETR"}, {"o": (1, 300, 6)}, None),
        ({"task": "obb"}, {"o": (1, 300, 7)}, "yolo_end2end_obb"),
        ({"task": "pose", "kpt_shape": "[4, 2]"}, {"o": (1, 300, 14)}, "yolo_end2end_pose"),
        ({"task": "pose"}, {"o": (1, 300, 57)}, None),
        ({"task": "segment"}, {"o": (1, 300, 38), "p": (1, 32, 8, 8)}, "yolo_end2end_segment"),
        ({"task": "segment"}, {"o": (1, 300, 38), "p": (1, 16, 8, 8)}, None),
        ({"task": "segment"}, {"o": (1, 300, 38)}, None),
    ],
)
def test_an_export_is_believed_if_its_columns_fit_the_task(
    metadata: dict[str, str], outputs: dict[str, Shape], decoder: str | None
) -> None:
    found = decoders(YOLO_END2END, evidence(outputs, metadata=metadata))
    assert found == ([(decoder, "METADATA")] if decoder else [])
