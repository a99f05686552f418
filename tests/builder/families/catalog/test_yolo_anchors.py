import pytest

from builder.families.catalog.yolo_anchors import YOLO_ANCHORS
from builder.model.graph import Node
from tests.builder.families.made import Shape, evidence, matches


@pytest.mark.parametrize(
    ("shapes", "names"),
    [
        ([(1, 24, 8, 8), (1, 24, 4, 4), (1, 24, 2, 2)], ["YOLOv3, raw heads", "YOLOv4, raw heads"]),
        ([(1, 24, 4, 4), (1, 24, 2, 2)], ["YOLOv3, raw heads"]),
        ([(1, 8, 8, 24), (1, 4, 4, 24), (1, 2, 2, 24)], ["YOLOv3, raw heads", "YOLOv4, raw heads"]),
        ([(1, 3, 8, 8, 8), (1, 3, 4, 4, 8), (1, 3, 2, 2, 8)], ["YOLOv5, raw heads"]),
        ([(1, 8, 8, 3, 8), (1, 4, 4, 3, 8), (1, 2, 2, 3, 8)], ["YOLOv5, raw heads"]),
        ([(1, 24, 8, 8)], []),
        ([(1, 24, 8, 8), (1, 27, 4, 4), (1, 24, 2, 2)], []),
        ([(1, 25, 8, 8), (1, 25, 4, 4), (1, 25, 2, 2)], []),
        ([(1, 24, 9, 9), (1, 24, 5, 5), (1, 24, 3, 3)], []),
        ([(2, 24, 8, 8), (2, 24, 4, 4), (2, 24, 2, 2)], []),
    ],
)
def test_three_anchors_per_cell_are_recognized(shapes: list[Shape], names: list[str]) -> None:
    outputs = {f"head{number}": shape for number, shape in enumerate(shapes)}
    found = matches(YOLO_ANCHORS, evidence(outputs))
    assert [it.name for it in found] == names
    assert all(it.classes is not None and it.classes.count == 3 for it in found)


def test_two_heads_have_the_anchors_of_tiny_models() -> None:
    (match,) = matches(YOLO_ANCHORS, evidence({"a": (1, 24, 4, 4), "b": (1, 24, 2, 2)}))
    assert [len(level) for level in match.postprocess[0].fields["anchors"]] == [3, 3]


def test_heads_after_a_sigmoid_are_marked() -> None:
    nodes = [Node("Sigmoid", ("x",), (name,)) for name in ("a", "b")]
    outputs: dict[str, Shape] = {"a": (1, 24, 4, 4), "b": (1, 24, 2, 2)}
    (match,) = matches(YOLO_ANCHORS, evidence(outputs, nodes=nodes))
    assert match.postprocess[0].fields["activated"] is True
