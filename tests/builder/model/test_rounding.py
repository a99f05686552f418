from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from builder.model.rounding import open_rounding, rounding

node = helper.make_node
FACTOR = np.float16(1.1)


def model() -> onnx.ModelProto:
    """(x * 1.1) * 1.1 in half precision, between two conversions."""
    graph = helper.make_graph(
        [
            node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
            node("Mul", ["h", "f"], ["a"]),
            node("Mul", ["a", "f"], ["b"]),
            node("Cast", ["b"], ["y"], to=TensorProto.FLOAT),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1000])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1000])],
        [numpy_helper.from_array(np.array([FACTOR]), "f")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def test_each_result_is_rounded(tmp_path: Path) -> None:
    values = np.linspace(1, 300, 1000).astype(np.float32)
    onnx.save(model(), tmp_path / "model.onnx")
    (found,) = open_rounding(tmp_path / "model.onnx").run({"x": values}).values()
    expected = (values.astype(np.float16) * FACTOR) * FACTOR
    assert expected.dtype == np.float16
    assert (found == expected.astype(np.float32)).all()


def test_only_results_in_half_precision_get_identities() -> None:
    operations = [it.op_type for it in rounding(model()).graph.node]
    twice = ["Identity", "Identity"]
    assert operations == ["Cast", *twice, "Mul", *twice, "Mul", *twice, "Cast"]
