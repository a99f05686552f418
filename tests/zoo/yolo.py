"""YOLOv8 and its successors, with and without suppression inside."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.builder.models import yolo_model
from tests.zoo.entry import DOG, LETTERBOX, NO_COUNT, RECTANGLE, expect
from tests.zoo.net import BOX, CELLS, CENTER, SCORE, image, logit, table, ultralytics


@expect("yolo", LETTERBOX, RECTANGLE)
def yolov8(path: Path, classes: int = 3, metadata: Mapping[str, str] | None = None) -> Path:
    """Concat(boxes * strides, Sigmoid(classes)): [1, 4 + classes, cells]."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = np.divide(CENTER, 8)
    scores = np.full((1, classes, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    parts = [net("Mul", net.known(boxes), net.fixed(8.0)), net("Sigmoid", net.known(scores))]
    net.give("output0", net("Concat", *parts, axis=1), (1, 4 + classes, CELLS))
    return net.save(path, metadata)


@expect("yolo", LETTERBOX, DOG)
def yolov8_metadata(path: Path) -> Path:
    """An export that names task and classes."""
    return yolo_model(path, rows=[(32, 16, 32, 16, 1, SCORE)])


@expect("yolo_obb", LETTERBOX, RECTANGLE, slack=0.1)
def yolov8_obb(path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """The same with an angle, by which boxes are turned in the graph: [1, 4 + 2 + 1, cells]."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTER
    scores = np.full((1, 2, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    angle = net("Mul", net("Sigmoid", net.known(np.full((1, 1, CELLS), -20))), net.fixed(np.pi))
    turned = net("Mul", net.known(boxes), net("Cos", angle))
    still = net("Add", turned, net("Mul", net("Sin", angle), net.fixed(0.0)))
    whole = net("Concat", still, net("Sigmoid", net.known(scores)), angle, axis=1)
    net.give("output0", whole, (1, 7, CELLS))
    return net.save(path, metadata)


@expect("yolo", LETTERBOX, DOG)
def yolov8_open(path: Path) -> Path:
    """A head of which even the channels are symbolic, under odd names."""
    net = image("in:put/0", "batch", 3, "height", "width")
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTER
    scores = np.full((1, 3, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    whole = net("Concat", net.known(boxes), net("Sigmoid", net.known(scores)), axis=1)
    net.give("out/put:0", whole, ("batch", "channels", "anchors"))
    return net.save(path, ultralytics("detect"))


@expect("yolo_segment", LETTERBOX, ("class_1", "polygon", BOX), slack=1.01)
def yolov8_segment(path: Path) -> Path:
    """Boxes with coefficients of two prototypes, and the prototypes."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTER
    scores = np.full((1, 3, CELLS), -9, np.float32)
    scores[0, 1, 0] = logit(SCORE)
    coefficients = np.zeros((1, 32, CELLS), np.float32)
    coefficients[0, 0, 0] = 1
    scored = net("Concat", net.known(boxes), net("Sigmoid", net.known(scores)), axis=1)
    whole = net("Concat", scored, net.known(coefficients), axis=1)
    net.give("output0", whole, (1, 4 + 3 + 32, CELLS))
    net.give("output1", net.known(np.ones((1, 32, 16, 16))), (1, 32, 16, 16))
    return net.save(path)


@expect("yolo_pose", LETTERBOX, ("class_0", "skeleton", (20, 10, 20, 10)))
def yolov8_pose(path: Path) -> Path:
    """One class and COCO's 17 keypoints: [1, 56, cells]."""
    net = image()
    boxes = np.zeros((1, 4, CELLS), np.float32)
    boxes[0, :, 0] = CENTER
    points = np.zeros((1, 51, CELLS), np.float32)
    points[0, :, 0] = np.tile([20, 10, 0.9], 17)
    scores = np.full((1, 1, CELLS), -9, np.float32)
    scores[0, 0, 0] = logit(SCORE)
    scored = net("Concat", net.known(boxes), net("Sigmoid", net.known(scores)), axis=1)
    net.give("output0", net("Concat", scored, net.known(points), axis=1), (1, 56, CELLS))
    return net.save(path)


def three_classes_or_two_turned(path: Path) -> Path:
    """[1, 7, cells] out of nowhere: three classes, or two and an angle?"""
    net = image()
    values = np.zeros((1, 7, CELLS), np.float32)
    values[0, :, 0] = (*CENTER, 0, SCORE, 0)
    net.give("output0", net.known(values), (1, 7, CELLS))
    return net.save(path)


@expect("yolo_end2end", LETTERBOX, RECTANGLE, note=NO_COUNT)
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


@expect("yolo_end2end", LETTERBOX, DOG)
def end2end(path: Path, metadata: Mapping[str, str] | None = None) -> Path:
    """YOLOv10's rows: [1, 300, 6]."""
    net = image()
    net.give("output0", net.known(table(6, 300, (*BOX, SCORE, 1))), (1, 300, 6))
    return net.save(path, metadata or ultralytics("detect", end2end="True"))


@expect("yolo_end2end_segment", LETTERBOX, ("dog", "polygon", BOX), slack=1.01)
def end2end_segment(path: Path) -> Path:
    """Rows with coefficients, from an export with nms=True."""
    net = image()
    net.give("output0", net.known(table(38, 300, (*BOX, SCORE, 1, 1))), (1, 300, 38))
    net.give("output1", net.known(np.ones((1, 32, 16, 16))), (1, 32, 16, 16))
    return net.save(path, ultralytics("segment", end2end="False", args="{'nms': True}"))


@expect("yolo_end2end_pose", LETTERBOX, ("dog", "skeleton", (20, 10, 20, 10)))
def end2end_pose(path: Path) -> Path:
    """Rows with COCO's 17 keypoints: [1, 300, 6 + 51]."""
    net = image("images")
    row = (*BOX, SCORE, 1, *np.tile([20, 10, 0.9], 17))
    net.give("output0", net.known(table(57, 300, row)), (1, 300, 57))
    return net.save(path, ultralytics("pose", end2end="True", kpt_shape="[17, 3]"))


@expect("yolo_end2end_obb", LETTERBOX, DOG)
def end2end_obb(path: Path) -> Path:
    """Oriented rows, center and size: [1, 300, 7]."""
    net = image()
    net.give("output0", net.known(table(7, 300, (*CENTER, SCORE, 1, 0))), (1, 300, 7))
    return net.save(path, ultralytics("obb", end2end="False", args="{'nms': True}"))


def centernet(path: Path) -> Path:
    """Finished rows of CenterNet, or of anything else: [1, 100, 6]."""
    net = image("input")
    net.give("output", net.known(table(6, 100, (*BOX, SCORE, 1))), (1, 100, 6))
    return net.save(path)
