"""Generated models: the outputs of YOLOv8 at 640x640, with known objects in every image.

The outputs do not depend on the image, so that all objects are found whatever the weights are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from builder.lint.examine import plan
from builder.targets.build import build
from runtimes.arrays import Array

SIDE, CANDIDATES, PROTOTYPES = 640, 8400, 32
"""The input, and the sizes of the outputs: those of YOLOv8."""
CELL = 4
"""Side of a cell of the mask prototypes, in pixels of the input."""
CHANNELS = ((3, 32, 4), (32, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 128, 1))
"""Channels of the input and the output, and the stride of each convolution, which together cost as
much as YOLOv8n: 4 billion multiply-adds."""


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A generated model.

    Attributes:
        discs: (N, 3) center x, center y and radius of the objects, in pixels of the input.
        classes: the number of classes.
        masks: whether it has masks: discs that fill the boxes.
        duplicates: the number of overlapping candidates of each object.
        heavy: whether its inference costs as much as that of YOLOv8n; otherwise next to nothing.
    """

    discs: Array
    classes: int = 1
    masks: bool = False
    duplicates: int = 1
    heavy: bool = False

    def build(self, folder: Path, name: str) -> Path:
        """Write model and manifest to `folder`, build the function, and return its directory."""
        self._write(folder / f"{name}.onnx")
        steps = "yolo_segment, nms, mask" if self.masks else "yolo, nms, rectangle"
        labels = ", ".join(f"class_{number}" for number in range(self.classes))
        manifest = folder / f"{name}.yaml"
        manifest.write_text(
            f"name: {name}\ntitle: {name}\ntype: detector\nmodel: {name}.onnx\n"
            f"labels: [{labels}]\npreprocess: [letterbox, channels, {{normalize: 255}}]\n"
            f"postprocess: [{steps}]\n"
        )
        return build(plan(manifest), folder / "build", force=True).folder

    def _write(self, path: Path) -> None:
        """Write the model."""
        outputs = self._outputs()
        weights = [numpy_helper.from_array(it, f"{name}_values") for name, it in outputs.items()]
        weights.append(numpy_helper.from_array(np.zeros((), np.float32), "zero"))
        nodes: list[NodeProto] = []
        last = "images"
        rng = np.random.default_rng(0)
        for number, (into, out, stride) in enumerate(CHANNELS if self.heavy else ()):
            kernel = rng.normal(size=(out, into, 3, 3)) * np.sqrt(2 / (9 * into))
            weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"kernel_{number}"))
            sizes = {"pads": [1, 1, 1, 1], "strides": [stride, stride]}
            given = [last, f"kernel_{number}"]
            nodes.append(helper.make_node("Conv", given, [f"raw_{number}"], **sizes))
            last = f"layer_{number}"
            nodes.append(helper.make_node("Relu", [f"raw_{number}"], [last]))
        nodes.append(helper.make_node("ReduceMean", [last], ["mean"], keepdims=0))
        nodes.append(helper.make_node("Mul", ["mean", "zero"], ["nothing"]))
        nodes += [helper.make_node("Add", [f"{it}_values", "nothing"], [it]) for it in outputs]
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes,
            "synthetic",
            [info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
            [info(it, TensorProto.FLOAT, values.shape) for it, values in outputs.items()],
            weights,
        )
        opset = [helper.make_opsetid("", 17)]
        onnx.save_model(helper.make_model(graph, opset_imports=opset, ir_version=8), path)

    def _outputs(self) -> dict[str, Array]:
        """Return the outputs by name."""
        rng = np.random.default_rng(0)
        channels = 4 + self.classes + (PROTOTYPES if self.masks else 0)
        rows = np.zeros((channels, CANDIDATES), np.float32)
        rows[:2] = rng.uniform(0, SIDE, (2, CANDIDATES))
        rows[2:4] = 30
        rows[4 : 4 + self.classes] = rng.uniform(0, 0.01, (self.classes, CANDIDATES))
        count = len(self.discs) * self.duplicates
        own = rng.permutation(CANDIDATES)[:count]
        number = np.arange(count) // self.duplicates
        x, y, radius = self.discs[number].T
        shift = np.arange(count) % self.duplicates
        rows[0, own], rows[1, own] = x + 0.5 * shift, y
        rows[2:4, own] = 2 * radius
        rows[4 + number % self.classes, own] = 0.9 - 0.01 * shift - 0.0001 * number
        if not self.masks:
            return {"output0": rows[None]}
        # The equation of a circle is a combination of x^2 + y^2, x, y and 1.
        side = SIDE // CELL
        down, across = np.mgrid[:side, :side] + 0.5
        prototypes = rng.normal(size=(1, PROTOTYPES, side, side)).astype(np.float32)
        prototypes[0, :4] = across**2 + down**2, across, down, np.ones((side, side))
        x, y, radius = x / CELL, y / CELL, radius / CELL
        rows[4 + self.classes :] = 0
        circles = np.stack([-np.ones(count), 2 * x, 2 * y, radius**2 - x**2 - y**2])
        rows[4 + self.classes : 8 + self.classes, own] = circles / 1000
        return {"output0": rows[None], "output1": prototypes}


def grid(count: int, columns: int, step: float, radius: float) -> Array:
    """Return (N, 3) discs in rows of `columns`, `step` pixels apart, in the middle of the input."""
    number = np.arange(count)
    x = SIDE / 2 + step * (number % columns - (columns - 1) / 2)
    y = SIDE / 2 + step * (number // columns - ((count - 1) // columns) / 2)
    return np.stack([x, y, np.full(count, radius)], axis=1)
