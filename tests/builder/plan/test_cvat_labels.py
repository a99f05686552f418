from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builder.lint.examine import plan
from builder.plan.plan import Plan
from tests.builder.conftest import WriteManifest, detector_of, failure
from tests.builder.plan.conftest import CHOICE, NUMBER, Planned, Refused, drawn, seconds
from tests.unseen import check_without_model


@pytest.mark.parametrize("kind", ["rectangle", "any"])
def test_a_label_can_have_the_type_of_the_shape(planned: Planned, kind: str) -> None:
    labels: list[Any] = ["a", {"name": "b", "type": kind}, "c"]
    assert [label.type for label in planned(labels=labels).labels] == [
        "rectangle",
        kind,
        "rectangle",
    ]


@pytest.mark.parametrize("kind", ["polygon", "mask", "tag", "ellipse"])
def test_a_label_of_another_type_than_the_shape_is_reported(refused: Refused, kind: str) -> None:
    (problem,) = refused(labels=["a", {"name": "b", "type": kind}, "c"])
    assert problem.place == "labels[1].type"
    assert problem.found == kind
    assert problem.allowed == "rectangle or any"


HUE = ("hue", "select", ("red", "green"))


AGE = ("age", "number", ("18", "99", "1"))


SCORE = ("score", "number", ("0", "100", "1"))


def declared(found: Plan) -> list[list[tuple[str, str, tuple[Any, ...]]]]:
    """The attributes of each label."""
    return [
        [(it.name, it.input_type, it.values) for it in label.attributes] for label in found.labels
    ]


def test_attributes_of_steps_are_declared_for_every_label(planned: Planned) -> None:
    constant = {"constant_attribute": {"attribute": "source", "value": "model 7"}}
    steps = drawn("score_attribute", constant)
    found = planned(postprocess=steps, then=seconds(CHOICE, NUMBER))
    assert declared(found) == [[SCORE, ("source", "text", ("model 7",)), HUE, AGE]] * 3


def test_attributes_of_a_second_model_are_declared_for_its_labels(
    planned: Planned,
) -> None:
    then = [*seconds(CHOICE, only=["dog"]), *seconds(NUMBER, only=["bird", "dog"])]
    found = planned(postprocess=drawn("score_attribute"), then=then)
    assert declared(found) == [[SCORE], [SCORE, HUE, AGE], [SCORE, AGE]]


def test_attributes_of_the_label_override_those_of_steps(planned: Planned) -> None:
    own = [
        {"name": "age", "input_type": "number", "values": [0, 120, 1]},
        {"name": "mood", "input_type": "text"},
    ]
    labels = ["cat", {"name": "dog", "attributes": own}, "bird"]
    found = planned(labels=labels, then=seconds(CHOICE, NUMBER))
    assert declared(found) == [
        [HUE, AGE],
        [("age", "number", ("0", "120", "1")), ("mood", "text", ()), HUE],
        [HUE, AGE],
    ]


@pytest.mark.parametrize(
    ("own", "steps", "words"),
    [
        (
            {"name": "hue", "input_type": "select", "values": ["red", "blue"]},
            CHOICE,
            "'green' is not one of red, blue",
        ),
        ({"name": "hue", "input_type": "checkbox"}, CHOICE, "'red' is neither"),
        ({"name": "age", "input_type": "number", "values": [0, 50, 1]}, NUMBER, "not from 0 to 50"),
    ],
)
def test_values_that_the_labels_attribute_excludes_are_reported(
    refused: Refused, own: dict[str, Any], steps: dict[str, Any], words: str
) -> None:
    labels = ["cat", {"name": "dog", "attributes": [own]}, "bird"]
    (problem,) = refused(labels=labels, then=seconds(steps))
    assert problem.place.startswith("then[0].postprocess[0].")
    assert "CVAT would drop the attribute of 'dog'" in problem.what
    assert words in problem.what


