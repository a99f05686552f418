"""Models of tasks that no family covers, with outputs of the same shapes as those of families."""

from pathlib import Path

import numpy as np

from tests.zoo.net import SIDE, Maker, Net, image


def _conv(name: str, *shape: int, op: str = "", inputs: Net | None = None) -> Maker:
    """A model whose output of this shape comes from a layer, and an operation after it if given."""

    def make(path: Path) -> Path:
        net = inputs or image("input")
        values = np.random.default_rng(0).normal(0, 4, shape)
        layer = net("Mul", net.known(values), net.fixed(1.0))
        result = net(op, layer, **({"axis": -1} if op == "Softmax" else {})) if op else layer
        net.give(name, result, shape)
        return net.save(path)

    return make


def _several(**shapes: tuple[int, ...]) -> Maker:
    """A model with outputs of these shapes."""

    def make(path: Path) -> Path:
        net = image("input")
        for name, shape in shapes.items():
            values = np.random.default_rng(len(name)).normal(0, 4, shape)
            net.give(name, net("Mul", net.known(values), net.fixed(1.0)), shape)
        return net.save(path)

    return make


def stereo(path: Path) -> Path:
    """Depth from two images of one size."""
    shape = (1, 3, SIDE, SIDE)
    net = Net({"left": ("float32", shape), "right": ("float32", shape)})
    net.give("output", net.known(np.zeros((1, 1, SIDE, SIDE))), (1, 1, SIDE, SIDE))
    return net.save(path)


STRANGERS: dict[str, Maker] = {
    "denoising": _conv("output", 1, 3, SIDE, SIDE),
    "style transfer, 0..1": _conv("output", 1, 3, SIDE, SIDE, op="Sigmoid"),
    "super-resolution": _conv("output", 1, 3, 2 * SIDE, 2 * SIDE),
    "depth": _conv("output", 1, SIDE, SIDE),
    "depth, one channel": _conv("output", 1, 1, SIDE, SIDE),
    "optical flow": _conv("output", 1, 2, SIDE, SIDE),
    "surface normals": _conv("normals", 1, 3, SIDE, SIDE),
    "heatmaps at full size": _conv("output", 1, 16, SIDE, SIDE),
    "features": _conv("output", 1, 256, 8, 8),
    "landmarks": _conv("output", 1, 136),
    "head pose": _conv("output", 1, 3),
    "age": _conv("output", 1, 1),
    "text recognition": _conv("output", 1, 40, 97, op="Softmax"),
    "text recognition, logits": _conv("output", 1, 40, 97),
    "audio frames": _conv("output", 1, 100, 80),
    "logits of YOLOv5": _conv("output", 1, 252, 8),
    "candidates of no grid": _conv("output", 1, 7, 1000, op="Sigmoid"),
    "boxes and scores": _several(boxes=(1, 8400, 4), scores=(1, 8400, 3)),
    "faces with landmarks": _several(loc=(1, 200, 4), conf=(1, 200, 2), landms=(1, 200, 10)),
    "angles and landmarks": _several(angles=(1, 3), points=(1, 136)),
    "depth from two images": stereo,
}
"""Task -> function that writes its model."""
