"""Writes a tracker that is nothing but correlation: no training, a few thousand numbers.

The template is slid over the search crop, and the response is how alike the two are:

    response = exp(-d / 0.04),  d = sum of w * (template - search)^2 / sum of w

over colors averaged in blocks of 4 x 4 pixels, with weights w that fade from the middle of the
template to its rim, so that the object counts and what is around it hardly does. Written out, the
square is two convolutions with fixed kernels and one product of matrices, which every runtime has.

    python correlate.py tracker-demo.onnx
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TEMPLATE, SEARCH, CELL = 128, 256, 4
"""Sides of the crops and of a block, in pixels."""
KERNEL = 24
"""The side of the part of the template that is compared, in blocks: three quarters of it."""
MAP = SEARCH // CELL - KERNEL + 1
"""The side of the response, in blocks; its middle is the middle of the search crop."""
SOFTNESS = 0.04
"""The mean squared difference, of colors from 0 to 1, at which the response is 1 / e."""


class Graph:
    """Nodes and constants that are being put together."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: object, name: str = "", **attributes: object) -> str:
        """A node; arrays among its inputs become constants. Returns the name of its output."""
        names = [it if isinstance(it, str) else self._constant(it) for it in inputs]
        name = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [name], **attributes))
        return name

    def _constant(self, value: object) -> str:
        """A constant's name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def model(
        self, inputs: dict[str, tuple[int | str, ...]], outputs: dict[str, tuple[int | str, ...]]
    ) -> onnx.ModelProto:
        """The whole, with inputs and outputs of these names and shapes."""
        told = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, it) for name, it in group]
            for group in (inputs.items(), outputs.items())
        ]
        graph = helper.make_graph(self.nodes, "correlate", *told, self.constants)
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        onnx.checker.check_model(model, full_check=True)
        return model


CROPS = {"template": (1, 3, TEMPLATE, TEMPLATE), "search": (1, 3, SEARCH, SEARCH)}
"""The inputs of a model that takes both crops."""


def weights() -> np.ndarray:
    """How much each block of the template counts, (KERNEL, KERNEL) float32, summing to 1."""
    away = np.arange(KERNEL) - (KERNEL - 1) / 2
    fading = np.exp(-(away**2) / (2 * (KERNEL / 6) ** 2))
    return (np.outer(fading, fading) / fading.sum() ** 2).astype(np.float32)


def blocks(graph: Graph, crop: str, **named: str) -> str:
    """Adds the mean colors of a crop's blocks: what is compared."""
    pool = {"kernel_shape": [CELL, CELL], "strides": [CELL, CELL]}
    return graph.add("AveragePool", crop, **pool, **named)


def response(graph: Graph, template: str, search: str, **named: str) -> str:
    """Adds the response to the blocks of both crops, [1, 1, MAP, MAP], 0 to 1."""
    weight = weights() / 3  # of three colors
    rim = (TEMPLATE // CELL - KERNEL) // 2
    middle = graph.add(
        "Slice", template, np.array([rim, rim]), np.array([rim + KERNEL] * 2), np.array([2, 3])
    )
    weighted = graph.add("Mul", middle, weight[None, None])
    own = graph.add("ReduceSum", graph.add("Mul", weighted, middle), keepdims=0)
    squares = graph.add("Mul", search, search)
    theirs = graph.add("Conv", squares, np.repeat(weight[None, None], 3, axis=1))
    # Every window of the search crop as a column, by kernels that pick one row, then one column.
    side = SEARCH // CELL
    pick = np.eye(KERNEL, dtype=np.float32)
    apart = graph.add("Reshape", search, np.array([3, 1, side, side]))
    rows = graph.add("Conv", apart, pick[:, None, :, None])
    rows = graph.add("Reshape", rows, np.array([3 * KERNEL, 1, MAP, side]))
    windows = graph.add("Conv", rows, pick[:, None, None, :])
    windows = graph.add("Reshape", windows, np.array([3 * KERNEL * KERNEL, MAP * MAP]))
    flat = graph.add("Reshape", weighted, np.array([1, 3 * KERNEL * KERNEL]))
    both = graph.add("MatMul", flat, windows)
    both = graph.add("Reshape", both, np.array([1, 1, MAP, MAP]))
    both = graph.add("Mul", both, np.float32(2))
    away = graph.add("Sub", graph.add("Add", theirs, own), both)
    away = graph.add("Relu", away)  # rounding can make it negative
    return graph.add("Exp", graph.add("Mul", away, np.float32(-1 / SOFTNESS)), **named)


def tracker() -> onnx.ModelProto:
    """Two crops in, the response out."""
    graph = Graph()
    both = [blocks(graph, name) for name in CROPS]
    response(graph, *both, name="response")
    return graph.model(CROPS, {"response": (1, 1, MAP, MAP)})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    file = parser.parse_args().file
    onnx.save(tracker(), file)
    print(file, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
