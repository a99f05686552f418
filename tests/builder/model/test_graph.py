import re
from pathlib import Path

import numpy as np
import openvino
import pytest

from builder.diagnostics.errors import ModelError
from builder.model.file import read
from builder.model.graph import Graph, Node
from builder.model.graph_ir import read_ir
from tests import zoo


def graph_of(*nodes: Node, weights: dict[str, tuple[int, ...]] | None = None) -> Graph:
    return Graph("test", 17, (), {}, nodes, weights or {})


def test_reshaping_and_casting_leave_the_source_what_it_is() -> None:
    graph = graph_of(
        Node("Sigmoid", ("x",), ("s",)),
        Node("Reshape", ("s", "shape"), ("r",)),
        Node("Cast", ("r",), ("y",)),
    )
    assert graph.source("y") == "s"
    assert graph.end("y") == "Sigmoid"
    assert graph.end("x") == ""


def test_parts_of_nested_concats_are_in_order() -> None:
    graph = graph_of(
        Node("Mul", ("a", "b"), ("boxes",)),
        Node("Sigmoid", ("c",), ("scores",)),
        Node("Concat", ("boxes", "scores"), ("inner",)),
        Node("Concat", ("inner", "points"), ("outer",)),
        Node("Transpose", ("outer",), ("y",)),
    )
    assert graph.parts("y") == ("boxes", "scores", "points")
    assert graph.ends("y") == ("Mul", "Sigmoid", "")


def test_a_layer_with_a_bias_gives_logits_and_a_sum_of_constants_says_nothing() -> None:
    graph = graph_of(
        Node("MatMul", ("x", "w"), ("m",)),
        Node("Add", ("bias", "m"), ("logits",)),
        Node("Softmax", ("logits",), ("p",)),
        Node("Add", ("c", "d"), ("known",)),
    )
    assert graph.activation("logits") == "none"
    assert graph.activation("p") == "softmax"
    assert graph.activation("known") is None


def test_width_is_that_of_the_weights() -> None:
    graph = graph_of(
        Node("Conv", ("x", "w"), ("a",)),
        Node("Gemm", ("x", "g"), ("b",), transposed=True),
        Node("Gemm", ("x", "g"), ("c",)),
        Node("Add", ("bias", "c"), ("d",)),
        Node("ConvTranspose", ("x", "w"), ("e",)),
        weights={"w": (8, 3, 1, 1), "g": (91, 1024), "bias": (1024,)},
    )
    assert [graph.width(name) for name in "abcdex"] == [8, 91, 1024, 1024, 3, None]


def test_classes_are_counted_at_the_scores_and_not_at_gates() -> None:
    graph = graph_of(
        Node("Conv", ("x", "w64"), ("a",)),
        Node("Sigmoid", ("a",), ("gate",)),
        Node("Mul", ("a", "gate"), ("silu",)),
        Node("Conv", ("silu", "w5"), ("b",)),
        Node("Sigmoid", ("b",), ("scores",)),
        Node("TopK", ("scores", "k"), ("best", "places")),
        weights={"w64": (64, 3, 3, 3), "w5": (5, 64, 1, 1)},
    )
    assert graph.class_count("best", "Sigmoid") == 5
    assert graph.class_count("silu", "Sigmoid") is None


def test_circles_do_not_keep_anybody_busy() -> None:
    graph = graph_of(
        Node("Reshape", ("b",), ("a",)),
        Node("Concat", ("a", "c"), ("b",)),
        Node("Add", ("d",), ("d",)),
    )
    assert graph.end("a") in ("", "Concat")
    graph.parts("a")
    graph.activation("d")
    assert list(graph.behind("d")) == [graph.nodes[2]]


def test_what_an_input_goes_through_first() -> None:
    graph = graph_of(
        Node("Cast", ("x",), ("a",)),
        Node("Sub", ("a", "mean"), ("b",)),
        Node("Div", ("b", "std"), ("c",)),
        Node("Conv", ("c", "w"), ("d",)),
        Node("Relu", ("d",), ("e",)),
    )
    assert graph.starts("x") == ("Sub", "Div")


def converted(make: zoo.Maker, folder: Path) -> Path:
    """A model of the zoo as OpenVINO IR."""
    source = make(folder / "source.onnx")
    openvino.save_model(openvino.convert_model(source), folder / "m.xml", compress_to_fp16=False)
    return folder / "m.xml"


def test_an_ir_tells_the_same_as_the_onnx_file_that_it_was_made_from(tmp_path: Path) -> None:
    path = converted(zoo.yolov8, tmp_path)
    graph, original = read(path).graph, read(tmp_path / "source.onnx").graph
    (output,) = read(path).signature.outputs
    assert original.ends("output0") == ("Mul", "Sigmoid")
    # The converter folds the product into the known boxes.
    assert graph.ends(output.name) == ("Add", "Sigmoid")
    assert graph.opset is None
    assert "OpenVINO IR, version" in graph.origin


def test_an_ir_counts_channels_too(tmp_path: Path) -> None:
    path = converted(zoo.semantic, tmp_path)
    (output,) = read(path).signature.outputs
    assert read(path).graph.width(output.name) == 5


BOMB = """<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<net name="&b;" version="11"></net>"""


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE net SYSTEM "file:///etc/passwd"><net/>',
        "<net>",
        "<html></html>",
        "",
        "<net>" + "<a>" * 5000,
    ],
    ids=["entities", "document type", "open", "another root", "empty", "deep"],
)
def test_a_file_that_is_no_ir_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.xml").write_text(text)
    with pytest.raises(ModelError, match=r"m\.xml is not a valid OpenVINO IR"):
        read_ir(tmp_path / "m.xml")


