"""Models with a value for each pixel: segmentation, saliency, text."""

from pathlib import Path

import numpy as np

from runtimes.arrays import Array
from tests.zoo.entry import BACKGROUND, OPENCV, PIXELS, STRETCH, expect
from tests.zoo.net import SIDE, Net, image


def _scene(channels: int, number: int) -> Array:
    """(1, channels, 64, 64) logits: class `number` in BOX, class 0 elsewhere."""
    values = np.full((1, channels, SIDE, SIDE), -9, np.float32)
    values[0, 0] = 9
    values[0, :, 8:24, 16:48] = -9
    values[0, number, 8:24, 16:48] = 9
    return values


@expect(
    "semantic",
    STRETCH,
    ("class_2", "mask", PIXELS),
    score=1,
    slack=1.01,
    note=BACKGROUND,
    guessed=True,
)
def semantic(path: Path) -> Path:
    """Logits of five classes at the image's size."""
    net = image("input")
    scores = net.dense(net.known(_scene(5, 2)), 5, "Conv")
    net.give("output", scores, (1, 5, SIDE, SIDE))
    return net.save(path)


@expect("semantic", STRETCH, ("class_2", "mask", PIXELS), score=1, note=BACKGROUND)
def semantic_numbers(path: Path) -> Path:
    """The class of each pixel, chosen by ArgMax among five."""
    net = image("input")
    scores = net.dense(net.known(_scene(5, 2)), 5, "Conv")
    best = net("ArgMax", scores, axis=1, keepdims=0)
    net.give("output", best, (1, SIDE, SIDE), "int64")
    return net.save(path)


def _foreground() -> Array:
    """(1, 1, 64, 64) logits: BOX, and nothing elsewhere."""
    return _scene(2, 1)[:, 1:]


@expect("saliency", STRETCH, ("foreground", "mask", PIXELS), score=1)
def u2net(path: Path) -> Path:
    """Seven side outputs, each after a sigmoid."""
    net = image("input.1")
    for number in range(7):
        values = net("Sigmoid", net.dense(net.known(_foreground()), 1, "Conv"))
        net.give(f"{1959 + number}", values, (1, 1, SIDE, SIDE))
    return net.save(path)


@expect("saliency", STRETCH, ("foreground", "mask", PIXELS), score=1)
def isnet(path: Path) -> Path:
    """Six side outputs after sigmoids, then the features of layers."""
    net = image("input_image")
    for number in range(6):
        values = net("Sigmoid", net.dense(net.known(_foreground()), 1, "Conv"))
        net.give(f"d{number + 1}", values, (1, 1, SIDE, SIDE))
    for number, side in enumerate((32, 16, 8)):
        shape = (1, 64, side, side)
        net.give(f"features{number}", net.known(np.ones(shape)), shape)
    return net.save(path)


@expect("saliency", STRETCH, ("foreground", "mask", PIXELS), score=1)
def selfie(path: Path) -> Path:
    """Channels last: [1, 64, 64, 1]."""
    net = image("input_1", 1, SIDE, SIDE, 3)
    values = net("Sigmoid", net.known(_foreground().reshape(1, SIDE, SIDE, 1)))
    net.give("activation_10", values, (1, SIDE, SIDE, 1))
    return net.save(path)


@expect("semantic", STRETCH, ("class_1", "mask", PIXELS), score=1)
def semantic_sigmoid(path: Path) -> Path:
    """A Sigmoid for each of four classes, which may overlap; the second one has the object."""
    net = image("input")
    logits = np.full((1, 4, SIDE, SIDE), -9, np.float32)
    logits[:, 1:2] = _foreground()
    net.give("output", net("Sigmoid", net.known(logits)), logits.shape)
    return net.save(path)


# Shrunken text of 32 x 16. Each side of its box moves outwards by area * 1.6 / perimeter. The score
# is a mean that includes a row and a column beside the text.
_GROWN = 32 * 16 * 1.6 / 96


@expect(
    "dbnet",
    ("resize_multiple", "channels", "normalize"),
    ("text", "polygon", (16 - _GROWN, 16 - _GROWN, 48 + _GROWN, 32 + _GROWN)),
    score=32 * 16 / (33 * 17),
)
def dbnet(path: Path) -> Path:
    """Text: ConvTranspose, ConvTranspose, Sigmoid over an image of any size."""
    net = Net({"x": ("float32", ("n", 3, "h", "w"))})
    rows = np.full((1, 1, 16, 16), -9, np.float32)
    rows[0, 0, 4:8, 4:12] = 9
    ones = net.fixed(np.ones((1, 1, 2, 2)))
    wide = net.known(rows)
    for _ in range(2):
        wide = net("ConvTranspose", wide, ones, strides=[2, 2])
    net.give("sigmoid_0.tmp_0", net("Sigmoid", wide), ("n", 1, "h", "w"))
    return net.save(path)


def any_size_map(path: Path) -> Path:
    """A probability for each pixel of an image of any size: text, or an object?"""
    net = Net({"x": ("float32", (1, 3, "h", "w"))})
    pixels = net(
        "Slice", "x", net.fixed([0], np.int64), net.fixed([1], np.int64), net.fixed([1], np.int64)
    )
    net.give("y", net("Sigmoid", net("Mul", pixels, net.fixed(0.0))), (1, 1, "h", "w"))
    return net.save(path)


# Cells 2 to 13 and 2 to 11, of 4 pixels each; a pixel of the image has its nearest cell.
@expect("pixellink", OPENCV, ("text", "mask", (8, 8, 55, 47)), score=1, slack=1.01)
def pixellink(path: Path) -> Path:
    """`pixels` [1, 16, 16, 2] and `links` [1, 16, 16, 16], before their softmax."""
    net = image("Placeholder", 1, 3, SIDE, SIDE)
    pixels = np.zeros((1, 16, 16, 2), np.float32)
    pixels[..., 0] = 9
    pixels[0, 2:12, 2:14] = -9, 9
    links = np.tile(np.array([-9, 9], np.float32), (1, 16, 16, 8))
    net.give("segm_logits", net.known(pixels), (1, 16, 16, 2))
    net.give("link_logits", net.known(links), (1, 16, 16, 16))
    return net.save(path)
