import numpy as np
import pytest

from builder.families.grid_heads import (
    boxes_are_decoded,
    objectness_classes,
    rows_and_prototypes,
    rows_of_candidates,
)
from builder.model.graph import Node
from runtimes.arrays import Array
from runtimes.signature import Tensor
from tests.builder.families.made import Shape, evidence

CELLS = 8 * 8 + 4 * 4 + 2 * 2
ROWS: dict[str, Shape] = {"rows": (1, CELLS, 8)}


@pytest.mark.parametrize(
    ("outputs", "metadata", "fit"),
    [
        (ROWS, {}, True),
        (ROWS, {"task": "detect"}, True),
        (ROWS, {"task": "segment"}, False),
        ({**ROWS, "maps": (1, 2, 3, 4)}, {}, False),
        ({"rows": (1, CELLS, 5)}, {}, False),
        ({"rows": (1, 8, CELLS)}, {}, False),
        ({"rows": (1, None, 8)}, {}, False),
        ({"rows": (1, CELLS, None)}, {}, False),
        ({"rows": (CELLS, 8)}, {}, False),
    ],
)
def test_candidates_in_rows_are_the_only_output(
    outputs: dict[str, Shape], metadata: dict[str, str], fit: bool
) -> None:
    found = rows_of_candidates(evidence(outputs, metadata=metadata))
    assert (found is not None) is fit


def test_letters_of_a_text_are_no_candidates() -> None:
    nodes = [Node("Softmax", ("x",), ("rows",))]
    assert rows_of_candidates(evidence(ROWS, nodes=nodes)) is None


@pytest.mark.parametrize(
    ("outputs", "names"),
    [
        ({"a": (1, 8, 9)}, ["a", None]),
        ({"a": (1, 8, 9), "b": (1, 32, 16, 16)}, ["a", "b"]),
        ({"a": (1, 8, 9), "b": (1, 8, 9)}, [None, None]),
        ({"a": (1, 8, 9), "b": (1, 2, 3, 4), "c": (1, 2, 3, 4)}, [None, None]),
        ({"a": (1, 8, 9), "b": (1, 2)}, [None, None]),
    ],
)
def test_prototypes_are_the_only_maps_beside_rows(
    outputs: dict[str, Shape], names: list[str | None]
) -> None:
    found = rows_and_prototypes(evidence(outputs))
    assert [it.name if it else None for it in found] == names


def centers(first: float, last: float) -> Array:
    """Candidates whose centers lie evenly between two columns of the image."""
    rows = np.ones((1, CELLS, 8), np.float32)
    rows[0, :, 0] = np.linspace(first, last, CELLS)
    return rows


@pytest.mark.parametrize(
    ("blank", "decoded"),
    [(centers(0, 60), True), (centers(0, 2), False), (centers(0, 20), None)],
)
def test_a_run_shows_whether_boxes_are_in_pixels(blank: Array, decoded: bool | None) -> None:
    found = evidence(ROWS, blank={"rows": blank})
    assert boxes_are_decoded(found, found.outputs[0])[0] is decoded


@pytest.mark.parametrize(
    ("op", "decoded"), [("Conv", False), ("Mul", True), ("Exp", True), ("Relu", None)]
)
def test_the_operation_that_makes_boxes_shows_whether_they_are_in_pixels(
    op: str, decoded: bool | None
) -> None:
    nodes = [
        Node(op, ("x", "w"), ("boxes",)),
        Node("Sigmoid", ("x",), ("scores",)),
        Node("Concat", ("boxes", "scores"), ("rows",)),
    ]
    found = evidence(ROWS, nodes=nodes)
    assert boxes_are_decoded(found, found.outputs[0])[0] is decoded


def test_an_output_in_one_piece_does_not_tell() -> None:
    found = evidence(ROWS, nodes=[Node("Mul", ("x", "w"), ("rows",))])
    assert boxes_are_decoded(found, found.outputs[0]) == (
        None,
        f"rows [1, {CELLS}, 8] float32: candidates in rows",
    )


def test_box_and_objectness_are_no_classes() -> None:
    assert objectness_classes(Tensor("rows", (1, CELLS, 8), "float32")).count == 3