def test_metadata_of_an_ir_are_read(tmp_path: Path) -> None:
    model = openvino.convert_model(zoo.yolov8(tmp_path / "source.onnx"))
    model.set_rt_info("a b", ["model_info", "labels"])
    model.set_rt_info("fit_to_window_letterbox", ["model_info", "resize_type"])
    openvino.save_model(model, tmp_path / "m.xml")
    metadata = read(tmp_path / "m.xml").graph.metadata
    assert metadata["labels"] == "a b"
    assert metadata["resize_type"] == "fit_to_window_letterbox"


def test_operations_that_are_not_onnx_own_are_named(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    net = zoo.image()
    net.give("y", net.known([1.0]), (1,))
    path = net.save(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("EfficientNMS_TRT", ["y"], ["z"], domain="TRT"))
    onnx.save_model(model, path)
    assert read(path).graph.domains == ("TRT",)


def test_what_was_picked_filled_up_and_sorted_comes_from_what_made_it() -> None:
    graph = graph_of(
        Node("ArgMax", ("x",), ("a",)),
        Node("Gather", ("a", "rows"), ("b",)),
        Node("Sigmoid", ("rows",), ("places",)),
        Node("ConstantOfShape", ("n",), ("zeros",)),
        Node("Where", ("own", "b", "w"), ("c",)),
        Node("Concat", ("c", "zeros"), ("d",)),
        Node("ScatterND", ("zeros", "places", "d"), ("e",)),
        Node("Tile", ("e", "w"), ("f",)),
    )
    assert graph.origins("f") == ((graph.nodes[0], "a"),)


def test_the_few_numbers_of_small_constants_are_there_in_both_formats(tmp_path: Path) -> None:
    net = zoo.Net({"x": ("float32", (1, 3, 4, 4))})
    std = [58.395, 57.12, 57.375]
    net.give("y", net("Mul", "x", net.fixed(np.reshape(std, (1, 3, 1, 1)))), (1, 3, 4, 4))
    net.give("z", net("Add", "x", net.fixed(np.ones((1, 3, 4, 4)))), (1, 3, 4, 4))
    path = net.save(tmp_path / "m.onnx")
    openvino.save_model(openvino.convert_model(path), tmp_path / "m.xml", compress_to_fp16=False)
    for file in (path, tmp_path / "m.xml"):
        graph = read(file).graph
        factors = [graph.numbers(node.inputs[1]) for node in graph.nodes if node.op == "Mul"]
        assert pytest.approx(std, rel=1e-6) in factors
        assert max(len(numbers) for numbers in graph.constants.values()) <= 16


def test_constants_that_lie_about_where_they_are_have_no_numbers(tmp_path: Path) -> None:
    path = converted(zoo.semantic, tmp_path)
    text = path.read_text()
    for wrong in (
        'offset="99999999999999999999"',
        'offset="-4"',
        'offset="1e9"',
        'offset="900000"',
    ):
        path.write_text(re.sub(r'offset="\d+"', wrong, text))
        assert read_ir(path).constants == {}
    path.with_suffix(".bin").unlink()
    assert read_ir(path).constants == {}


NUMBERS = {
    "two": (2.0,),
    "mean": (10.0, 20.0, 30.0),
    "std": (1.0, 2.0, 4.0),
    "many": (1.0,) * 5,
    "nothing": (0.0,),
}


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ([], ((0,), (1,))),
        ([("Sub", "mean"), ("Div", "std")], ((10, 20, 30), (1, 2, 4))),
        # ((x / 2) - mean) / std = (x - 2 * mean) / (2 * std)
        ([("Div", "two"), ("Sub", "mean"), ("Div", "std")], ((20, 40, 60), (2, 4, 8))),
        # x * 2 + mean = (x + mean / 2) / (1 / 2)
        ([("Mul", "two"), ("Add", "mean")], ((-5, -10, -15), (0.5,) * 3)),
        ([("Sub", "elsewhere")], None),
        ([("Sub", "many")], None),
        ([("Mul", "nothing")], None),
        # Layers begin, and what comes after them is done to other values.
        ([("MaxPool", "two"), ("Sub", "mean")], ((0,), (1,))),
        ([("Sub", "two"), ("Add", "many")], ((2,), (1,))),
    ],
)
def test_what_an_input_is_normalised_by(
    steps: list[tuple[str, str]], known: tuple[tuple[float, ...], ...] | None
) -> None:
    nodes = [
        Node(op, (f"x{place}", by), (f"x{place + 1}",)) for place, (op, by) in enumerate(steps)
    ]
    last = Node("Conv", (f"x{len(steps)}", "w"), ("y",))
    graph = Graph("test", 17, (), {}, (*nodes, last), {}, NUMBERS)
    found = graph.normalisation("x0")
    if known is None:
        assert found is None
        return
    assert found is not None
    for numbers, expected in zip(found, known, strict=True):
        assert set(numbers) == set(expected)
        assert len(numbers) in (len(expected), 1)


def test_a_number_from_which_an_input_is_taken_is_no_mean() -> None:
    graph = Graph("test", 17, (), {}, (Node("Sub", ("two", "x"), ("y",)),), {}, NUMBERS)
    assert graph.normalisation("x") is None
