from dataclasses import replace

import numpy as np
import pytest

from builder.families.catalog.semantic import SEMANTIC
from builder.model.graph import Node
from tests.builder.families.made import Shape, decoders, evidence, matches


@pytest.mark.parametrize(
    ("outputs", "fit"),
    [
        ({"scores": (1, 5, 64, 64)}, True),
        ({"scores": (1, 5, 16, 16)}, True),
        ({"scores": (1, 64, 64, 5)}, True),
        ({"main": (1, 5, 64, 64), "auxiliary": (1, 5, 64, 64)}, True),
        ({"main": (1, 5, 64, 64), "other": (1, 9, 64, 64)}, False),
        ({"scores": (1, 1, 64, 64)}, False),
        ({"scores": (1, 5, 128, 128)}, False),
        ({"scores": (1, 5, 4, 4)}, False),
        ({"scores": (1, 5, 64, 32)}, False),
        ({"image_embed": (1, 5, 64, 64)}, False),
        ({"features": (1, 256, 4, 4)}, False),
        ({"scores": (1, 5, 64, 64), "more": (1, 2)}, False),
    ],
)
def test_scores_cover_the_image(outputs: dict[str, Shape], fit: bool) -> None:
    assert decoders(SEMANTIC, evidence(outputs)) == ([("semantic", "SHAPE")] if fit else [])


def test_class_ids_are_integers() -> None:
    found = evidence({"ids": (1, 64, 64)}, dtypes={"ids": "int64"})
    assert decoders(SEMANTIC, found) == [("semantic", "SHAPE")]
    nodes = [Node("ArgMax", ("x",), ("ids",))]
    chosen = evidence({"ids": (1, 64, 64)}, dtypes={"ids": "int64"}, nodes=nodes)
    assert decoders(SEMANTIC, chosen) == [("semantic", "STRUCTURE")]
    assert decoders(SEMANTIC, evidence({"ids": (1, 64, 64)})) == []


def test_a_quarter_of_the_image_can_be_heatmaps() -> None:
    assert decoders(SEMANTIC, evidence({"maps": (1, 17, 16, 16)})) == [("semantic", "SHAPE")]
    assert decoders(SEMANTIC, evidence({"maps": (1, 18, 16, 16)})) == [("semantic", "SHAPE")]
    upright: dict[str, Shape] = {"x": (1, 3, 64, 48)}
    assert decoders(SEMANTIC, evidence({"maps": (1, 17, 16, 12)}, upright)) == []


@pytest.mark.parametrize(
    ("channels", "op", "labels", "strength"),
    [
        (5, "Softmax", None, "STRUCTURE"),
        (5, "Sigmoid", None, "EVIDENCE"),
        (3, "Sigmoid", None, "SHAPE"),  # an image
        (5, "Conv", None, "SHAPE"),
        (5, "Conv", 5, "EVIDENCE"),
        (5, "Conv", 4, "EVIDENCE"),  # without the background
        (5, "Conv", 3, "SHAPE"),
    ],
)
def test_scores_need_evidence(channels: int, op: str, labels: int | None, strength: str) -> None:
    nodes = [Node(op, ("x", "w"), ("y",))]
    found = replace(evidence({"y": (1, channels, 64, 64)}, nodes=nodes), labels=labels)
    assert decoders(SEMANTIC, found) == [("semantic", strength)]


@pytest.mark.parametrize(("change", "strength"), [(0, "EVIDENCE"), (0.5, "SHAPE")])
def test_values_that_sum_to_one_are_evidence(change: float, strength: str) -> None:
    values = np.full((1, 5, 64, 64), 0.2, np.float32)
    values[0, 0, 3, 3] += change
    found = evidence({"y": (1, 5, 64, 64)}, blank={"y": values})
    assert decoders(SEMANTIC, found) == [("semantic", strength)]


@pytest.mark.parametrize(
    ("op", "fields"),
    [
        ("Softmax", {"activation": "none"}),
        ("Sigmoid", {"activation": "none", "overlap": True}),
        ("Conv", {}),
    ],
)
def test_scores_after_an_activation_get_none(op: str, fields: dict[str, str]) -> None:
    nodes = [Node(op, ("x", "w"), ("scores",))]
    (match,) = matches(SEMANTIC, evidence({"scores": (1, 5, 64, 64)}, nodes=nodes))
    assert dict(match.postprocess[0].fields) == fields


def test_the_main_head_is_named_beside_auxiliary_ones() -> None:
    outputs: dict[str, Shape] = {"main": (1, 5, 64, 64), "auxiliary": (1, 5, 64, 64)}
    (match,) = matches(SEMANTIC, evidence(outputs))
    assert match.postprocess[0].fields["output"] == "main"


@pytest.mark.parametrize(
    ("metadata", "count", "first"),
    [
        ({}, 4, 1),
        ({"task": "semantic"}, 5, 0),
        ({"task": "semantic", "names": "{0: 'road', 1: 'a', 2: 'b', 3: 'c', 4: 'd'}"}, 5, 0),
        ({"task": "semantic", "names": "{0: 'background', 1: 'a', 2: 'b', 3: 'c', 4: 'd'}"}, 4, 1),
    ],
    ids=["with a background", "of Ultralytics", "named", "with a named background"],
)
def test_the_background_is_no_class(metadata: dict[str, str], count: int, first: int) -> None:
    (match,) = matches(SEMANTIC, evidence({"scores": (1, 5, 64, 64)}, metadata=metadata))
    assert match.classes is not None
    assert (match.classes.count, match.classes.first) == (count, first)
