"""Raw heads of YOLOv3 to 7, YOLOX and NanoDet."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from runtimes.arrays import Array
from tests.zoo.entry import LETTERBOX, RECTANGLE, STRETCH, expect
from tests.zoo.net import BOX, CELLS, CENTER, SCORE, image, logit


@expect("yolo_objectness", LETTERBOX, RECTANGLE)
def yolov5(path: Path) -> Path:
    """Boxes decoded for three anchors a cell: [1, 3 * cells, 5 + 3]."""
    net = image()
    rows = np.zeros((1, 3 * CELLS, 8), np.float32)
    rows[0, :, 0] = np.linspace(0, 64, 3 * CELLS)
    rows[0, 0] = (*CENTER, 1, 0, SCORE, 0)
    xy = net("Mul", net.known(rows[..., :2]), net.fixed(1.0))
    wh = net("Pow", net.known(rows[..., 2:4]), net.fixed(1.0))
    scores = net("Clip", net.known(rows[..., 4:]), net.fixed(0.0), net.fixed(1.0))
    net.give("output", net("Concat", xy, wh, scores, axis=2), (1, 3 * CELLS, 8))
    return net.save(path)


@expect("yolo_objectness_segment", LETTERBOX, ("class_1", "polygon", BOX), slack=1.01)
def yolov5_segment(path: Path) -> Path:
    """Rows with 32 mask coefficients, [1, 3 * cells, 5 + 3 + 32], and prototypes."""
    net = image()
    rows = np.zeros((1, 3 * CELLS, 40), np.float32)
    rows[0, :, 0] = np.linspace(0, 64, 3 * CELLS)
    rows[0, 0, :9] = (*CENTER, 1, 0, SCORE, 0, 5)
    boxes = net("Mul", net.known(rows[..., :4]), net.fixed(1.0))
    net.give("output0", net("Concat", boxes, net.known(rows[..., 4:]), axis=2), rows.shape)
    net.give("output1", net.known(np.ones((1, 32, 16, 16))), (1, 32, 16, 16))
    return net.save(path)


@expect("yolo_objectness_pose", LETTERBOX, ("person", "skeleton", (20, 10, 20, 10)))
def yolov7_pose(path: Path) -> Path:
    """One class, then COCO's 17 keypoints: [1, 3 * cells, 57]."""
    net = image()
    rows = np.zeros((1, 3 * CELLS, 57), np.float32)
    rows[0, 0] = (*CENTER, 1, SCORE, *np.tile([20, 10, 0.9], 17))
    net.give("output", net.known(rows), rows.shape)
    return net.save(path)


@expect("yolo_objectness_pose", LETTERBOX, ("face", "skeleton", (20, 10, 24, 14)))
def yolov5_face(path: Path) -> Path:
    """Five landmarks, then one class: [1, 3 * cells, 16]."""
    net = image()
    rows = np.zeros((1, 3 * CELLS, 16), np.float32)
    landmarks = (20, 10, 24, 10, 22, 12, 20, 14, 24, 14)
    rows[0, 0] = (*CENTER, 1, *landmarks, SCORE)
    net.give("output", net.known(rows), rows.shape)
    return net.save(path)


@expect("yolo_objectness", LETTERBOX, RECTANGLE)
def yolov6(path: Path) -> Path:
    """Decoded boxes, one a cell, objectness always 1: [1, cells, 5 + 3]."""
    net = image()
    rows = np.zeros((1, CELLS, 8), np.float32)
    rows[0, :, 0] = np.linspace(0, 64, CELLS)
    rows[0, 0] = (*CENTER, 1, 0, SCORE, 0)
    boxes = net("Mul", net.known(rows[..., :4]), net.fixed(1.0))
    net.give("outputs", net("Concat", boxes, net.known(rows[..., 4:]), axis=2), (1, CELLS, 8))
    return net.save(path)


@expect("yolox", ("letterbox", "channels"), RECTANGLE)
def yolox(path: Path) -> Path:
    """Heads as convolutions leave them: [1, cells, 5 + 3]."""
    net = image()
    parts = []
    for side in (8, 4, 2):
        boxes = np.zeros((1, 4, side, side), np.float32)
        scores = np.full((1, 4, side, side), -9, np.float32)
        if side == 8:
            # The first cell of stride 8: center 32, 16 and size 32, 16 in pixels.
            boxes[0, :, 0, 0] = 4, 2, np.log(4), np.log(2)
            scores[0, :, 0, 0] = 20, -9, logit(SCORE), -9
        box = net.dense(net.known(boxes), 4, "Conv")
        sure = net("Sigmoid", net.dense(net.known(scores), 4, "Conv"))
        level = net("Concat", box, sure, axis=1)
        parts.append(net("Reshape", level, net.fixed([1, 8, side * side], np.int64)))
    whole = net("Concat", *parts, axis=2)
    net.give("output", net("Transpose", whole, perm=[0, 2, 1]), (1, CELLS, 8))
    return net.save(path)


