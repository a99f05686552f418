"""Detectors that give final detections: SSD, R-CNNs, MMDeploy, EfficientNMS."""

from pathlib import Path

import numpy as np
from onnx import TensorProto

from tests.zoo.entry import LETTERBOX, NO_COUNT, OPENCV, RECTANGLE, STRETCH, expect
from tests.zoo.net import BOX, CENTER, SCORE, SIDE, UNIT, Net, image, logit, table


@expect("ssd", OPENCV, RECTANGLE, note=NO_COUNT)
def ssd(path: Path) -> Path:
    """Rows of a DetectionOutput layer; class 1 is the manifest's label 0."""
    net = image("image_tensor")
    rows = np.zeros((1, 1, 100, 7), np.float32)
    rows[0, 0, 0] = (0, 2, SCORE, *UNIT)
    rows[0, 0, 1, 0] = -1
    net.give("detection_out", net.known(rows), (1, 1, 100, 7))
    return net.save(path)


@expect("mask_rcnn_openvino", OPENCV, ("class_1", "polygon", BOX), slack=1.01)
def mask_rcnn_openvino(path: Path) -> Path:
    """`reshape_do_2d` and a mask for each of three classes."""
    net = image("image_tensor")
    rows = np.zeros((10, 7), np.float32)
    rows[0] = (0, 2, SCORE, *UNIT)
    rows[1, 0] = -1
    net.give("reshape_do_2d", net.known(rows), (10, 7))
    net.give("masks", net.known(np.ones((10, 3, 33, 33))), (10, 3, 33, 33))
    return net.save(path)


@expect("openvino_boxes", OPENCV, RECTANGLE, note=NO_COUNT)
def openvino_boxes(path: Path) -> Path:
    """`boxes` [N, 5] and `labels` [N]."""
    net = image("image")
    rows = np.zeros((10, 5), np.float32)
    rows[0] = (*BOX, SCORE)
    labels = net("Cast", net.known(np.ones(10)), to=TensorProto.INT64)
    net.give("boxes", net.known(rows), (10, 5))
    net.give("labels", labels, (10,), "int64")
    return net.save(path)


@expect("efficient_nms", LETTERBOX, RECTANGLE, note=NO_COUNT)
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


@expect("torchvision", ("normalize",), RECTANGLE, score=0.7)
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


@expect(
    "torchvision",
    ("letterbox", "channels", "normalize"),
    ("class_1", "polygon", BOX),
    slack=1.01,
    note=NO_COUNT,
)
def detectron2(path: Path) -> Path:
    """Mask R-CNN with a mask of 28x28 and the size of the image; classes count from 0."""
    net = image("image", 3, SIDE, SIDE)
    net.give("pred_boxes", net.known([BOX]), ("found", 4))
    classes = net("Cast", net.known([1]), to=TensorProto.INT64)
    net.give("pred_classes", classes, ("found",), "int64")
    net.give("pred_masks", net.known(np.full((1, 1, 28, 28), 0.99)), ("found", 1, 28, 28))
    net.give("scores", net.known([SCORE]), ("found",))
    net.give(
        "image_size", net("Cast", net.known([SIDE, SIDE]), to=TensorProto.INT64), (2,), "int64"
    )
    return net.save(path)


@expect("mmdeploy", ("letterbox", "channels", "normalize"), RECTANGLE, note=NO_COUNT)
def mmdeploy(path: Path) -> Path:
    """`dets` [1, N, 5] and `labels` [1, N]."""
    net = image("input")
    labels = net("Cast", net.known(np.ones((1, 10))), to=TensorProto.INT64)
    net.give("dets", net.known(table(5, 10, (*BOX, SCORE))), (1, 10, 5))
    net.give("labels", labels, (1, 10), "int64")
    return net.save(path)


@expect("detection_rows", STRETCH, RECTANGLE, note=NO_COUNT)
def paddle(path: Path) -> Path:
    """Rows of class, score and corners, their number, and three inputs."""
    shape = (1, 3, SIDE, SIDE)
    sizes = {"im_shape": ("float32", (1, 2)), "scale_factor": ("float32", (1, 2))}
    net = Net({"image": ("float32", shape), **sizes})
    rows = np.array([[1, SCORE, *BOX], [2, 0.1, *BOX], [-1, 0, 0, 0, 0, 0]])
    count = net("Cast", net.known([2]), to=TensorProto.INT32)
    net.give("multiclass_nms3_0.tmp_0", net.known(rows), ("n", 6))
    net.give("multiclass_nms3_0.tmp_2", count, ("batch",), "int32")
    return net.save(path)


