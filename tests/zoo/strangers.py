"""Models of tasks that no family covers, with outputs of the same shapes as those of families."""

from pathlib import Path

import numpy as np

from tests.zoo.net import SIDE, Maker, Net, image, table, ultralytics


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


def depth_at_three_scales(path: Path) -> Path:
    """Depth in 0..1 at the input's size, and at a half and a quarter of it."""
    net = image("input")
    for number, side in enumerate((SIDE, SIDE // 2, SIDE // 4)):
        shape = (1, 1, side, side)
        values = np.random.default_rng(number).normal(0, 4, shape)
        net.give(f"out{number}", net("Sigmoid", net.known(values)), shape)
    return net.save(path)


def mislabeled_embedding(path: Path) -> Path:
    """A vector in a file whose metadata call it a classifier of three classes."""
    net = image("input")
    values = np.random.default_rng(0).normal(0, 1, (1, 512))
    net.give("output0", net("LpNormalization", net.known(values), axis=1), (1, 512))
    return net.save(path, ultralytics("classify"))


def detections_with_track_ids(path: Path) -> Path:
    """Final detections with the number of a track in the last column."""
    net = image("input")
    rows = table(7, 300, (16, 8, 48, 24, 0.9, 1, 42))
    net.give("output", net.known(rows), (1, 300, 7))
    return net.save(path)


_SOUND = {"mel": ("float32", (1, 1, 128, SIDE))}
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
    "depth at three scales": depth_at_three_scales,
    "classes of sounds": lambda path: _conv("output", 1, 527, op="Softmax", inputs=Net(_SOUND))(
        path
    ),
    "embedding with a classifier's metadata": mislabeled_embedding,
    "detections with track IDs": detections_with_track_ids,
}
"""Task -> function that writes its model."""