def test_without_attributes_nothing_is_declared(planned: Planned) -> None:
    assert declared(planned()) == [[], [], []]


@pytest.mark.parametrize(
    ("step", "key"),
    [
        ({"constant_attribute": {"attribute": " source", "value": "x"}}, "constant_attribute"),
        ({"constant_attribute": {"attribute": "", "value": "x"}}, "constant_attribute"),
        ({"score_attribute": "x" * 65}, "score_attribute"),
        ({"score_attribute": "a\nb"}, "score_attribute"),
        ({"choice_attribute": {"attribute": "hue", "values": []}}, "choice_attribute"),
    ],
)
@pytest.mark.parametrize("check", [plan, check_without_model])
def test_an_attribute_that_cvat_does_not_accept_is_reported(
    write_manifest: WriteManifest,
    check: Callable[[Path], object],
    step: dict[str, Any],
    key: str,
) -> None:
    manifest = write_manifest(labels=["a", "b", "c"], postprocess=drawn(step))
    (problem,) = failure(lambda: check(manifest)).problems
    assert problem.place.startswith(f"postprocess[2].{key}")
    assert problem.file == manifest


BESIDE = {"ellipse": {"suffix": "-round"}}


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (
            ["rectangle", BESIDE],
            [
                ("cat", "rectangle"),
                ("dog", "rectangle"),
                ("cat-round", "ellipse"),
                ("dog-round", "ellipse"),
            ],
        ),
        ([BESIDE], [("cat-round", "ellipse"), ("dog-round", "ellipse")]),
        (
            [{"rectangle": {"suffix": " outline"}}, BESIDE],
            [
                ("cat outline", "rectangle"),
                ("dog outline", "rectangle"),
                ("cat-round", "ellipse"),
                ("dog-round", "ellipse"),
            ],
        ),
        # Two shapes without a suffix share the label.
        (["rectangle", "ellipse"], [("cat", "any"), ("dog", "any")]),
    ],
)
def test_a_shape_with_a_suffix_has_labels_of_its_own(
    planned: Planned, shapes: list[Any], expected: list[tuple[str, str]]
) -> None:
    labels = [{"name": "cat", "id": 0}, {"name": "dog", "id": 2}]
    found = planned(labels=labels, postprocess=["yolo", "nms", *shapes])
    assert [(label.name, label.type) for label in found.labels] == expected
    assert [label.id for label in found.labels] == [0, 2] * (len(expected) // 2)
    # Classes are known by their names alone: the suffix is the shape's.
    assert detector_of(found).labels == {0: "cat", 2: "dog"}


def test_labels_with_a_suffix_have_the_same_attributes(planned: Planned) -> None:
    found = planned(postprocess=["yolo", "nms", "score_attribute", "rectangle", BESIDE])
    assert declared(found) == [[SCORE]] * 6


@pytest.mark.parametrize(
    ("labels", "suffix", "what"),
    [
        (["cat", "cat-mask", "c"], "-mask", "duplicate label 'cat-mask'"),
        (
            ["x" * 60, "b", "c"],
            "-mask",
            f"the label '{'x' * 60}-mask' is longer than 64 characters",
        ),
    ],
)
def test_a_suffix_that_makes_an_invalid_label_is_reported(
    refused: Refused, labels: list[str], suffix: str, what: str
) -> None:
    shapes = ["rectangle", {"mask": {"suffix": suffix}}]
    (problem,) = refused(labels=labels, postprocess=["yolo", "nms", *shapes])
    assert (problem.place, problem.what) == ("postprocess", what)
    assert "another suffix" in problem.hint


def test_a_label_with_a_suffix_may_have_64_characters(planned: Planned) -> None:
    shapes = ["rectangle", {"ellipse": {"suffix": "-oval"}}]
    found = planned(labels=["x" * 59, "b", "c"], postprocess=["yolo", "nms", *shapes])
    assert found.labels[3].name == "x" * 59 + "-oval"
    assert len(found.labels[3].name) == 64
