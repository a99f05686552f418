from dataclasses import replace
from typing import Any

import pytest

from builder.families.evidence import Evidence
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Channels,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import DraftStep, step
from builder.families.preprocessing import (
    draft,
    from_model_info,
    normalize,
    reorder,
    resize,
    unless_in_graph,
    usual_normalization,
)
from builder.model.graph import Node
from runtimes.preprocess.values import Normalize
from tests.builder.families.made import Shape, evidence

PADDED = Resizing("letterbox", "why", side=512, align="top_left", fill=0, antialias=True)
OPTIONS = {"fill": 0, "align": "top_left", "antialias": True}
BGR = Channels("bgr", "why")
IMAGENET = Values("why", mean=IMAGENET_MEAN, std=IMAGENET_STD)


def taking(shape: Shape, dtype: str = "float32", **metadata: str) -> Evidence:
    """Evidence of a model whose image has this shape."""
    return evidence({"y": (1, 2)}, {"x": shape}, dtypes={"x": dtype}, metadata=metadata)


def spelled(steps: list[DraftStep] | tuple[DraftStep, ...]) -> list[tuple[str, dict[str, Any]]]:
    return [(it.name, dict(it.fields)) for it in steps]


def test_a_fixed_input_needs_no_size() -> None:
    found = resize(taking((1, 3, 48, 64)), PADDED)
    assert (found.name, dict(found.fields)) == ("letterbox", OPTIONS)
    assert (found.why, found.guessed) == ("why; x is 48x64", False)


def test_an_open_input_has_the_size_of_the_metadata() -> None:
    found = resize(taking((1, 3, None, None), imgsz="[48, 64]"), Resizing("resize", "why"))
    assert (found.name, dict(found.fields), found.guessed) == ("resize", {}, False)
    assert found.why == "why; metadata imgsz: [48, 64]"


@pytest.mark.parametrize(
    ("shape", "size"), [((1, 3, None, None), 512), ((1, 3, 48, None), [48, 512])]
)
def test_the_size_of_an_open_input_is_guessed(shape: Shape, size: int | list[int]) -> None:
    found = resize(taking(shape), PADDED)
    assert dict(found.fields) == {"size": size, **OPTIONS}
    assert found.guessed


def test_a_graph_that_runs_at_one_size_gets_that_size() -> None:
    found = resize(replace(taking((1, 3, None, None)), only_size=(224, 320)), PADDED)
    assert dict(found.fields) == {"size": [224, 320], **OPTIONS}
    assert found.why == "why; the graph runs at 224x320 only"


def test_channels_are_reordered_unless_they_are_rgb_or_one() -> None:
    assert spelled(reorder(taking((1, 3, 8, 8)), BGR)) == [("channels", {"order": "bgr"})]
    assert reorder(taking((1, 3, 8, 8)), None) == []
    assert reorder(taking((1, 1, 8, 8)), BGR) == []


