"""Classifiers and embeddings."""

from pathlib import Path

import numpy as np

from tests.zoo.entry import expect
from tests.zoo.net import Net, image


# exp(9) / (exp(9) + 9)
@expect(
    "classify", ("center_crop", "normalize"), ("class_4", "tag", ()), score=0.99889, guessed=True
)
def classifier(path: Path) -> Path:
    """Logits of ten classes."""
    net = image("input")
    values = np.zeros((1, 10), np.float32)
    values[0, 4] = 9
    net.give("output", net.dense(net.known(values), 10), (1, 10))
    return net.save(path)


@expect("classify", ("center_crop", "normalize"), ("class_4", "tag", ()), score=0.9)
def classifier_softmax(path: Path) -> Path:
    """Probabilities of ten classes, without an activation at the end of the graph."""
    net = image("input")
    values = np.full((1, 10), 0.1 / 9, np.float32)
    values[0, 4] = 0.9
    net.give("output", net.known(values), (1, 10))
    return net.save(path)


def scores_or_logits(path: Path) -> Path:
    """Ten numbers in 0..1 that do not sum to 1."""
    net = image("input")
    net.give("output", net.known(np.linspace(0, 0.9, 10)[None]), (1, 10))
    return net.save(path)


def reid(path: Path) -> Path:
    """Vectors of length 1 for people of 256 x 128."""
    net = Net({"input": ("float32", ("n", 3, 256, 128))})
    pooled = net("GlobalAveragePool", "input")
    flat = net("Flatten", pooled)
    wide = net("Gemm", flat, net.fixed(np.ones((3, 128))))
    norm = net("ReduceL2", wide, axes=[1], keepdims=1)
    small = net("Max", norm, net.fixed([1e-12]))
    net.give("features", net("Div", wide, small), ("n", 128))
    return net.save(path)


def vector_or_classes(path: Path) -> Path:
    """512 numbers: a vector, or 512 classes?"""
    net = image("input")
    values = np.linspace(-1, 1, 512, dtype=np.float32)[None]
    net.give("output", net.dense(net.known(values), 512), (1, 512))
    return net.save(path)
