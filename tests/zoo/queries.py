"""Transformers with a fixed number of queries."""

from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.zoo.entry import DOG, NO_COUNT, RECTANGLE, STRETCH, expect
from tests.zoo.net import BOX, SCORE, SIDE, UNIT, UNIT_CENTER, Net, image, logit, table, ultralytics


def _queries(net: Net, classes: int, number: int) -> tuple[str, str]:
    """Logits and boxes of ten queries, the first of which finds BOX."""
    logits = np.full((1, 10, classes), -9, np.float32)
    logits[0, :, -1] = 9
    logits[0, 0] = -9
    logits[0, 0, number] = 9
    return net.known(logits), net.known(table(4, 10, UNIT_CENTER))


@expect("detr", STRETCH, RECTANGLE, score=1)
def detr(path: Path) -> Path:
    """Logits of three classes and of nothing; attention, and nothing that selects queries."""
    return _detr(image("pixel_values"), path)


@expect("detr", STRETCH, RECTANGLE, score=1)
def detr_with_mask(path: Path) -> Path:
    """The same from transformers, with a mask of the pixels that are no padding.

    Nothing is found unless the mask is 1 everywhere.
    """
    size = ("float32", (1, 3, SIDE, SIDE))
    net = Net({"pixel_values": size, "pixel_mask": ("int64", (1, 32, 32))})
    kept = net("ReduceMin", net("Cast", "pixel_mask", to=1), keepdims=0)
    return _detr(net, path, kept)


def _detr(net: Net, path: Path, kept: str | None = None) -> Path:
    """A DETR whose boxes are multiplied by `kept`."""
    logits, boxes = _queries(net, 4, 1)
    attention = net("Softmax", net("MatMul", boxes, net.fixed(np.eye(4))), axis=-1)
    boxes = net("Add", boxes, net("Mul", attention, net.fixed(0.0)))
    net.give("logits", net.dense(logits, 4, "MatMul"), (1, 10, 4))
    boxes = boxes if kept is None else net("Mul", boxes, kept)
    net.give("pred_boxes", boxes, (1, 10, 4))
    return net.save(path)


@expect("rtdetr", STRETCH, RECTANGLE)
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


@expect("rtdetr", STRETCH, RECTANGLE)
def rfdetr(path: Path) -> Path:
    """`dets` and `labels`, which are logits."""
    net = image("input")
    only = np.full((1, 10, 3), -9, np.float32)
    only[0, 0, 1] = logit(SCORE)
    net.give("dets", net.known(table(4, 10, UNIT_CENTER)), (1, 10, 4))
    net.give("labels", net.known(only), (1, 10, 3))
    return net.save(path)


@expect("rtdetr", STRETCH, ("class_1", "polygon", BOX), slack=1.01)
def rfdetr_segment(path: Path) -> Path:
    """The same with `masks`, logits at a quarter of the input's size."""
    net = image("input")
    only = np.full((1, 10, 3), -9, np.float32)
    only[0, 0, 1] = logit(SCORE)
    masks = np.full((1, 10, 16, 16), -9, np.float32)
    masks[0, 0, 2:6, 4:12] = 9
    net.give("dets", net.known(table(4, 10, UNIT_CENTER)), (1, 10, 4))
    net.give("labels", net.known(only), (1, 10, 3))
    net.give("masks", net.known(masks), masks.shape)
    return net.save(path)


@expect("rtdetr_deploy", STRETCH, RECTANGLE, note=NO_COUNT)
def rtdetr_deploy(path: Path) -> Path:
    """The authors' export: corners in pixels of the size in the second input."""
    size = ("float32", (1, 3, SIDE, SIDE))
    net = Net({"images": size, "orig_target_sizes": ("int64", (1, 2))})
    sides = net("Cast", "orig_target_sizes", to=TensorProto.FLOAT)
    labels = net("Cast", net.known(np.ones((1, 10))), to=TensorProto.INT64)
    boxes = net("Mul", net.known(table(4, 10, UNIT)), net("Concat", sides, sides, axis=1))
    net.give("labels", labels, (1, 10), "int64")
    net.give("boxes", boxes, (1, 10, 4))
    net.give("scores", net.known(table(1, 10, [SCORE])[..., 0]), (1, 10))
    return net.save(path)


@expect("rtdetr_concat", STRETCH, DOG)
def rtdetr_concat(path: Path) -> Path:
    """Ultralytics' RT-DETR: [1, 300, 4 + 3]."""
    net = image()
    rows = table(7, 300, (*UNIT_CENTER, 0, SCORE, 0))
    net.give("output0", net.known(rows), (1, 300, 7))
    description = "Ultralytics rtdetr-l model trained on pets.yaml"
    return net.save(path, ultralytics("detect", description=description))


def logits_and_boxes(path: Path) -> Path:
    """Logits and boxes, and a graph that does not say how they came about."""
    net = image("pixel_values")
    logits, boxes = _queries(net, 4, 1)
    net.give("logits", logits, (1, 10, 4))
    net.give("pred_boxes", boxes, (1, 10, 4))
    return net.save(path)
