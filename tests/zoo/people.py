"""Keypoints of people."""

from pathlib import Path

import numpy as np

from tests.zoo.entry import LETTERBOX, STRETCH, expect
from tests.zoo.net import BOX, SCORE, SIDE, UNIT, image, table


# Cell 6, 4 of 4 pixels; neighbors are equal, so nothing is shifted.
@expect("heatmap", LETTERBOX, ("person", "skeleton", (24, 16, 24, 16)), size=(64, 48), guessed=True)
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


@expect("simcc", LETTERBOX, ("person", "skeleton", (20, 30, 20, 30)), size=(64, 48))
def rtmpose(path: Path) -> Path:
    """Bins of COCO's keypoints along x and y."""
    net = image("input", 1, 3, 64, 48)
    x, y = np.zeros((1, 17, 96), np.float32), np.zeros((1, 17, 128), np.float32)
    x[..., 40] = y[..., 60] = SCORE
    net.give("simcc_x", net.known(x), (1, 17, 96))
    net.give("simcc_y", net.known(y), (1, 17, 128))
    return net.save(path)


@expect("movenet", ("letterbox",), ("person", "skeleton", (16, 32, 16, 32)))
def movenet(path: Path) -> Path:
    """y, x, score of 17 keypoints, from whole numbers with channels last."""
    net = image("input", 1, SIDE, SIDE, 3, dtype="int32")
    points = np.tile(np.array([0.5, 0.25, SCORE], np.float32), (1, 1, 17, 1))
    net.give("output_0", net.known(points), (1, 1, 17, 3))
    return net.save(path)


@expect("movenet_multi", ("letterbox",), ("person", "skeleton", (16, 32, 16, 32)))
def movenet_multi(path: Path) -> Path:
    """Six people of 17 keypoints and a box."""
    net = image("input", 1, SIDE, SIDE, 3, dtype="int32")
    people = np.zeros((1, 6, 56), np.float32)
    people[0, 0] = [*np.tile([0.5, 0.25, SCORE], 17), *np.array(UNIT)[[1, 0, 3, 2]], SCORE]
    net.give("output_0", net.known(people), (1, 6, 56))
    return net.save(path)


@expect("mmdeploy", ("letterbox", "channels"), ("person", "skeleton", (20, 12, 20, 12)))
def rtmo(path: Path) -> Path:
    """RTMO: `dets` with scores and COCO's keypoints of several people; NMS inside."""
    net = image("input")
    points = np.zeros((1, 10, 17, 3), np.float32)
    points[0, 0] = 20, 12, SCORE
    net.give("keypoints", net.known(points), (1, 10, 17, 3))
    net.give("dets", net.known(table(5, 10, (*BOX, SCORE))), (1, 10, 5))
    return net.save(path)


@expect("keypoints", STRETCH, ("face", "skeleton", (16, 8, 48, 24)), score=1)
def face_landmarks(path: Path) -> Path:
    """The 68 landmarks of one face in 0..1, [1, 136], by an output that is named so."""
    net = image("input")
    values = np.tile([0.5, 0.25], 68)
    values[:4] = 0.25, 0.125, 0.75, 0.375
    net.give("landmarks", net.known(values[None]), (1, 136))
    return net.save(path)