# Cell 4, 2 of stride 8: its center is 36, 20, its anchor 10 x 13.
@expect(
    "yolo_anchors", LETTERBOX, ("class_1", "rectangle", (31, 13.5, 41, 26.5)), score=1, guessed=True
)
def yolov5_heads(path: Path) -> Path:
    """Three outputs [1, 3, h, w, 5 + 3], before their sigmoids."""
    net = image()
    for number, side in enumerate((8, 4, 2)):
        values = np.full((1, 3, side, side, 8), -9, np.float32)
        if side == 8:
            # s(0) = 0.5: the center of the cell; (2 s)^2 = 1: as large as the anchor of 10 x 13.
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


# From 16, 16: 0 cells left, 1 up, 4 right, 1 down, of 8 pixels each.
@expect("nanodet", ("resize", "channels", "normalize"), RECTANGLE)
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


def _stride_heads(filled: Sequence[Sequence[int]]) -> dict[int, tuple[Array, Array]]:
    """Side of a grid -> scores of three classes and bins.

    Cell 2, 1 of stride 8 has class 1, and equal values in the given bins of each side.
    """
    heads = {}
    for cells in (8, 4, 2, 1):
        scores = np.zeros((1, cells * cells, 3), np.float32)
        bins = np.zeros((1, cells * cells, 32), np.float32)
        if cells == 8:
            scores[0, 10, 1] = SCORE
            for side, numbers in enumerate(filled):
                for number in numbers:
                    bins[0, 10, 8 * side + number] = 50
        heads[cells] = scores, bins
    return heads


# The cell's center is 20, 12: half a cell to the left and the top, 3.5 and 1.5 to the others.
@expect("nanodet", STRETCH, RECTANGLE)
def picodet(path: Path) -> Path:
    """Paddle's names; scores and bins of strides 8 to 64, the last stride first."""
    net = image("image")
    number = 0
    for parts in reversed(_stride_heads([(0, 1), (0, 1), (3, 4), (1, 2)]).values()):
        for values in parts:
            net.give(f"transpose_{number}.tmp_0", net.known(values), values.shape)
            number += 1
    return net.save(path)


@expect(
    "nanodet",
    ("resize", "channels", "normalize"),
    RECTANGLE,
    note="output `features` [1, 16, 8, 8] is not used",
)
def nanodet_heads(path: Path) -> Path:
    """The first NanoDet: bins before scores, three strides in odd order, and features."""
    net = image("input")
    heads = _stride_heads([(0, 1), (0, 1), (3, 4), (1, 2)])
    net.give("features", net.known(np.zeros((1, 16, 8, 8))), (1, 16, 8, 8))
    for cells in (4, 8, 2):
        scores, bins = heads[cells]
        net.give(f"dis_pred_stride_{64 // cells}", net.known(bins), bins.shape)
        net.give(f"cls_pred_stride_{64 // cells}", net.known(scores), scores.shape)
    return net.save(path)


@expect(
    "centernet",
    ("letterbox", "channels", "normalize"),
    RECTANGLE,
    note="output `dep` [1, 1, 16, 16] is not used",
)
def centernet_heads(path: Path) -> Path:
    """Raw heads of cells of 4 pixels, out of order, and a depth that nothing reads."""
    net = image("input")
    maps = {"reg": 2, "dep": 1, "hm": 3, "wh": 2}
    values = {name: np.zeros((1, it, 16, 16), np.float32) for name, it in maps.items()}
    # Cell 7, 3 and one cell more: the center is 32, 16; the size 8 x 4 cells.
    values["reg"][0, :, 3, 7] = 1
    values["wh"][0, :, 3, 7] = 8, 4
    values["hm"][0, 1, 3, 6:9] = SCORE / 2, SCORE, SCORE / 2
    for name, it in values.items():
        net.give(name, net.known(it), it.shape)
    return net.save(path)
