"""ONNX files without their weights, compared with what the onnx package reads."""

import contextlib
import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from builder.model.onnx_wire import (
    MAX_KEPT_BYTES,
    NotOnnx,
    with_input_replaced,
    without_weights,
)
from tests.paths import ROOT

MODELS = sorted((ROOT / "manifests" / "models").glob("*.onnx"))
NUMBERS = ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data")


def emptied(graph: onnx.GraphProto) -> None:
    """Take the numbers out of all tensors, at any depth of subgraphs."""
    tensors = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors] if attribute.ByteSize() else []
            for below in (attribute.g, *attribute.graphs):
                if below.ByteSize():
                    emptied(below)
    for tensor in tensors:
        for name in NUMBERS:
            if tensor.ByteSize():
                tensor.ClearField(name)


def same_but_for_numbers(path: Path) -> None:
    """What is left is what onnx reads, without the numbers."""
    expected, found = onnx.load(path, load_external_data=False), onnx.ModelProto()
    found.ParseFromString(without_weights(path))
    emptied(expected.graph)
    emptied(found.graph)
    assert found == expected


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_everything_except_the_numbers_is_as_onnx_reads_it(path: Path) -> None:
    same_but_for_numbers(path)
    assert len(without_weights(path)) < 50_000


def branching(path: Path, big: np.ndarray) -> Path:
    """Weights of each kind: raw, as floats, in a Constant, and in both branches of an If."""
    value = helper.make_tensor_value_info
    out = value("branch", TensorProto.FLOAT, None)

    def branch(name: str) -> onnx.GraphProto:
        tensor = numpy_helper.from_array(big, name)
        node = helper.make_node("Constant", [], ["branch"], value=tensor)
        return helper.make_graph([node], name, [], [out])

    floats = helper.make_tensor("floats", TensorProto.FLOAT, big.shape, big.ravel())
    nodes = [
        helper.make_node("If", ["flag"], ["x"], then_branch=branch("a"), else_branch=branch("b")),
        helper.make_node("Sum", ["x", "raw", "floats"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "branching",
        [value("flag", TensorProto.BOOL, [])],
        [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(big, "raw"), floats],
    )
    onnx.save_model(helper.make_model(graph), path)
    return path


def test_weights_in_branches_and_lists_of_floats_are_removed(tmp_path: Path) -> None:
    big = np.arange(10_000, dtype=np.float32)
    path = branching(tmp_path / "m.onnx", big)
    assert path.stat().st_size > 4 * big.nbytes
    same_but_for_numbers(path)
    assert len(without_weights(path)) < 2000


def test_short_constants_are_kept_for_shape_inference(tmp_path: Path) -> None:
    small = np.arange(MAX_KEPT_BYTES // 4, dtype=np.float32)
    path = branching(tmp_path / "m.onnx", small)
    assert onnx.ModelProto.FromString(without_weights(path)) == onnx.load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
        b"\x3a\xff\xff\xff\xff\x0f",
        b"\x3a" + b"\xff" * 20,
        b"\x3a\x05\x2a\x7f",
        b"\x00\x00",
        b"\x3b",
        b"\x39\x00",
    ],
    ids=["nothing", "LFS", "too long", "endless number", "inner too long", "0", "group", "short"],
)
def test_bytes_that_are_not_a_message_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(NotOnnx):
        without_weights(tmp_path / "m.onnx")


def test_too_deeply_nested_graphs_are_refused(tmp_path: Path) -> None:
    message = b""
    for _ in range(200):
        # graph > node > attribute > graph, each with its length.
        for key in (b"\x32", b"\x2a", b"\x0a"):
            length = len(message)
            size = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
            message = key + size + message
    length = len(message)
    size = bytes([length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14])
    (tmp_path / "m.onnx").write_bytes(b"\x3a" + size + message)
    with pytest.raises(NotOnnx, match="deep"):
        without_weights(tmp_path / "m.onnx")


def test_damaged_files_are_refused_or_read_but_never_crash(tmp_path: Path) -> None:
    content = MODELS[0].read_bytes()[:40_000]
    chance = random.Random(5)
    for _ in range(60):
        broken = bytearray(content)
        for _ in range(20):
            broken[chance.randrange(200)] = chance.randrange(256)
        (tmp_path / "m.onnx").write_bytes(broken[: chance.randrange(len(broken))])
        with contextlib.suppress(NotOnnx):
            without_weights(tmp_path / "m.onnx")


@pytest.mark.slow
def test_half_a_gigabyte_of_weights_is_skipped(tmp_path: Path) -> None:
    path = branching(tmp_path / "m.onnx", np.zeros(30_000_000, np.float32))
    assert path.stat().st_size > 450_000_000
    assert len(without_weights(path)) < 2000


def front_of(name: str) -> onnx.GraphProto:
    """A new input `pixels`, and an operation that computes the input `name` from it."""
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, 4, 4, 3])
    graph = helper.make_graph(
        [helper.make_node("Cast", ["pixels"], [name], to=TensorProto.FLOAT)], "", [pixels], []
    )
    graph.ClearField("name")
    return graph


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_an_input_is_replaced_and_nothing_else(path: Path) -> None:
    expected = onnx.load(path)
    name = expected.graph.input[0].name
    front = front_of(name)
    found = onnx.ModelProto.FromString(
        with_input_replaced(path.read_bytes(), name, front.SerializeToString())
    )
    nodes, inputs = list(expected.graph.node), list(expected.graph.input)
    del expected.graph.node[:], expected.graph.input[:]
    expected.graph.node.extend([*front.node, *nodes])
    expected.graph.input.extend([*front.input, *inputs[1:]])
    assert found == expected


def test_a_graph_in_two_parts() -> None:
    # Protocol Buffers merges repeated fields of a message into one message.
    value = helper.make_tensor_value_info
    first = helper.make_graph([], "graph", [value("other", TensorProto.FLOAT, [1])], [])
    second = onnx.GraphProto(input=[value("image", TensorProto.FLOAT, [1])])
    content = b"".join(
        onnx.ModelProto(graph=graph).SerializeToString() for graph in (first, second)
    )
    front = front_of("image").SerializeToString()
    found = onnx.ModelProto.FromString(with_input_replaced(content, "image", front)).graph
    assert [it.name for it in found.input] == ["pixels", "other"]
    assert [it.op_type for it in found.node] == ["Cast"]
    assert found.name == "graph"


def test_an_input_that_does_not_exist() -> None:
    content = MODELS[0].read_bytes()
    with pytest.raises(NotOnnx, match="the graph has 0 inputs called 'none'"):
        with_input_replaced(content, "none", b"")


def test_replacing_an_input_of_damaged_files_raises_only_not_onnx() -> None:
    content = MODELS[0].read_bytes()[:4000]
    rng = random.Random(5)
    for _ in range(200):
        damaged = bytearray(content)
        damaged[rng.randrange(60)] = rng.randrange(256)
        with contextlib.suppress(NotOnnx):
            with_input_replaced(bytes(damaged), "images", b"")