@pytest.mark.parametrize(
    ("shape", "dtype", "values", "fields"),
    [
        ((1, 3, 8, 8), "float32", Values(), [{"scale": 255}]),
        ((1, 3, 8, 8), "uint8", Values(), []),
        ((1, 3, 8, 8), "float16", Values(scale=1), []),
        (
            (1, 3, 8, 8),
            "float32",
            Values(mean=(0.5,), std=(0.25,)),
            [{"mean": [0.5], "std": [0.25]}],
        ),
        (
            (1, 3, 8, 8),
            "float32",
            Values(scale=1, mean=(1, 2, 3), std=(4, 5, 6)),
            [{"scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6]}],
        ),
        (
            (1, 1, 8, 8),
            "float32",
            Values(mean=(1, 2, 3), std=(4, 5, 6)),
            [{"mean": [2], "std": [5]}],
        ),
    ],
    ids=["0..1", "integers", "0..255", "one number", "mean of 0..255", "gray"],
)
def test_values_are_normalized_as_the_input_needs_it(
    shape: Shape, dtype: str, values: Values, fields: list[dict[str, Any]]
) -> None:
    assert [dict(it.fields) for it in normalize(taking(shape, dtype), values)] == fields


def test_an_input_format_becomes_steps_in_order() -> None:
    steps = draft(taking((1, 3, 8, 8)), InputFormat(PADDED, IMAGENET, BGR))
    assert [it.name for it in steps] == ["letterbox", "channels", "normalize"]
    assert [it.name for it in draft(taking((1, 3, 8, 8)), InputFormat())] == ["normalize"]


USUAL = [step(Normalize, "usual", mean=[0.5])]


def beginning(*ops: tuple[str, float]) -> Evidence:
    """Evidence of a model that does arithmetic with single numbers before its first layer."""
    names = ["images", *(f"t{number}" for number in range(len(ops)))]
    constants = {f"c{number}": (value,) for number, (_, value) in enumerate(ops)}
    nodes = [
        Node(op, (names[number], f"c{number}"), (names[number + 1],))
        for number, (op, _) in enumerate(ops)
    ]
    nodes.append(Node("Conv", (names[-1], "w"), ("y",)))
    return evidence({"y": (1, 2)}, nodes=nodes, constants=constants)


@pytest.mark.parametrize(
    ("ops", "fields"),
    [
        ([], {"mean": [0.5]}),
        ([("Sub", 0.0), ("Div", 1.0)], {"mean": [0.5]}),
        ([("Sub", 0.5), ("Div", 0.25)], {"scale": 255}),
        ([("Sub", 120.0), ("Div", 60.0)], {"scale": 1}),
        ([("Mul", 1 / 255)], {"scale": 1}),
    ],
    ids=["nothing", "neutral", "of 0..1", "of 0..255", "division"],
)
def test_a_graph_that_normalizes_leaves_only_the_scale(
    ops: list[tuple[str, float]], fields: dict[str, Any]
) -> None:
    (found,) = unless_in_graph(beginning(*ops), "images", USUAL)
    assert dict(found.fields) == fields


def test_arithmetic_without_known_numbers_makes_the_scale_a_guess() -> None:
    nodes = [Node("Sub", ("images", "mean"), ("t",)), Node("Conv", ("t", "w"), ("y",))]
    (found,) = unless_in_graph(evidence({"y": (1, 2)}, nodes=nodes), "images", USUAL)
    assert (dict(found.fields), found.guessed) == ({"scale": 1}, True)
    assert unless_in_graph(evidence({"y": (1, 2)}, nodes=nodes), "images", []) == []


def test_the_usual_normalization_is_a_guess() -> None:
    (found,) = usual_normalization(taking((1, 3, 8, 8)))
    assert (dict(found.fields)["mean"], found.guessed) == ([*IMAGENET_MEAN], True)
    assert usual_normalization(taking((1, 3, 8, 8), "uint8")) == []


def described(**info: str) -> list[tuple[str, dict[str, Any]]]:
    """The steps that an IR's model_info describes."""
    found = evidence({"y": (1, 2)}, metadata=info, opset=None)
    steps = from_model_info(found)
    assert steps is not None
    return spelled(steps)


@pytest.mark.parametrize(
    ("info", "name", "fields"),
    [
        ({"resize_type": "standard"}, "resize", {}),
        ({"resize_type": "unheard of"}, "resize", {}),
        ({"resize_type": "crop"}, "center_crop", {}),
        ({"resize_type": "fit_to_window_letterbox"}, "letterbox", {"fill": 0}),
        (
            {"resize_type": "fit_to_window", "pad_value": "7"},
            "letterbox",
            {"fill": 7, "align": "top_left"},
        ),
        ({"resize_type": "fit_to_window_letterbox", "pad_value": "900"}, "letterbox", {"fill": 0}),
    ],
)
def test_model_info_describes_the_resizing(
    info: dict[str, str], name: str, fields: dict[str, Any]
) -> None:
    assert described(**info)[0] == (name, fields)


def test_model_info_describes_channels_and_values() -> None:
    numbers = {"mean_values": "1 2 3", "scale_values": "[4, 5, 6]"}
    assert described(**numbers)[1:] == [
        ("channels", {"order": "bgr"}),
        ("normalize", {"scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6]}),
    ]
    assert described(reverse_input_channels="YES", **numbers)[1:] == [
        ("normalize", {"scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6]})
    ]


@pytest.mark.parametrize("numbers", ["0 1 1", "1 2", "a b c", "-1 -1 -1", "nan nan nan", "1e9"])
def test_invalid_numbers_of_model_info_are_ignored(numbers: str) -> None:
    assert described(scale_values=numbers)[1:] == [("channels", {"order": "bgr"})]


def test_only_an_ir_has_model_info() -> None:
    assert from_model_info(evidence({"y": (1, 2)}, metadata={"resize_type": "crop"})) is None
    assert from_model_info(evidence({"y": (1, 2)}, metadata={}, opset=None)) is None
