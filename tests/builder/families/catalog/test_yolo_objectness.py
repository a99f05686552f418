"""YOLOv5 and 7 with masks or keypoints, by columns and values."""

import numpy as np
import pytest

from builder.families.catalog.yolo_objectness import YOLO_OBJECTNESS
from runtimes.arrays import Array
from tests.builder.families.made import Shape, decoders, evidence, matches

ROWS = 3 * 84
"""Three candidates for each cell of strides 8, 16, 32 over an image of 64 x 64."""


def table(columns: int, fractions: list[int]) -> dict[str, Array]:
    """A run: scores of 0.5 in some columns, coordinates from 0 to 64 in the others."""
    values = np.tile(np.linspace(0, 64, ROWS, dtype=np.float32)[:, None], (1, columns))
    values[:, fractions] = 0.5
    return {"output": values[None]}


@pytest.mark.parametrize(
    ("columns", "scores", "fields"),
    [
        (57, [4, 5, *range(8, 57, 3)], {"kpt_shape": [17, 3]}),
        (56, [4, *range(7, 56, 3)], {"kpt_shape": [17, 3]}),
        (21, [4, 5, *range(8, 21, 3)], {"kpt_shape": [5, 3]}),
        (16, [4, 15], {"kpt_shape": [5, 2], "form": "v5_face"}),
    ],
)
def test_values_tell_keypoints_from_classes(
    columns: int, scores: list[int], fields: dict[str, object]
) -> None:
    outputs: dict[str, Shape] = {"output": (1, ROWS, columns)}
    (match,) = matches(YOLO_OBJECTNESS, evidence(outputs, blank=table(columns, scores)))
    assert match.postprocess[0].name == "yolo_objectness_pose"
    assert match.postprocess[0].fields == fields
    assert match.strength.name == "EVIDENCE"
    # As many classes instead: all values after the box are scores.
    found = evidence(outputs, blank=table(columns, [*range(4, columns)]))
    assert {name for name, _ in decoders(YOLO_OBJECTNESS, found)} == {"yolo_objectness"}


def test_without_a_run_keypoints_and_classes_are_rivals() -> None:
    found = decoders(YOLO_OBJECTNESS, evidence({"output": (1, ROWS, 57)}))
    assert sorted(found) == [("yolo_objectness", "SHAPE"), ("yolo_objectness_pose", "SHAPE")]


@pytest.mark.parametrize("maps", [(1, 32, 16, 16), (1, 8, 16, 16)])
def test_prototypes_tell_the_number_of_classes(maps: Shape) -> None:
    outputs: dict[str, Shape] = {"output": (1, ROWS, 40), "proto": maps}
    (match,) = matches(YOLO_OBJECTNESS, evidence(outputs))
    assert match.postprocess[0].name == "yolo_objectness_segment"
    assert match.classes is not None
    assert match.classes.count == 35 - (maps[1] or 0)


@pytest.mark.parametrize(
    ("rows", "maps"), [(ROWS, (1, 36, 16, 16)), (300, (1, 32, 16, 16)), (30, (1, 32, 16, 16))]
)
def test_other_rows_beside_maps_are_no_yolov5(rows: int, maps: Shape) -> None:
    outputs: dict[str, Shape] = {"output": (1, rows, 40), "proto": maps}
    assert matches(YOLO_OBJECTNESS, evidence(outputs)) == []
