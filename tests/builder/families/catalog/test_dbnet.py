import pytest

from builder.families.catalog.dbnet import DBNET
from builder.families.catalog.saliency import SALIENCY
from builder.model.graph import Node
from tests.builder.families.made import Shape, decoders, evidence, matches

FIXED: dict[str, Shape] = {"x": (1, 3, 64, 64)}
OPEN: dict[str, Shape] = {"x": (1, 3, None, None)}
MAP: dict[str, Shape] = {"y": (1, 1, 64, 64)}
SIGMOID = [Node("Sigmoid", ("t",), ("y",))]
HEAD = [
    Node("ConvTranspose", ("a", "w"), ("b",)),
    Node("ConvTranspose", ("b", "w"), ("t",)),
    *SIGMOID,
]


@pytest.mark.parametrize(
    ("inputs", "nodes", "text", "objects"),
    [
        (FIXED, HEAD, ["STRUCTURE"], []),
        (OPEN, HEAD, ["STRUCTURE"], []),
        (OPEN, SIGMOID, ["SHAPE"], ["SHAPE"]),
        (FIXED, SIGMOID, [], ["EVIDENCE"]),
        (OPEN, [], [], ["SHAPE"]),
        ({"x": (1, 64, 64, 3)}, HEAD, [], ["EVIDENCE"]),
    ],
    ids=["head", "head, any size", "any size", "fixed size", "no sigmoid", "channels last"],
)
def test_the_head_tells_text_from_objects(
    inputs: dict[str, Shape], nodes: list[Node], text: list[str], objects: list[str]
) -> None:
    found = evidence({"y": (1, 1, None, None)} if inputs is OPEN else MAP, inputs, nodes=nodes)
    assert [strength for _, strength in decoders(DBNET, found)] == text
    assert [strength for _, strength in decoders(SALIENCY, found)] == objects


@pytest.mark.parametrize(("inputs", "name"), [(OPEN, "resize_multiple"), (FIXED, "resize")])
def test_images_of_any_size_are_resized_to_a_multiple(inputs: dict[str, Shape], name: str) -> None:
    (match,) = matches(DBNET, evidence(MAP, inputs, nodes=HEAD))
    assert [it.name for it in match.preprocess] == [name, "channels", "normalize"]


@pytest.mark.parametrize(
    ("outputs", "fit"),
    [
        ({"y": (1, 1, 64, 64)}, True),
        ({"y": (1, 64, 64, 1)}, True),
        ({"y": (1, 64, 64)}, True),
        ({"y": (1, 1, 32, 64)}, False),
        ({"y": (1, 2, 64, 64)}, False),
        ({"y": (1, 1, 64, 64), "z": (1, 1, 32, 32)}, True),
        ({"y": (1, 1, 64, 64), "z": (1, 5)}, False),
    ],
)
def test_salient_objects_have_one_value_per_pixel(outputs: dict[str, Shape], fit: bool) -> None:
    assert bool(decoders(SALIENCY, evidence(outputs))) is fit


@pytest.mark.parametrize(
    ("outputs", "inputs", "mean"),
    [
        ({"y": (1, 1, 64, 64), "z": (1, 1, 64, 64)}, FIXED, True),
        ({"y": (1, 64, 64, 1)}, {"x": (1, 64, 64, 3)}, False),
        ({"y": (1, 1, 64, 64)}, FIXED, True),
    ],
    ids=["side outputs", "channels last", "one output"],
)
def test_the_values_of_salient_objects_depend_on_the_best_known_models(
    outputs: dict[str, Shape], inputs: dict[str, Shape], mean: bool
) -> None:
    (match,) = matches(SALIENCY, evidence(outputs, inputs))
    normalize = match.preprocess[1]
    assert normalize.guessed
    assert ("mean" in normalize.fields) is mean


def test_values_before_a_sigmoid_get_one() -> None:
    nodes = [Node("Conv", ("t", "w"), ("y",))]
    (match,) = matches(SALIENCY, evidence(MAP, FIXED, nodes=nodes))
    assert dict(match.postprocess[0].fields) == {"activation": "sigmoid"}
