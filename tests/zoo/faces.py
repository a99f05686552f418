"""Face detectors with raw outputs. All of them find the face BOX with the landmarks MARKS."""

from pathlib import Path

import numpy as np

from runtimes.arrays import Array
from tests.zoo.entry import expect
from tests.zoo.net import BOX, CELLS, CENTER, SCORE, SIDE, image, logit

MARKS = ((24, 12), (40, 12), (32, 16), (28, 20), (36, 20))
"""The five landmarks, in pixels of an input of 64 x 64."""
SKELETON = ("face", "skeleton", (24, 12, 40, 20))
STRIDES = (8, 16, 32)


def per_stride(columns: int, anchors: int = 1) -> list[Array]:
    """(1, n, columns) zeros for each stride."""
    return [np.zeros((1, anchors * (SIDE // it) ** 2, columns), np.float32) for it in STRIDES]


@expect("yunet", ("letterbox", "channels"), SKELETON)
def yunet(path: Path) -> Path:
    """cls, obj, bbox and kps of each stride. The face is in column 3, row 1 of stride 16."""
    net = image("input")
    heads = {"cls": per_stride(1), "obj": per_stride(1), "bbox": per_stride(4)}
    heads["kps"] = per_stride(10)
    cell, place = np.array([3, 1]), 1 * 4 + 3
    heads["cls"][1][0, place] = heads["obj"][1][0, place] = SCORE
    center, size = np.divide(CENTER[:2], 16), np.divide(CENTER[2:], 16)
    heads["bbox"][1][0, place] = (*(center - cell), *np.log(size))
    heads["kps"][1][0, place] = (np.divide(MARKS, 16) - cell).ravel()
    for name, tables in heads.items():
        for stride, table in zip(STRIDES, tables, strict=True):
            net.give(f"{name}_{stride}", net.known(table), table.shape)
    return net.save(path)


def _scrfd(path: Path, names: tuple[str, ...]) -> Path:
    """Outputs without a batch axis, all scores first. The second candidate of a cell is the face.

    The cell is column 4, row 2 of stride 8: its corner is at 32, 16.
    """
    net = image("input.1")
    heads = {"score": per_stride(1, 2), "bbox": per_stride(4, 2), "kps": per_stride(10, 2)}
    place = (2 * 8 + 4) * 2 + 1
    heads["score"][0][0, place] = SCORE
    x1, y1, x2, y2 = BOX
    heads["bbox"][0][0, place] = np.divide((32 - x1, 16 - y1, x2 - 32, y2 - 16), 8)
    heads["kps"][0][0, place] = ((np.array(MARKS) - (32, 16)) / 8).ravel()
    numbers = iter(range(400, 500))
    for name in names:
        for table in heads[name]:
            net.give(str(next(numbers)), net.known(table[0]), table[0].shape)
    return net.save(path)


@expect("scrfd", ("letterbox", "normalize"), SKELETON)
def scrfd(path: Path) -> Path:
    """Scores, boxes and landmarks of two candidates for each cell of three strides."""
    return _scrfd(path, ("score", "bbox", "kps"))


@expect("scrfd", ("letterbox", "normalize"), ("face", "rectangle", BOX), guessed=True)
def scrfd_boxes(path: Path) -> Path:
    """Scores and boxes alone."""
    return _scrfd(path, ("score", "bbox"))


@expect("retinaface", ("letterbox", "channels", "normalize"), SKELETON)
def retinaface(path: Path) -> Path:
    """loc, conf and landms, two priors a cell: the first of column 4, row 2 of stride 8."""
    net = image("input")
    boxes, logits = np.zeros((1, 2 * CELLS, 4), np.float32), np.zeros((1, 2 * CELLS, 2), np.float32)
    marks = np.zeros((1, 2 * CELLS, 10), np.float32)
    logits[..., 0] = 20
    place = (2 * 8 + 4) * 2
    # The prior is 16 x 16 around 36, 20; the variances are 0.1 and 0.2.
    prior = np.array([36, 20])
    boxes[0, place, :2] = (CENTER[:2] - prior) / (0.1 * 16)
    boxes[0, place, 2:] = np.log(np.divide(CENTER[2:], 16)) / 0.2
    marks[0, place] = ((np.array(MARKS) - prior) / (0.1 * 16)).ravel()
    logits[0, place] = 0, logit(SCORE)
    net.give("loc", net.known(boxes), boxes.shape)
    net.give("conf", net("Softmax", net.known(logits), axis=-1), logits.shape)
    net.give("landms", net.known(marks), marks.shape)
    return net.save(path)


# The six keypoints of BlazeFace are the five landmarks, the last of them twice.
@expect("blazeface", ("letterbox", "normalize"), SKELETON)
def blazeface(path: Path) -> Path:
    """Pixels from the center of a cell, 2 and 6 candidates a cell: the last of 12, 20."""
    net = image("input", 1, SIDE, SIDE, 3)
    count = 2 * 8 * 8 + 6 * 4 * 4
    values, logits = np.zeros((1, count, 16), np.float32), np.full((1, count, 1), -9, np.float32)
    place = (2 * 8 + 1) * 2 + 1
    cell = np.array([12, 20])
    values[0, place] = (
        *(CENTER[:2] - cell),
        *CENTER[2:],
        *(np.array([*MARKS, MARKS[-1]]) - cell).ravel(),
    )
    logits[0, place] = logit(SCORE)
    net.give("regressors", net.known(values), values.shape)
    net.give("classificators", net.known(logits), logits.shape)
    return net.save(path)
