"""Small models with the outputs, names and last operations that exporters of each family write.

Every one of them finds what is known in advance, whatever its image shows.
"""

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
CENTRE = (32.0, 16.0, 32.0, 16.0)
"""The same as centre x, centre y, width, height."""
UNIT = tuple(value / 64 for value in BOX)
UNIT_CENTRE = tuple(value / 64 for value in CENTRE)
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
    """A graph with one image, [1, 3, 64, 64] if nothing else is said."""
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


def yolov8(path: Path, classes: int = 3, metadata: Mapping[str, str] | None = None) -> Path:
    """Concat(boxes * strides, Sigmoid(classes)): [1, 4 + classes, cells]."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = np.divide(CENTRE, 8)
    scores = np.full((1, classes, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    parts = [net("Mul", net.known(boxes), net.fixed(8.0)), net("Sigmoid", net.known(scores))]
    net.give("output0", net("Concat", *parts, axis=1), (1, 4 + classes, CELLS))
    return net.save(path, metadata)


def yolov8_obb(path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """The same with an angle, by which boxes are turned in the graph: [1, 4 + 2 + 1, cells]."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTRE
    scores = np.full((1, 2, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    angle = net("Mul", net("Sigmoid", net.known(np.full((1, 1, CELLS), -20))), net.fixed(np.pi))
    turned = net("Mul", net.known(boxes), net("Cos", angle))
    still = net("Add", turned, net("Mul", net("Sin", angle), net.fixed(0.0)))
    whole = net("Concat", still, net("Sigmoid", net.known(scores)), angle, axis=1)
    net.give("output0", whole, (1, 7, CELLS))
    return net.save(path, metadata)


def yolov8_open(path: Path) -> Path:
    """A head of which even the channels are symbolic, under odd names."""
    net = image("in:put/0", "batch", 3, "height", "width")
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTRE
    scores = np.full((1, 3, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    whole = net("Concat", net.known(boxes), net("Sigmoid", net.known(scores)), axis=1)
    net.give("out/put:0", whole, ("batch", "channels", "anchors"))
    return net.save(path, ultralytics("detect"))


def yolov8_segment(path: Path) -> Path:
    """Boxes with coefficients of two prototypes, and the prototypes."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTRE
    scores = np.full((1, 3, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    coefficients = np.zeros((1, 32, CELLS), np.float32)
    coefficients[0, 0, 0] = 1
    scored = net("Concat", net.known(boxes), net("Sigmoid", net.known(scores)), axis=1)
    whole = net("Concat", scored, net.known(coefficients), axis=1)
    net.give("output0", whole, (1, 4 + 3 + 32, CELLS))
    net.give("output1", net.known(np.ones((1, 32, 16, 16))), (1, 32, 16, 16))
    return net.save(path)


def yolov8_pose(path: Path) -> Path:
    """One class and COCO's 17 keypoints: [1, 56, cells]."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTRE
    points = np.zeros((1, 51, CELLS), np.float32)
    points[0, :, 0] = np.tile([20, 10, 0.9], 17)
    scores = np.full((1, 1, CELLS), -9, np.float32)
    scores[0, 0, 0] = logit(SCORE)
    scored = net("Concat", net.known(boxes), net("Sigmoid", net.known(scores)), axis=1)
    net.give("output0", net("Concat", scored, net.known(points), axis=1), (1, 56, CELLS))
    return net.save(path)


def yolov5(path: Path) -> Path:
    """Boxes decoded for three anchors a cell: [1, 3 * cells, 5 + 3]."""
    net = image()
    rows = np.zeros((1, 3 * CELLS, 8), np.float32)
    rows[0, :, 0] = np.linspace(0, 64, 3 * CELLS)
    rows[0, 0] = (*CENTRE, 1, 0, SCORE, 0)
    xy = net("Mul", net.known(rows[..., :2]), net.fixed(1.0))
    wh = net("Pow", net.known(rows[..., 2:4]), net.fixed(1.0))
    scores = net("Clip", net.known(rows[..., 4:]), net.fixed(0.0), net.fixed(1.0))
    net.give("output", net("Concat", xy, wh, scores, axis=2), (1, 3 * CELLS, 8))
    return net.save(path)


def yolov6(path: Path) -> Path:
    """Decoded boxes, one a cell, objectness always 1: [1, cells, 5 + 3]."""
    net = image()
    rows = np.zeros((1, CELLS, 8), np.float32)
    rows[0, :, 0] = np.linspace(0, 64, CELLS)
    rows[0, 0] = (*CENTRE, 1, 0, SCORE, 0)
    boxes = net("Mul", net.known(rows[..., :4]), net.fixed(1.0))
    net.give("outputs", net("Concat", boxes, net.known(rows[..., 4:]), axis=2), (1, CELLS, 8))
    return net.save(path)


def yolox(path: Path) -> Path:
    """Heads as convolutions leave them: [1, cells, 5 + 3]."""
    net = image()
    parts = []
    for side in (8, 4, 2):
        boxes = np.zeros((1, 4, side, side), np.float32)
        scores = np.full((1, 4, side, side), -9, np.float32)
        if side == 8:
            # The first cell of stride 8: centre 32, 16 and size 32, 16 in pixels.
            boxes[0, :, 0, 0] = 4, 2, np.log(4), np.log(2)
            scores[0, :, 0, 0] = 20, -9, logit(SCORE), -9
        box = net.dense(net.known(boxes), 4, "Conv")
        sure = net("Sigmoid", net.dense(net.known(scores), 4, "Conv"))
        level = net("Concat", box, sure, axis=1)
        parts.append(net("Reshape", level, net.fixed([1, 8, side * side], np.int64)))
    whole = net("Concat", *parts, axis=2)
    net.give("output", net("Transpose", whole, perm=[0, 2, 1]), (1, CELLS, 8))
    return net.save(path)


def yolov7_nms(path: Path) -> Path:
    """Rows from NonMaxSuppression: image, x1, y1, x2, y2, class, score."""
    net = image()
    boxes, scores = net.known([[BOX]]), net.known([[[SCORE]]])
    limits = [net.fixed([9], np.int64), net.fixed([0.5]), net.fixed([0.1])]
    chosen = net("NonMaxSuppression", boxes, scores, *limits)
    place = net("Gather", chosen, net.fixed([2], np.int64), axis=1)
    place = net("Squeeze", place, net.fixed([1], np.int64))
    row = net.known([[0, *BOX, 1, SCORE]])
    net.give("output", net("Gather", row, place, axis=0), ("detections", 7))
    return net.save(path)


def end2end(path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """YOLOv10's rows: [1, 300, 6]."""
    net = image()
    net.give("output0", net.known(table(6, 300, (*BOX, SCORE, 1))), (1, 300, 6))
    return net.save(path, metadata or ultralytics("detect", end2end="True"))


def end2end_segment(path: Path) -> Path:
    """Rows with coefficients, from an export with nms=True."""
    net = image()
    net.give("output0", net.known(table(38, 300, (*BOX, SCORE, 1, 1))), (1, 300, 38))
    net.give("output1", net.known(np.ones((1, 32, 16, 16))), (1, 32, 16, 16))
    return net.save(path, ultralytics("segment", end2end="False", args="{'nms': True}"))


def end2end_obb(path: Path) -> Path:
    """Oriented rows, centre and size: [1, 300, 7]."""
    net = image()
    net.give("output0", net.known(table(7, 300, (*CENTRE, SCORE, 1, 0))), (1, 300, 7))
    return net.save(path, ultralytics("obb", end2end="False", args="{'nms': True}"))


def yolov5_heads(path: Path) -> Path:
    """Three outputs [1, 3, h, w, 5 + 3], before their sigmoids."""
    net = image()
    for number, side in enumerate((8, 4, 2)):
        values = np.full((1, 3, side, side, 8), -9, np.float32)
        if side == 8:
            # s(0) = 0.5: the centre of the cell; (2 s)^2 = 1: as large as the anchor of 10 x 13.
            values[0, 0, 2, 4] = 0, 0, 0, 0, 9, -9, 9, -9
        net.give(f"head{number}", net.known(values), (1, 3, side, side, 8))
    return net.save(path)


def darknet_heads(path: Path) -> Path:
    """Three outputs [1, 3 * (5 + 3), h, w], of YOLOv3 or YOLOv4."""
    net = image()
    for number, side in enumerate((8, 4, 2)):
        values = np.full((1, 24, side, side), -9, np.float32)
        net.give(f"head{number}", net.known(values), (1, 24, side, side))
    return net.save(path)


def nanodet(path: Path) -> Path:
    """NanoDet-Plus: [1, cells, 3 + 32], strides up to 64."""
    net = image("data")
    cells = CELLS + 1
    values = np.zeros((1, cells, 35), np.float32)
    # Cell 2, 2 of stride 8 lies at 16, 16; the bins say how many cells it is to each side.
    values[0, 18, 1] = SCORE
    for side, cells_away in enumerate((0, 1, 4, 1)):
        values[0, 18, 3 + 8 * side + cells_away] = 50
    net.give("output", net.known(values), (1, cells, 35))
    return net.save(path)


def _queries(net: Net, classes: int, number: int) -> tuple[str, str]:
    """Logits and boxes of ten queries, the first of which finds BOX."""
    logits = np.full((1, 10, classes), -9, np.float32)
    logits[0, :, -1] = 9
    logits[0, 0] = -9
    logits[0, 0, number] = 9
    return net.known(logits), net.known(table(4, 10, UNIT_CENTRE))


def detr(path: Path) -> Path:
    """Logits of three classes and of nothing; attention, and nothing that selects queries."""
    net = image("pixel_values")
    logits, boxes = _queries(net, 4, 1)
    attention = net("Softmax", net("MatMul", boxes, net.fixed(np.eye(4))), axis=-1)
    boxes = net("Add", boxes, net("Mul", attention, net.fixed(0.0)))
    net.give("logits", net.dense(logits, 4, "MatMul"), (1, 10, 4))
    net.give("pred_boxes", boxes, (1, 10, 4))
    return net.save(path)


def rtdetr(path: Path) -> Path:
    """Logits of three classes; the queries are those that TopK selects."""
    net = image("pixel_values")
    logits, boxes = _queries(net, 3, 1)
    logits = net.dense(logits, 3, "MatMul")
    scores = net("ReduceMax", logits, axes=[2], keepdims=0)
    _, places = net.several("TopK", 2, scores, net.fixed([1], np.int64), axis=1)
    rest = net("Mul", net("ReduceMax", net("Cast", places, to=1), keepdims=0), net.fixed(0.0))
    only = np.full((1, 10, 3), -9, np.float32)
    only[0, 0, 1] = logit(SCORE)
    net.give("logits", net("Add", net.dense(net.known(only), 3, "MatMul"), rest), (1, 10, 3))
    net.give("pred_boxes", boxes, (1, 10, 4))
    return net.save(path)


def rfdetr(path: Path) -> Path:
    """`dets` and `labels`, which are logits."""
    net = image("input")
    only = np.full((1, 10, 3), -9, np.float32)
    only[0, 0, 1] = logit(SCORE)
    net.give("dets", net.known(table(4, 10, UNIT_CENTRE)), (1, 10, 4))
    net.give("labels", net.known(only), (1, 10, 3))
    return net.save(path)


def rtdetr_concat(path: Path) -> Path:
    """Ultralytics' RT-DETR: [1, 300, 4 + 3]."""
    net = image()
    rows = table(7, 300, (*UNIT_CENTRE, 0, SCORE, 0))
    net.give("output0", net.known(rows), (1, 300, 7))
    said = "Ultralytics rtdetr-l model trained on pets.yaml"
    return net.save(path, ultralytics("detect", description=said))


def ssd(path: Path) -> Path:
    """Rows of a DetectionOutput layer; class 1 is the manifest's label 0."""
    net = image("image_tensor")
    rows = np.zeros((1, 1, 100, 7), np.float32)
    rows[0, 0, 0] = (0, 2, SCORE, *UNIT)
    rows[0, 0, 1, 0] = -1
    net.give("detection_out", net.known(rows), (1, 1, 100, 7))
    return net.save(path)


def mask_rcnn_openvino(path: Path) -> Path:
    """`reshape_do_2d` and a mask for each of three classes."""
    net = image("image_tensor")
    rows = np.zeros((10, 7), np.float32)
    rows[0] = (0, 2, SCORE, *UNIT)
    rows[1, 0] = -1
    net.give("reshape_do_2d", net.known(rows), (10, 7))
    net.give("masks", net.known(np.ones((10, 3, 33, 33))), (10, 3, 33, 33))
    return net.save(path)


def openvino_boxes(path: Path) -> Path:
    """`boxes` [N, 5] and `labels` [N]."""
    net = image("image")
    rows = np.zeros((10, 5), np.float32)
    rows[0] = (*BOX, SCORE)
    labels = net("Cast", net.known(np.ones(10)), to=TensorProto.INT64)
    net.give("boxes", net.known(rows), (10, 5))
    net.give("labels", labels, (10,), "int64")
    return net.save(path)


def efficient_nms(path: Path) -> Path:
    """`num_dets`, `det_boxes`, `det_scores`, `det_classes`."""
    net = image()
    count = net("Cast", net.known([[1]]), to=TensorProto.INT32)
    classes = net("Cast", net.known(np.ones((1, 10))), to=TensorProto.INT32)
    net.give("num_dets", count, (1, 1), "int32")
    net.give("det_boxes", net.known(table(4, 10, BOX)), (1, 10, 4))
    net.give("det_scores", net.known(table(1, 10, [SCORE])[..., 0]), (1, 10))
    net.give("det_classes", classes, (1, 10), "int32")
    return net.save(path)


def torchvision(path: Path) -> Path:
    """Faster R-CNN: no batch, SSDLite's order of outputs, three classes and the background."""
    net = image("image", 3, "height", "width")
    logits = np.full((5, 4), -9, np.float32)
    logits[0, 2] = logit(SCORE) - 9 + np.log1p(2 * np.exp(-0.0)) * 0  # the others share the rest
    scores = net("Softmax", net.dense(net.known(logits), 4), axis=1)
    best = net("ReduceMax", scores, axes=[1], keepdims=0)
    rows = np.zeros((5, 4), np.float32)
    rows[0] = BOX
    labels = net("Cast", net.known([2, 0, 0, 0, 0]), to=TensorProto.INT64)
    net.give("boxes", net.known(rows), ("found", 4))
    net.give("scores", best, ("found",))
    net.give("labels", labels, ("found",), "int64")
    return net.save(path)


def mmdeploy(path: Path) -> Path:
    """`dets` [1, N, 5] and `labels` [1, N]."""
    net = image("input")
    labels = net("Cast", net.known(np.ones((1, 10))), to=TensorProto.INT64)
    net.give("dets", net.known(table(5, 10, (*BOX, SCORE))), (1, 10, 5))
    net.give("labels", labels, (1, 10), "int64")
    return net.save(path)


def centernet(path: Path) -> Path:
    """Finished rows of CenterNet, or of anything else: [1, 100, 6]."""
    net = image("input")
    net.give("output", net.known(table(6, 100, (*BOX, SCORE, 1))), (1, 100, 6))
    return net.save(path)


def _scene(channels: int, number: int) -> Array:
    """(1, channels, 64, 64) logits: class `number` in BOX, class 0 elsewhere."""
    values = np.full((1, channels, SIDE, SIDE), -9, np.float32)
    values[0, 0] = 9
    values[0, :, 8:24, 16:48] = -9
    values[0, number, 8:24, 16:48] = 9
    return values


def semantic(path: Path) -> Path:
    """Logits of five classes at the image's size."""
    net = image("input")
    scores = net.dense(net.known(_scene(5, 2)), 5, "Conv")
    net.give("output", scores, (1, 5, SIDE, SIDE))
    return net.save(path)


def semantic_numbers(path: Path) -> Path:
    """The class of each pixel, chosen by ArgMax among five."""
    net = image("input")
    scores = net.dense(net.known(_scene(5, 2)), 5, "Conv")
    best = net("ArgMax", scores, axis=1, keepdims=0)
    net.give("output", best, (1, SIDE, SIDE), "int64")
    return net.save(path)


def _foreground() -> Array:
    """(1, 1, 64, 64) logits: BOX, and nothing elsewhere."""
    return _scene(2, 1)[:, 1:]


def u2net(path: Path) -> Path:
    """Seven side outputs, each after a sigmoid."""
    net = image("input.1")
    for number in range(7):
        values = net("Sigmoid", net.dense(net.known(_foreground()), 1, "Conv"))
        net.give(f"{1959 + number}", values, (1, 1, SIDE, SIDE))
    return net.save(path)


def selfie(path: Path) -> Path:
    """Channels last: [1, 64, 64, 1]."""
    net = image("input_1", 1, SIDE, SIDE, 3)
    values = net("Sigmoid", net.known(_foreground().reshape(1, SIDE, SIDE, 1)))
    net.give("activation_10", values, (1, SIDE, SIDE, 1))
    return net.save(path)


def dbnet(path: Path) -> Path:
    """Text: ConvTranspose, ConvTranspose, Sigmoid over an image of any size."""
    net = Net({"x": ("float32", ("n", 3, "h", "w"))})
    rows = np.full((1, 1, 16, 16), -9, np.float32)
    rows[0, 0, 4:8, 2:14] = 9
    ones = net.fixed(np.ones((1, 1, 2, 2)))
    wide = net.known(rows)
    for _ in range(2):
        wide = net("ConvTranspose", wide, ones, strides=[2, 2])
    net.give("sigmoid_0.tmp_0", net("Sigmoid", wide), ("n", 1, "h", "w"))
    return net.save(path)


def any_size_map(path: Path) -> Path:
    """A probability for each pixel of an image of any size: text, or an object?"""
    net = Net({"x": ("float32", (1, 3, "h", "w"))})
    pixels = net(
        "Slice", "x", net.fixed([0], np.int64), net.fixed([1], np.int64), net.fixed([1], np.int64)
    )
    net.give("y", net("Sigmoid", net("Mul", pixels, net.fixed(0.0))), (1, 1, "h", "w"))
    return net.save(path)


def pixellink(path: Path) -> Path:
    """`pixels` [1, 16, 16, 2] and `links` [1, 16, 16, 16], before their softmax."""
    net = image("Placeholder", 1, 3, SIDE, SIDE)
    pixels = np.zeros((1, 16, 16, 2), np.float32)
    pixels[..., 0] = 9
    pixels[0, 2:12, 2:14] = -9, 9
    links = np.tile(np.array([-9, 9], np.float32), (1, 16, 16, 8))
    net.give("segm_logits", net.known(pixels), (1, 16, 16, 2))
    net.give("link_logits", net.known(links), (1, 16, 16, 16))
    return net.save(path)


def hrnet(path: Path) -> Path:
    """COCO's keypoints of a person of 64 x 48: [1, 17, 16, 12]."""
    net = image("input", 1, 3, 64, 48)
    maps = np.zeros((1, 17, 16, 12), np.float32)
    maps[0, :, 4, 6] = SCORE
    net.give("output", net.known(maps), (1, 17, 16, 12))
    return net.save(path)


def square_maps(path: Path) -> Path:
    """17 channels, a quarter of a square: keypoints or classes?"""
    net = image("input")
    net.give("output", net.known(np.zeros((1, 17, 16, 16))), (1, 17, 16, 16))
    return net.save(path)


def rtmpose(path: Path) -> Path:
    """Bins of COCO's keypoints along x and y."""
    net = image("input", 1, 3, 64, 48)
    x, y = np.zeros((1, 17, 96), np.float32), np.zeros((1, 17, 128), np.float32)
    x[..., 40] = y[..., 60] = SCORE
    net.give("simcc_x", net.known(x), (1, 17, 96))
    net.give("simcc_y", net.known(y), (1, 17, 128))
    return net.save(path)


def movenet(path: Path) -> Path:
    """y, x, score of 17 keypoints, from whole numbers with channels last."""
    net = image("input", 1, SIDE, SIDE, 3, dtype="int32")
    points = np.tile(np.array([0.5, 0.25, SCORE], np.float32), (1, 1, 17, 1))
    net.give("output_0", net.known(points), (1, 1, 17, 3))
    return net.save(path)


def movenet_multi(path: Path) -> Path:
    """Six people of 17 keypoints and a box."""
    net = image("input", 1, SIDE, SIDE, 3, dtype="int32")
    people = np.zeros((1, 6, 56), np.float32)
    people[0, 0] = [*np.tile([0.5, 0.25, SCORE], 17), *np.array(UNIT)[[1, 0, 3, 2]], SCORE]
    net.give("output_0", net.known(people), (1, 6, 56))
    return net.save(path)


def classifier(path: Path) -> Path:
    """Logits of ten classes."""
    net = image("input")
    values = np.zeros((1, 10), np.float32)
    values[0, 4] = 9
    net.give("output", net.dense(net.known(values), 10), (1, 10))
    return net.save(path)


def classifier_softmax(path: Path) -> Path:
    """Probabilities of ten classes, nothing in the graph's last operations says so."""
    net = image("input")
    values = np.full((1, 10), 0.1 / 9, np.float32)
    values[0, 4] = 0.9
    net.give("output", net.known(values), (1, 10))
    return net.save(path)


def scores_or_logits(path: Path) -> Path:
    """Ten numbers in 0..1 that do not sum to 1."""
    net = image("input")
    net.give("output", net.known(np.linspace(0, 0.9, 10)[None]), (1, 10))
    return net.save(path)


def reid(path: Path) -> Path:
    """Vectors of length 1 for people of 256 x 128."""
    net = Net({"input": ("float32", ("n", 3, 256, 128))})
    pooled = net("GlobalAveragePool", "input")
    flat = net("Flatten", pooled)
    wide = net("Gemm", flat, net.fixed(np.ones((3, 128))))
    norm = net("ReduceL2", wide, axes=[1], keepdims=1)
    small = net("Max", norm, net.fixed([1e-12]))
    net.give("features", net("Div", wide, small), ("n", 128))
    return net.save(path)


def vector_or_classes(path: Path) -> Path:
    """512 numbers: a vector, or 512 classes?"""
    net = image("input")
    values = np.linspace(-1, 1, 512, dtype=np.float32)[None]
    net.give("output", net.dense(net.known(values), 512), (1, 512))
    return net.save(path)


def logits_and_boxes(path: Path) -> Path:
    """Logits and boxes, and a graph that does not say how they came about."""
    net = image("pixel_values")
    logits, boxes = _queries(net, 4, 1)
    net.give("logits", logits, (1, 10, 4))
    net.give("pred_boxes", boxes, (1, 10, 4))
    return net.save(path)


def three_classes_or_two_turned(path: Path) -> Path:
    """[1, 7, cells] out of nowhere: three classes, or two and an angle?"""
    net = image()
    values = np.zeros((1, 7, CELLS), np.float32)
    values[0, :, 0] = (*CENTRE, 0, SCORE, 0)
    net.give("output0", net.known(values), (1, 7, CELLS))
    return net.save(path)


def sam_encoder(path: Path) -> Path:
    """An image of 64 x 64 -> `image_embeddings`."""
    net = image("image")
    net.give("image_embeddings", net.known(np.zeros((1, 256, 4, 4))), (1, 256, 4, 4))
    return net.save(path)


def sam_decoder(path: Path) -> Path:
    """SAM's own decoder, by its inputs and outputs."""
    net = Net(
        {
            "image_embeddings": ("float32", (1, 256, 4, 4)),
            "point_coords": ("float32", (1, "n", 2)),
            "point_labels": ("float32", (1, "n")),
            "mask_input": ("float32", (1, 1, 16, 16)),
            "has_mask_input": ("float32", (1,)),
            "orig_im_size": ("float32", (2,)),
        }
    )
    net.give("masks", net.known(np.zeros((1, 4, 64, 64))), (1, 4, "h", "w"))
    net.give("iou_predictions", net.known(np.zeros((1, 4))), (1, 4))
    net.give("low_res_masks", net.known(np.zeros((1, 4, 16, 16))), (1, 4, 16, 16))
    return net.save(path)


def sam2_encoder(path: Path) -> Path:
    """An image of 64 x 64 -> three levels of features."""
    net = image("image")
    for name, shape in (
        ("high_res_feats_0", (1, 32, 16, 16)),
        ("high_res_feats_1", (1, 64, 8, 8)),
        ("image_embed", (1, 256, 4, 4)),
    ):
        net.give(name, net.known(np.zeros(shape)), shape)
    return net.save(path)


def sam2_decoder(path: Path) -> Path:
    """SAM 2's decoder, by its inputs and outputs."""
    net = Net(
        {
            "image_embed": ("float32", (1, 256, 4, 4)),
            "high_res_feats_0": ("float32", (1, 32, 16, 16)),
            "high_res_feats_1": ("float32", (1, 64, 8, 8)),
            "point_coords": ("float32", (1, "n", 2)),
            "point_labels": ("float32", (1, "n")),
            "mask_input": ("float32", (1, 1, 16, 16)),
            "has_mask_input": ("float32", (1,)),
        }
    )
    net.give("masks", net.known(np.zeros((1, 3, 16, 16))), (1, 3, 16, 16))
    net.give("iou_predictions", net.known(np.zeros((1, 3))), (1, 3))
    return net.save(path)


def compared(**outputs: tuple[int, ...]) -> Maker:
    """A tracker in one model: `template` and `search` -> outputs of these shapes."""

    def make(path: Path) -> Path:
        net = Net({"search": ("float32", (1, 3, 64, 64)), "template": ("float32", (1, 3, 32, 32))})
        for name, shape in outputs.items():
            net.give(name, net.known(np.zeros(shape)), shape)
        return net.save(path)

    return make


def crop_encoder(path: Path) -> Path:
    """A crop of any size -> features, NanoTrack's backbone."""
    net = Net({"input": ("float32", (1, 3, "h", "w"))})
    net.give("output", net.known(np.zeros((1, 48, 8, 8))), (1, 48, "fh", "fw"))
    return net.save(path)


def crop_head(path: Path) -> Path:
    """Two crops' features -> classes and boxes, NanoTrack's head."""
    net = Net({"input1": ("float32", (1, 48, 8, 8)), "input2": ("float32", (1, 48, 16, 16))})
    net.give("output1", net.known(np.zeros((1, 2, 15, 15))), (1, 2, 15, 15))
    net.give("output2", net.known(np.zeros((1, 4, 15, 15))), (1, 4, 15, 15))
    return net.save(path)
