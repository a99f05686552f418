from pathlib import Path

import numpy as np
import openvino
import pytest

from builder.model.file import read
from tests import zoo


def test_domains_of_custom_operations_are_listed(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    net = zoo.image()
    net.give("y", net.known([1.0]), (1,))
    path = net.save(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.node.append(helper.make_node("EfficientNMS_TRT", ["y"], ["z"], domain="TRT"))
    onnx.save_model(model, path)
    assert read(path).graph.domains == ("TRT",)


def test_small_constants_have_their_numbers_in_both_formats(tmp_path: Path) -> None:
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
