"""Heads with one grid of cells for each stride, for the tests of their decoders."""

import numpy as np
import pytest

from runtimes.classes import Classes
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.view import View

Shape = tuple[int | None, ...]
Row = tuple[list[float], float, int]
"""A box, its score and its class."""

VIEW = View((480, 640), (64, 96), Geometry())
"""An input of 64 x 96 pixels: 8 x 12 cells of stride 8, 4 x 6 of 16, 2 x 3 of 32."""
CELLS = 8 * 12 + 4 * 6 + 2 * 3
STRIDES = (8, 16, 32)
ANY = Classes(1, exact=False)


def signature(**outputs: Shape) -> Signature:
    return Signature((), tuple(Tensor(name, it, "float32") for name, it in outputs.items()))


def cells() -> list[tuple[int, int, int]]:
    """Column, row and stride of every candidate, in order."""
    return [
        (column, row, stride)
        for stride in STRIDES
        for row in range(64 // stride)
        for column in range(96 // stride)
    ]


def agree(found: Instances, wanted: list[Row]) -> None:
    assert found.classes.tolist() == [number for _, _, number in wanted]
    assert found.scores.tolist() == pytest.approx([score for _, score, _ in wanted], abs=1e-6)
    boxes = np.array([box for box, _, _ in wanted]).reshape(-1, 4)
    assert found.boxes == pytest.approx(boxes, abs=1e-3)
