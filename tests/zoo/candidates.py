"""Raw boxes and scores in two outputs."""

from pathlib import Path

import numpy as np

from runtimes.arrays import Array
from tests.zoo.entry import LETTERBOX, RECTANGLE, STRETCH, Found, expect
from tests.zoo.net import BOX, CELLS, SCORE, SIDE, UNIT, UNIT_CENTER, Net, image, table

FACE: Found = ("face", "rectangle", BOX)


def _scores(rows: int, *classes: float) -> Array:
    """(1, rows, classes) of zeros but for the first row."""
    return table(len(classes), rows, classes)


@expect("boxes_and_scores", LETTERBOX, RECTANGLE)
def yolo_nas(path: Path) -> Path:
    """SuperGradients' numbers as names: corners in pixels, three classes; the scores first."""
    net = image("input")
    net.give("904", net.known(_scores(CELLS, 0, SCORE, 0)), (1, CELLS, 3))
    net.give("913", net.known(table(4, CELLS, BOX)), (1, CELLS, 4))
    return net.save(path)


@expect("boxes_and_scores", STRETCH, RECTANGLE)
def pp_yoloe(path: Path) -> Path:
    """PaddleDetection: scores [1, classes, candidates], and a second input."""
    shape = (1, 3, SIDE, SIDE)
    net = Net({"image": ("float32", shape), "scale_factor": ("float32", (1, 2))})
    scores = _scores(CELLS, 0, SCORE, 0).transpose(0, 2, 1)
    net.give("tmp_16", net.known(table(4, CELLS, BOX)), (1, CELLS, 4))
    net.give("concat_14.tmp_0", net.known(scores), (1, 3, CELLS))
    return net.save(path)


@expect("boxes_and_scores", STRETCH, RECTANGLE)
def yolov4(path: Path) -> Path:
    """pytorch-YOLOv4: corners in 0..1, [1, 3 * cells, 1, 4]."""
    net = image("input")
    boxes = table(4, 3 * CELLS, UNIT)[:, :, None]
    net.give("boxes", net.known(boxes), (1, 3 * CELLS, 1, 4))
    net.give("confs", net.known(_scores(3 * CELLS, 0, SCORE, 0)), (1, 3 * CELLS, 3))
    return net.save(path)


@expect("boxes_and_scores", STRETCH, FACE)
def ultraface(path: Path) -> Path:
    """Faces and a background, after a softmax; corners in 0..1."""
    net = image("input")
    count = 3 * 64 + 2 * 16 + 2 * 4 + 3 * 1
    scores = np.tile(np.array([1, 0], np.float32), (1, count, 1))
    scores[0, 0] = 1 - SCORE, SCORE
    net.give("scores", net.known(scores), (1, count, 2))
    net.give("boxes", net.known(table(4, count, UNIT)), (1, count, 4))
    return net.save(path)


@expect(
    "boxes_and_scores",
    LETTERBOX,
    RECTANGLE,
    note="output `features` [1, 64, 8, 8] is not used",
)
def centers_and_scores(path: Path) -> Path:
    """Centers in 0..1, and an output that nothing reads."""
    net = image("input")
    net.give("features", net.known(np.zeros((1, 64, 8, 8))), (1, 64, 8, 8))
    net.give("scores", net.known(_scores(CELLS, 0, SCORE, 0)), (1, CELLS, 3))
    net.give("boxes", net.known(table(4, CELLS, UNIT_CENTER)), (1, CELLS, 4))
    return net.save(path)
