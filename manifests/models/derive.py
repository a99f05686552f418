"""Derive two of the example networks from the trained ones, by editing their graphs.

    python derive.py tags shapes-detect.onnx shapes-tags.onnx
    python derive.py rcnn shapes-segment.onnx shapes-rcnn.onnx

Needs onnx and numpy only, and always writes the same file for the same input.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 320
CONFIDENCE = 0.05
"""The least score, as in torchvision's Mask R-CNN."""
NMS_IOU = 0.45
"""What the other networks are measured with; torchvision's networks have 0.5."""
MOST = 100
"""The most objects of an image, as in torchvision's Mask R-CNN."""


class Graph:
    """Nodes that are added to those of a model.

    Args:
        model: The model to add to, in place.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        """Begin with what the model has."""
        self.model, self.graph = model, model.graph
        self.made = {name for node in self.graph.node for name in node.output}

    def add(self, op: str, inputs: Sequence[str], name: str = "", **attributes: Any) -> str:
        """Append a node and return the name of its (only) output."""
        name = name or f"{op.lower()}_{len(self.made)}"
        assert name not in self.made, name
        self.graph.node.append(helper.make_node(op, inputs, [name], f"{name}_node", **attributes))
        self.made.add(name)
        return name

    def constant(self, values: Any, kind: type[np.generic]) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def ints(self, *values: int) -> str:
        """Add a constant of whole numbers, (len(values),) int64."""
        return self.constant(values, np.int64)

    def number(self, value: float) -> str:
        """Add a constant, () float32."""
        return self.constant(value, np.float32)

    def columns(self, values: str, first: int, last: int) -> str:
        """Columns `first` to `last` (not including it) of (N, D)."""
        return self.add("Slice", [values, self.ints(first), self.ints(last), self.ints(1)])

    def finish(self, inputs: Iterable[Any], outputs: Iterable[Any], facts: dict[str, str]) -> None:
        """Set what goes in and out and the metadata, and drop what no output needs."""
        for fields, values in ((self.graph.input, inputs), (self.graph.output, outputs)):
            kept = list(values)
            del fields[:]
            fields.extend(kept)
        del self.graph.value_info[:]
        needed = {value.name for value in self.graph.output}
        nodes = []
        for node in reversed(self.graph.node):
            if needed.intersection(node.output):
                needed.update(node.input)
                nodes.append(node)
        weights = [tensor for tensor in self.graph.initializer if tensor.name in needed]
        del self.graph.node[:], self.graph.initializer[:]
        self.graph.node.extend(reversed(nodes))
        self.graph.initializer.extend(weights)
        del self.model.metadata_props[:]
        helper.set_model_props(self.model, facts)
        onnx.checker.check_model(self.model, full_check=True)


def tags(model: onnx.ModelProto) -> None:
    """Make a classifier of a detector, in place: the best score of each class, [1, classes].

    The classes do not exclude each other, so the probabilities do not add up to 1.
    """
    facts = {entry.key: entry.value for entry in model.metadata_props}
    facts |= {"task": "classify", "stride": "1"}
    facts["description"] = "The kinds of drawn shapes in an image; the best scores of a detector"
    # output0 is the transposed [boxes, scores]; the rows of the boxes are not needed any more.
    source = {name: node for node in model.graph.node for name in node.output}
    transposed = source["output0"]
    joined = source[transposed.input[0]]
    scores = joined.input[-1]
    assert [transposed.op_type, joined.op_type] == ["Transpose", "Concat"]
    assert source[scores].op_type == "Sigmoid"
    model.graph.node.remove(transposed)
    graph = Graph(model)
    graph.add("ReduceMax", [scores], "output0", axes=[1], keepdims=0)
    classes = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value - 4
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, classes])
    graph.finish(list(model.graph.input), [output], facts)


def rcnn(model: onnx.ModelProto) -> None:
    """Give a segmentation network inputs and outputs of torchvision's Mask R-CNN, in place.

    From `image` [3, 320, 320] to `boxes` [N, 4], `labels` [N], `scores` [N] and `masks`
    [N, 1, 320, 320], best score first, at most 100.
    """
    prototypes = model.graph.output[1].type.tensor_type.shape.dim
    rows = model.graph.output[0].type.tensor_type.shape.dim
    masks, points = prototypes[1].dim_value, rows[2].dim_value
    classes = rows[1].dim_value - 4 - masks
    facts = {entry.key: entry.value for entry in model.metadata_props}
    facts = {key: facts[key] for key in ("author", "license", "version")}
    facts["description"] = "Drawn shapes, with the inputs and outputs of torchvision's Mask R-CNN"

    graph = Graph(model)
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [3, SIZE, SIZE])
    model.graph.node.insert(
        0, helper.make_node("Unsqueeze", ["image", graph.ints(0)], ["images"], "images_node")
    )

    # Duplicates go class by class.
    boxes, scores, _ = _split(graph, "output0", [4, classes, masks])
    candidates = graph.add("Transpose", [boxes], perm=[0, 2, 1])
    limits = [graph.ints(MOST), graph.number(NMS_IOU), graph.number(CONFIDENCE)]
    chosen = graph.add("NonMaxSuppression", [candidates, scores, *limits], center_point_box=1)
    kinds, places = graph.columns(chosen, 1, 2), graph.columns(chosen, 2, 3)

    # The best of all classes together.
    flat = graph.add("Reshape", [scores, graph.ints(-1)])
    index = graph.add("Add", [graph.add("Mul", [kinds, graph.ints(points)]), places])
    index = graph.add("Reshape", [index, graph.ints(-1)])
    found = graph.add("Gather", [flat, index], axis=0)
    count = graph.add("Min", [graph.add("Shape", [found]), graph.ints(MOST)])
    order = f"order_{len(graph.made)}"
    graph.graph.node.append(
        helper.make_node("TopK", [found, count], ["scores", order], "scores_node", axis=0)
    )
    kinds, places = (
        graph.add("Gather", [graph.add("Reshape", [v, graph.ints(-1)]), order], axis=0)
        for v in (kinds, places)
    )
    graph.add("Add", [kinds, graph.ints(1)], "labels")

    columns = graph.add(
        "Transpose", [graph.add("Squeeze", ["output0", graph.ints(0)])], perm=[1, 0]
    )
    mine = graph.add("Gather", [columns, places], axis=0)
    center = graph.columns(mine, 0, 2)
    half = graph.add("Mul", [graph.columns(mine, 2, 4), graph.number(0.5)])
    ends = [graph.add("Sub", [center, half]), graph.add("Add", [center, half])]
    whole = graph.add("Concat", ends, axis=1)
    graph.add("Clip", [whole, graph.number(0.0), graph.number(SIZE)], "boxes")

    # Enlarging is linear, so the prototypes can be enlarged instead of the masks: their number is
    # fixed, and a resize of no masks at all is something that not every runtime does.
    sizes = graph.ints(1, masks, SIZE, SIZE)
    large = graph.add("Resize", ["output1", "", "", sizes], mode="linear")
    large = graph.add("Reshape", [large, graph.ints(masks, SIZE * SIZE)])
    weights = graph.columns(mine, 4 + classes, 4 + classes + masks)
    full = graph.add("Sigmoid", [graph.add("MatMul", [weights, large])])
    full = graph.add("Reshape", [full, graph.ints(-1, 1, SIZE, SIZE)])
    middles = np.arange(SIZE) + 0.5
    across = graph.constant(middles.reshape(1, 1, 1, SIZE), np.float32)
    down = graph.constant(middles.reshape(1, 1, SIZE, 1), np.float32)
    sides = []
    for column, (line, op) in enumerate(
        [(across, "Greater"), (down, "Greater"), (across, "Less"), (down, "Less")]
    ):
        side = graph.add(
            "Reshape", [graph.columns("boxes", column, column + 1), graph.ints(-1, 1, 1, 1)]
        )
        sides.append(graph.add(op, [line, side]))
    wide, high = graph.add("And", [sides[0], sides[2]]), graph.add("And", [sides[1], sides[3]])
    graph.add("Where", [graph.add("And", [wide, high]), full, graph.number(0.0)], "masks")

    outputs = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("boxes", TensorProto.FLOAT, ["objects", 4]),
            ("labels", TensorProto.INT64, ["objects"]),
            ("scores", TensorProto.FLOAT, ["objects"]),
            ("masks", TensorProto.FLOAT, ["objects", 1, SIZE, SIZE]),
        )
    ]
    graph.finish([image], outputs, facts)


def _split(graph: Graph, rows: str, sizes: list[int]) -> list[str]:
    """Parts of the second axis of (1, sum(sizes), A)."""
    ends = np.cumsum([0, *sizes]).tolist()
    axis = graph.ints(1)
    return [
        graph.add("Slice", [rows, graph.ints(a), graph.ints(b), axis])
        for a, b in itertools.pairwise(ends)
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Derive an example network from another.")
    kinds = {"tags": tags, "rcnn": rcnn}
    parser.add_argument("kind", choices=tuple(kinds))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    model = onnx.load(args.source)
    kinds[args.kind](model)
    onnx.save(model, args.target)
    print(f"{args.target}: {args.target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
