"""Regressed keypoints, by the name and the values of the output."""

from typing import Any

import numpy as np
import pytest

from builder.families.catalog.keypoints import KEYPOINTS
from tests.builder.families.made import Shape, decoders, evidence, matches


@pytest.mark.parametrize(
    ("low", "high", "unit"),
    [(0.1, 0.9, "fraction"), (-0.9, 0.8, "signed"), (5, 60, "pixels")],
)
def test_a_run_tells_the_unit(low: float, high: float, unit: str) -> None:
    values = np.linspace(low, high, 136, dtype=np.float32)[None]
    (match,) = matches(KEYPOINTS, evidence({"landmarks": (1, 136)}, blank={"landmarks": values}))
    assert match.postprocess[0].fields == {"kpt_shape": [68, 2], "unit": unit}
    assert match.strength.name == "EVIDENCE"


@pytest.mark.parametrize(("name", "value"), [("output", 0.5), ("landmarks", 1e4)])
def test_a_name_without_values_or_values_without_a_name_are_unsure(name: str, value: float) -> None:
    values = np.full((1, 136), value, np.float32)
    found = evidence({name: (1, 136)}, blank={name: values})
    assert decoders(KEYPOINTS, found) == [("keypoints", "SHAPE")]


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("output", (1, 1404), [[468, 3]]),
        ("output", (1, 1, 1, 1434), [[478, 3]]),
        ("output", (1, 98, 2), [[98, 2]]),
        ("output", (1, 212, 1, 1), [[106, 2]]),
        ("output", (1, 204), [[68, 3]]),
        ("hand_landmarks", (1, 63), [[21, 3]]),
        # Vectors of other models.
        ("output", (1, 10), []),
        ("output", (1, 63), []),
        ("output", (1, 512), []),
        ("output", (1, 1000), []),
        ("output", (1, 34, 4), []),
        ("output", (136, 1), []),
        ("landmarks", (1, 68, 64, 64), []),
    ],
)
def test_shapes_of_known_numbers_of_keypoints(name: str, shape: Shape, expected: list[Any]) -> None:
    found = matches(KEYPOINTS, evidence({name: shape}))
    assert [match.postprocess[0].fields["kpt_shape"] for match in found] == expected


def test_scores_and_keypoints_in_meters_are_further_outputs() -> None:
    outputs: dict[str, Shape] = {
        "flag": (1, 1),
        "landmarks": (1, 63),
        "handedness": (1, 1),
        "world": (1, 63),
    }
    (match,) = matches(KEYPOINTS, evidence(outputs))
    assert match.postprocess[0].fields["output"] == "landmarks"
    assert match.postprocess[0].fields["kpt_shape"] == [21, 3]
    assert matches(KEYPOINTS, evidence({**outputs, "angles": (1, 3)})) == []
