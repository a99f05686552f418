"""Small ONNX files whose answers are known in advance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Box: TypeAlias = tuple[float, float, float, float, int, float]
"""Center x, center y, width, height in pixels of the model's input; class; score."""

BOXES: tuple[Box, ...] = (
    (16, 16, 16, 8, 0, 0.9),
    (48, 40, 8, 16, 1, 0.75),
    (10, 50, 6, 6, 2, 0.125),
)
"""Two boxes above the default threshold of 0.25 and one below."""

NAMES = "{0: 'cat', 1: 'dog', 2: 'bird'}"
CANDIDATES = 84
"""Cells of strides 8, 16 and 32 over an image of 64x64: 64 + 16 + 4."""


def yolo_model(
    path: Path,
    classes: int = 3,
    size: int = 64,
    rows: Sequence[Box] = BOXES,
    metadata: Mapping[str, str] | None = None,
    shape: Sequence[int | str] | None = None,
) -> Path:
    """Raw output of YOLOv8 and later: [1, 4 + classes, cells of the image]."""
    output = np.zeros((1, 4 + classes, CANDIDATES * size**2 // 64**2), np.float32)
    for place, (x, y, wide, high, number, score) in enumerate(rows):
        output[0, :4, place] = x, y, wide, high
        output[0, 4 + number, place] = score
    return save(path, {"output0": output}, {"images": shape or (1, 3, size, size)}, metadata)


def end2end_model(path: Path, size: int = 64, rows: Sequence[Box] = BOXES) -> Path:
    """Finished rows: [1, 300, 6]."""
    output = np.zeros((1, 300, 6), np.float32)
    for place, (x, y, wide, high, number, score) in enumerate(rows):
        corners = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        output[0, place] = (*corners, score, number)
    return save(path, {"output0": output}, {"images": (1, 3, size, size)})


def objectness_model(
    path: Path, classes: int = 3, size: int = 64, rows: Sequence[Box] = BOXES
) -> Path:
    """Raw output of YOLOv5: [1, cells of the image, 5 + classes]; objectness 1 for each box."""
    output = np.zeros((1, CANDIDATES * size**2 // 64**2, 5 + classes), np.float32)
    for place, (x, y, wide, high, number, score) in enumerate(rows):
        output[0, place, :5] = x, y, wide, high, 1
        output[0, place, 5 + number] = score
    return save(path, {"output0": output}, {"images": (1, 3, size, size)})


def save_zeros(path: Path, shape: Sequence[int], size: int) -> Path:
    """A model of square images whose output is all zeros."""
    return save(path, {"output0": np.zeros(shape, np.float32)}, {"images": (1, 3, size, size)})


def open_size_model(path: Path) -> Path:
    """A model whose input has any height and width."""
    return yolo_model(path, shape=(1, 3, "height", "width"))


def two_input_model(path: Path) -> Path:
    """A model with a second input, which no detector can feed."""
    output = np.zeros((1, 7, CANDIDATES), np.float32)
    return save(path, {"output0": output}, {"images": (1, 3, 64, 64), "points": (1, 2)})


def external_model(path: Path, location: str) -> Path:
    """A model that keeps its weights in a file called `location` beside it."""
    yolo_model(path)
    onnx.save_model(
        onnx.load(path),
        path,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=location,
        size_threshold=0,
    )
    return path


def redirected_model(path: Path, location: str) -> Path:
    """A model that claims to keep weights at `location`, whatever that is."""
    external_model(path, "weights.data")
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    onnx.save_model(model, path)
    return path


def external_constant_model(path: Path, location: str) -> Path:
    """A model that keeps the tensor of a Constant node, not an initializer, in another file."""
    external_model(path, location)
    model = onnx.load(path, load_external_data=False)
    graph = model.graph
    nodes = [
        helper.make_node("Constant", [], [tensor.name], value=tensor)
        for tensor in graph.initializer
    ]
    del graph.initializer[:]
    nodes += list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save_model(model, path)
    return path


def openvino_model(folder: Path, name: str = "model") -> Path:
    """An OpenVINO IR: NAME.xml and NAME.bin in `folder`."""
    from tests.openvino_models import save_ir

    return save_ir(yolo_model, folder / f"{name}.xml")


def save(
    path: Path,
    outputs: Mapping[str, NDArray[np.float32]],
    inputs: Mapping[str, Sequence[int | str]],
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A model that gives `outputs` whatever it is fed; it reads its inputs all the same."""
    nodes = []
    zeros = []
    for name, shape in inputs.items():
        nodes += [
            helper.make_node(
                "ReduceMean", [name], [f"{name}_mean"], axes=list(range(len(shape))), keepdims=0
            ),
            helper.make_node("Mul", [f"{name}_mean", "zero"], [f"{name}_zero"]),
        ]
        zeros.append(f"{name}_zero")
    nodes.append(helper.make_node("Sum", zeros, ["nothing"]))
    nodes += [helper.make_node("Add", [f"{name}_known", "nothing"], [name]) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "known_answers",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in inputs.items()
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(array.shape))
            for name, array in outputs.items()
        ],
        [
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            *(numpy_helper.from_array(array, f"{name}_known") for name, array in outputs.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    helper.set_model_props(
        model, {"names": NAMES, "task": "detect"} if metadata is None else dict(metadata)
    )
    onnx.save_model(model, path)
    return path
