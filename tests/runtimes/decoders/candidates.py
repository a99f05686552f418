"""Random candidates and a loop that decodes them, for the tests of YOLO's decoders."""

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.view import View

Shape = tuple[int | None, ...]
Row = tuple[tuple[float, float, float, float], float, int]
"""A box, a score and a class."""
VIEW = View((640, 640), (640, 640), Geometry())
ANY = Classes(1, exact=False)


def signature(*shapes: Shape, metadata: dict[str, str] | None = None) -> Signature:
    outputs = [Tensor(f"output{n}", shape, "float32") for n, shape in enumerate(shapes)]
    return Signature((), tuple(outputs), metadata or {})


def rows_of(instances: Instances) -> list[Row]:
    boxes = [tuple(box) for box in instances.boxes.tolist()]
    return list(zip(boxes, instances.scores.tolist(), instances.classes.tolist(), strict=True))


def eighths(rng: np.random.Generator, shape: tuple[int, ...], most: int) -> Array:
    """Multiples of 1/8 up to `most`: sums, halves and products of them are exact in float32."""
    return (rng.integers(0, most * 8 + 1, shape) / 8).astype(np.float32)


def candidates(rng: np.random.Generator, count: int, classes: int) -> tuple[Array, Array, Array]:
    """Centers and sides (count, 4), class scores (count, classes), objectness (count,)."""
    return (
        eighths(rng, (count, 4), 640),
        eighths(rng, (count, classes), 1),
        eighths(rng, (count,), 1),
    )


def looped(boxes: Array, scores: Array, sure: Array, threshold: float) -> list[Row]:
    """Decode one candidate after the other; of equal scores, the first class is chosen."""
    rows: list[Row] = []
    for (x, y, width, height), of_classes, objectness in zip(
        boxes.tolist(), scores.tolist(), sure.tolist(), strict=True
    ):
        best = 0
        for number, score in enumerate(of_classes):
            if score > of_classes[best]:
                best = number
        score = of_classes[best] * objectness
        if score > threshold:
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            rows.append((box, score, best))
    return rows
