"""Building small models whose outputs are known in advance, whatever their image shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from runtimes.arrays import Array

BOX = (16.0, 8.0, 48.0, 24.0)
"""x1 y1 x2 y2 of what is found, in pixels of an input of 64 x 64."""
CENTER = (32.0, 16.0, 32.0, 16.0)
"""The same as center x, center y, width, height."""
UNIT = tuple(value / 64 for value in BOX)
UNIT_CENTER = tuple(value / 64 for value in CENTER)
SCORE = 0.875
SIDE = 64
CELLS = 8 * 8 + 4 * 4 + 2 * 2
"""Cells of strides 8, 16 and 32 over the input."""

_TYPES = {
    "float32": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "uint8": TensorProto.UINT8,
}


def logit(value: float) -> float:
    """What a sigmoid makes `value` of."""
    return float(np.log(value / (1 - value)))


@dataclass
class Net:
    """A graph that is being put together.

    Attributes:
        inputs: name -> element type and shape.
    """

    inputs: Mapping[str, tuple[str, Sequence[int | str]]]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        zeros = []
        for name in self.inputs:
            floats = self("Cast", name, to=TensorProto.FLOAT)
            zeros.append(self("Mul", self("ReduceMax", floats, keepdims=0), self.fixed(0.0)))
        self.nothing = self("Sum", *zeros)

    def fixed(self, values: object, dtype: type = np.float32) -> str:
        """A constant."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.array(values, dtype)
        return name

    def known(self, values: object) -> str:
        """Values that are computed, though they are known."""
        return self("Add", self.nothing, self.fixed(values))

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        """The result of an operation."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def several(self, op: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """The results of an operation that has more than one."""
        names = [f"t{len(self.nodes)}_{number}" for number in range(count)]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names

    def dense(self, source: str, width: int, op: str = "Gemm") -> str:
        """A layer of `width` channels that changes nothing."""
        if op == "Conv":
            return self(op, source, self.fixed(np.eye(width)[:, :, None, None]))
        return self(op, source, self.fixed(np.eye(width)))

    def give(
        self, name: str, source: str, shape: Sequence[int | str], dtype: str = "float32"
    ) -> None:
        """Make a tensor an output."""
        self.nodes.append(helper.make_node("Identity", [source], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, _TYPES[dtype], list(shape)))

    def save(self, path: Path, metadata: Mapping[str, str] | None = None) -> Path:
        """Write the model."""
        graph = helper.make_graph(
            self.nodes,
            "zoo",
            [
                helper.make_tensor_value_info(name, _TYPES[dtype], list(shape))
                for name, (dtype, shape) in self.inputs.items()
            ],
            self.outputs,
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        onnx.checker.check_model(model)
        helper.set_model_props(model, dict(metadata or {}))
        onnx.save_model(model, path)
        return path


Maker = Callable[[Path], Path]


def image(name: str = "images", *shape: int | str, dtype: str = "float32") -> Net:
    """A graph with one image, [1, 3, 64, 64] by default."""
    return Net({name: (dtype, shape or (1, 3, SIDE, SIDE))})


def table(columns: int, rows: int, first: Sequence[float]) -> Array:
    """(1, rows, columns) of zeros but for the first row."""
    values = np.zeros((1, rows, columns), np.float32)
    values[0, 0, : len(first)] = first
    return values


def ultralytics(task: str, **more: str) -> dict[str, str]:
    """The metadata of an Ultralytics export with three classes."""
    names = "{0: 'cat', 1: 'dog', 2: 'bird'}"
    return {"task": task, "names": names, "imgsz": "[64, 64]", "stride": "32", **more}
