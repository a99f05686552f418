import pytest

from builder.families.catalog.siamfc import SIAMFC
from builder.families.match import Match
from tests.builder.families.made import Shape, evidence, matches

RESPONSE: dict[str, Shape] = {"response": (1, 1, 17, 17)}
SMALL, LARGE = (1, 3, 127, 127), (1, 3, 255, 255)


@pytest.mark.parametrize(
    ("inputs", "template"),
    [
        ({"template": SMALL, "search": LARGE}, "template"),
        ({"search": LARGE, "template": SMALL}, "template"),
        ({"x": LARGE, "z": (1, 3, None, None)}, "z"),
        ({"a": SMALL, "b": LARGE}, "a"),
        ({"a": LARGE, "b": SMALL}, "b"),
        ({"a": SMALL, "b": SMALL}, "a"),
    ],
)
def test_the_template_is_known_by_name_or_size(inputs: dict[str, Shape], template: str) -> None:
    (match,) = matches(SIAMFC, evidence(RESPONSE, inputs))
    assert match.reasons[0].startswith(f"{template} [")
    assert match.reasons[0].endswith(": template and search")


@pytest.mark.parametrize(
    "inputs",
    [
        {"image": LARGE},
        {"a": SMALL, "b": LARGE, "c": (1, 2)},
        {"a": (1, 48, 8, 8), "b": (1, 48, 16, 16)},
    ],
)
def test_other_inputs_are_no_template_and_search(inputs: dict[str, Shape]) -> None:
    assert matches(SIAMFC, evidence(RESPONSE, inputs)) == []


def pair(features: Shape, first: Shape, second: Shape) -> list[Match]:
    """The matches of an encoder of crops and a head with these inputs."""
    encoder = evidence({"features": features}, {"crop": (1, 3, None, None)})
    assert SIAMFC.recognize_pair
    head = evidence(RESPONSE, {"a": first, "b": second})
    return list(SIAMFC.recognize_pair(encoder, head))


def test_a_head_compares_two_of_the_encoders_features() -> None:
    (match,) = pair((1, 48, None, None), (1, 48, 8, 8), (1, 48, 16, 16))
    assert match.type == "tracker"
    assert [it.name for it in match.preprocess] == ["channels"]
    assert [(it.key, it.value) for it in match.settings] == [
        ("supported_shape_types", ["rectangle"])
    ]


@pytest.mark.parametrize(
    ("features", "first", "second"),
    [
        ((1, 48, 8, 8), (1, 48, 8, 8), (1, 64, 16, 16)),
        ((1, 48, 8, 8), (1, 48, 64), (1, 48, 256)),
        ((1, 3, 8, 8), (1, 3, 8, 8), (1, 3, 16, 16)),
    ],
    ids=["other channels", "other axes", "images"],
)
def test_a_head_of_something_else_is_not_one_of_a_tracker(
    features: Shape, first: Shape, second: Shape
) -> None:
    assert pair(features, first, second) == []
