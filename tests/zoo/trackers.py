"""Trackers."""

from pathlib import Path

import numpy as np

from tests.zoo.net import Maker, Net


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
