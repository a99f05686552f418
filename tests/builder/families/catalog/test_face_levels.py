"""YuNet and SCRFD, by the numbers of their rows and columns."""

import numpy as np
import pytest

from builder.families.catalog.face_levels import SCRFD, YUNET
from runtimes.arrays import Array
from tests.builder.families.made import Shape, decoders, evidence, matches

CELLS = {8: 64, 16: 16, 32: 4, 64: 1, 128: 1}
"""Stride -> cells over an image of 64 x 64."""


def heads(columns: tuple[int, ...], strides: tuple[int, ...], anchors: int) -> dict[str, Shape]:
    """Outputs of these columns for each stride, without a batch axis."""
    return {
        f"{place}_{stride}": (CELLS[stride] * anchors, count)
        for place, count in enumerate(columns)
        for stride in strides
    }


def fractions(outputs: dict[str, Shape], value: float = 0.5) -> dict[str, Array]:
    """Values of a run."""
    return {
        name: np.full([it or 0 for it in shape], value, np.float32)
        for name, shape in outputs.items()
    }


@pytest.mark.parametrize(
    ("strides", "anchors", "fields"),
    [
        ((8, 16, 32), 2, {"anchors": 2}),
        ((8, 16, 32), 1, {"anchors": 1}),
        ((8, 16, 32, 64, 128), 1, {"strides": [8, 16, 32, 64, 128], "anchors": 1}),
    ],
)
def test_the_rows_of_scrfd_tell_strides_and_candidates(
    strides: tuple[int, ...], anchors: int, fields: dict[str, object]
) -> None:
    outputs = heads((1, 4, 10), strides, anchors)
    (match,) = matches(SCRFD, evidence(outputs, blank=fractions(outputs)))
    assert match.postprocess[0].fields == fields
    assert match.strength.name == "EVIDENCE"
    assert (match.keypoints, len(match.keypoint_names)) == (5, 5)


def test_rows_that_the_graph_leaves_open_are_those_of_the_run() -> None:
    outputs = heads((1, 4, 10), (8, 16, 32), 2)
    opened: dict[str, Shape] = {name: (None, it[1]) for name, it in outputs.items()}
    found = evidence(opened, blank=fractions(outputs))
    assert decoders(SCRFD, found) == [("scrfd", "EVIDENCE")]
    assert decoders(SCRFD, evidence(opened)) == []


def test_without_a_run_only_the_shapes_fit() -> None:
    outputs = heads((1, 4, 10), (8, 16, 32), 2)
    assert decoders(SCRFD, evidence(outputs)) == [("scrfd", "SHAPE")]
    assert decoders(SCRFD, evidence(outputs, blank=fractions(outputs, 3))) == []


def test_two_scores_for_each_box_are_yunets() -> None:
    outputs = heads((1, 1, 4, 10), (8, 16, 32), 1)
    found = evidence(outputs, blank=fractions(outputs))
    assert decoders(YUNET, found) == [("yunet", "EVIDENCE")]
    assert decoders(SCRFD, found) == []


@pytest.mark.parametrize(
    "outputs",
    [
        heads((1, 4, 10), (8, 16, 32), 3),
        heads((1, 4, 9), (8, 16, 32), 2),
        heads((1, 4, 10), (8, 16), 2),
        {**heads((1, 4, 10), (8, 16, 32), 2), "features": (1, 64, 8, 8)},
    ],
    ids=["three candidates", "nine columns", "two strides", "further output"],
)
def test_other_outputs_are_neither(outputs: dict[str, Shape]) -> None:
    found = evidence(outputs, blank=fractions(outputs))
    assert decoders(SCRFD, found) == decoders(YUNET, found) == []
