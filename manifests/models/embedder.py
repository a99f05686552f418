"""Write the example network for ReID: histograms of colors, by plain arithmetic, not trained.

    python embedder.py reid-demo.onnx

Needs onnx and numpy only, and always writes the same file.
"""

from __future__ import annotations

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BINS = 8
"""Triangles over the values 0..1 of a channel, each as wide as two of the steps between them."""
HEIGHT, WIDTH = 96, 48
"""Of a crop. Its upper and its lower half have histograms of their own."""


def model() -> onnx.ModelProto:
    """From `crops` [N, 3, 96, 48], RGB, 0 to 1, to `embedding` [N, 48].

    Bin b of channel c is the mean over half the crop of max(0, 1 - |value - b / 7| * 7): how much
    of it has about that value. The parts of a pixel's triangles add up to 1, so a histogram does.
    """
    centers = np.arange(BINS) / (BINS - 1)
    # One 1x1 convolution gives value - center for all channels and bins.
    weights = np.zeros((3 * BINS, 3, 1, 1), np.float32)
    for channel in range(3):
        weights[channel * BINS : (channel + 1) * BINS, channel] = 1
    constants = {
        "weights": weights,
        "bias": -np.tile(centers, 3).astype(np.float32),
        "slope": np.float32(1 - BINS),
        "one": np.float32(1),
    }
    nodes = [
        helper.make_node("Conv", ["crops", "weights", "bias"], ["differences"]),
        helper.make_node("Abs", ["differences"], ["far"]),
        helper.make_node("Mul", ["far", "slope"], ["falling"]),
        helper.make_node("Add", ["falling", "one"], ["raised"]),
        helper.make_node("Relu", ["raised"], ["shares"]),
        helper.make_node(
            "AveragePool",
            ["shares"],
            ["means"],
            kernel_shape=[HEIGHT // 2, WIDTH],
            strides=[HEIGHT // 2, WIDTH],
        ),
        helper.make_node("Flatten", ["means"], ["embedding"]),
    ]
    size = 3 * BINS * 2
    graph = helper.make_graph(
        nodes,
        "color_histograms",
        [helper.make_tensor_value_info("crops", TensorProto.FLOAT, ["N", 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", size])],
        [numpy_helper.from_array(np.asarray(it), name) for name, it in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(made, full_check=True)
    return made


if __name__ == "__main__":
    onnx.save(model(), sys.argv[1])