@expect("detection_rows", STRETCH, RECTANGLE, note=NO_COUNT)
def paddle_rotated(path: Path) -> Path:
    """Rows of class, score and four corners."""
    net = Net({"image": ("float32", (1, 3, SIDE, SIDE)), "scale_factor": ("float32", (1, 2))})
    x1, y1, x2, y2 = BOX
    rows = np.array([[1, SCORE, x2, y1, x2, y2, x1, y2, x1, y1]])
    net.give("tmp_0", net.known(rows), ("n", 10))
    return net.save(path)


@expect("detection_rows", ("letterbox",), RECTANGLE, note=NO_COUNT)
def supergradients_flat(path: Path) -> Path:
    """Rows of image, corners, score and class, from bytes."""
    net = image("input", dtype="uint8")
    rows = np.array([[0, *BOX, SCORE, 1]])
    net.give("graph2_flat_predictions", net.known(rows), ("n", 7))
    return net.save(path)


@expect("detection_rows", LETTERBOX, RECTANGLE, note=NO_COUNT)
def mmrotate(path: Path) -> Path:
    """`dets` [1, N, 6] with an angle, and `labels`."""
    net = image("input")
    labels = net("Cast", net.known(np.ones((1, 10))), to=TensorProto.INT64)
    net.give("labels", labels, (1, 10), "int64")
    net.give("dets", net.known(table(6, 10, (*CENTER, 0, SCORE))), (1, 10, 6))
    return net.save(path)


_YX = tuple(np.array(UNIT)[[1, 0, 3, 2]])


@expect("final_boxes", (), RECTANGLE, note=NO_COUNT)
def tensorflow(path: Path) -> Path:
    """TensorFlow's object detection API: bytes of any size, classes from 1 as floats."""
    net = image("input_tensor", 1, "height", "width", 3, dtype="uint8")
    net.give("detection_boxes", net.known(table(4, 10, _YX)), (1, 10, 4))
    net.give("detection_classes", net.known(np.full((1, 10), 2)), (1, 10))
    net.give("detection_scores", net.known(table(1, 10, [SCORE])[..., 0]), (1, 10))
    net.give("num_detections", net.known([1]), (1,))
    return net.save(path)


@expect("final_boxes", ("resize",), ("class_1", "polygon", BOX), slack=1.01, note=NO_COUNT)
def tensorflow_masks(path: Path) -> Path:
    """The same with a mask for each box."""
    net = image("input_tensor", 1, SIDE, SIDE, 3, dtype="uint8")
    net.give("detection_boxes", net.known(table(4, 10, _YX)), (1, 10, 4))
    net.give("detection_classes", net.known(np.full((1, 10), 2)), (1, 10))
    net.give("detection_scores", net.known(table(1, 10, [SCORE])[..., 0]), (1, 10))
    net.give("detection_masks", net.known(np.ones((1, 10, 33, 33))), (1, 10, 33, 33))
    net.give("num_detections", net("Cast", net.known([1]), to=TensorProto.INT32), (1,), "int32")
    return net.save(path)


@expect("final_boxes", OPENCV, RECTANGLE, note=NO_COUNT)
def custom_vision(path: Path) -> Path:
    """Azure Custom Vision: corners in 0..1, classes from 0, BGR and 0..255 by the metadata."""
    net = image("image_tensor")
    classes = net("Cast", net.known(np.ones((1, 10))), to=TensorProto.INT64)
    net.give("detected_boxes", net.known(table(4, 10, UNIT)), (1, 10, 4))
    net.give("detected_classes", classes, (1, 10), "int64")
    net.give("detected_scores", net.known(table(1, 10, [SCORE])[..., 0]), (1, 10))
    metadata = {
        "Image.BitmapPixelFormat": "Bgr8",
        "Image.NominalPixelRange": "NominalRange_0_255",
    }
    return net.save(path, metadata)
