"""Small ONNX models whose outputs can be computed by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from runtimes.arrays import Array

Axes = Sequence[int | str]
"""Sizes; a name is a dynamic axis."""

ELEMENTS = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "float64": TensorProto.DOUBLE,
    "uint8": TensorProto.UINT8,
}


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[tuple[str, str, Axes]],
    outputs: Sequence[tuple[str, str, Axes]],
    constants: Mapping[str, Array],
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a graph; inputs and outputs are (name, dtype, shape)."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [
            helper.make_tensor_value_info(name, ELEMENTS[dtype], axes)
            for name, dtype, axes in inputs
        ],
        [
            helper.make_tensor_value_info(name, ELEMENTS[dtype], axes)
            for name, dtype, axes in outputs
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    if metadata:
        helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def as_floats(source: str, target: str) -> onnx.NodeProto:
    """A cast to float32."""
    return helper.make_node("Cast", [source], [target], to=TensorProto.FLOAT)


def constant(
    path: Path,
    output: Array,
    *,
    shape: Axes = (1, 3, 64, 64),
    dtype: str = "float32",
    output_dtype: str = "float32",
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """`images` -> `output0`, which is always `output`."""
    # Without need there is no cast: OpenVINO drops it, and the input gets a second name.
    floats = "images" if dtype == "float32" else "floats"
    nodes = [] if dtype == "float32" else [as_floats("images", floats)]
    nodes += [
        helper.make_node("ReduceMax", [floats], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "zero"], ["nothing"]),
    ]
    if output_dtype == "float32":
        nodes.append(helper.make_node("Add", ["nothing", "known"], ["output0"]))
    else:
        nodes.append(helper.make_node("Add", ["nothing", "known"], ["sum"]))
        nodes.append(helper.make_node("Cast", ["sum"], ["output0"], to=ELEMENTS[output_dtype]))
    constants: dict[str, Array] = {
        "zero": np.zeros((), np.float32),
        "known": output.astype(np.float32),
    }
    return save(
        path,
        nodes,
        [("images", dtype, shape)],
        [("output0", output_dtype, output.shape)],
        constants,
        metadata,
    )


def echo(path: Path, *, shape: Axes = (1, 3, 64, 64), dtype: str = "float32") -> Path:
    """`images` -> `seen`: the input's values as float32."""
    plain = helper.make_node("Identity", ["images"], ["seen"])
    nodes = [plain if dtype == "float32" else as_floats("images", "seen")]
    return save(path, nodes, [("images", dtype, shape)], [("seen", "float32", shape)], {})


def convolution(path: Path, weights: Array, bias: Array, *, shape: Axes) -> Path:
    """`images` -> `features`, max(0, convolution), and `means`, their mean over the image."""
    nodes = [
        helper.make_node("Conv", ["images", "weights", "bias"], ["raw"]),
        helper.make_node("Relu", ["raw"], ["features"]),
        helper.make_node("GlobalAveragePool", ["features"], ["means"]),
    ]
    channels = len(bias)
    return save(
        path,
        nodes,
        [("images", "float32", shape)],
        [
            ("features", "float32", (1, channels, "out_height", "out_width")),
            ("means", "float32", (1, channels, 1, 1)),
        ],
        {"weights": weights.astype(np.float32), "bias": bias.astype(np.float32)},
    )


def two_inputs(path: Path) -> Path:
    """`images` [1, 3, 8, 8] and `weight` [1] -> `product`, and `images` again as `same`."""
    nodes = [
        helper.make_node("Mul", ["images", "weight"], ["product"]),
        helper.make_node("Identity", ["images"], ["same"]),
    ]
    image = (1, 3, 8, 8)
    return save(
        path,
        nodes,
        [("images", "float32", image), ("weight", "float32", (1,))],
        [("product", "float32", image), ("same", "float32", image)],
        {},
    )
