"""Boxes, sizes and random outputs for the tests of the trackers' heads."""

from math import cos, pi
from typing import Any

import numpy as np

from runtimes.arrays import Array
from runtimes.signature import Signature, Tensor

IMAGE = (480, 640)
BOX = np.array([200.0, 150.0, 260.0, 190.0])
SIZES: dict[str, Any] = {"template": "z", "search": "x", "template_size": 127, "search_size": 255}
RNG = np.random.default_rng(7)


def random(*shape: int, spread: float = 1.0) -> Array:
    return RNG.normal(0, spread, shape).astype(np.float32)


def hanning(count: int, number: int) -> float:
    return 0.5 - 0.5 * cos(2 * pi * number / (count - 1))


def signature(*outputs: tuple[str, tuple[int | None, ...]]) -> Signature:
    inputs = (Tensor("z", (1, 3, 127, 127), "float32"), Tensor("x", (1, 3, 255, 255), "float32"))
    return Signature(inputs, tuple(Tensor(name, shape, "float32") for name, shape in outputs))
