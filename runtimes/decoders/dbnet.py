"""Lines of text from a map of where text is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import radians
from typing import ClassVar

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.rotated import bounds, corners
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder, Fraction, Positive
from runtimes.view import View

_LEAST_SIDE = 3
"""The least side of a rectangle around the shrunken text, in cells of the map, as in PP-OCR."""
_LEAST_GROWN_SIDE = 5
"""The same of the rectangle after it has grown."""


@dataclass(frozen=True, slots=True)
class Dbnet(Decoder):
    """PP-OCR's and other DBNets' text detection: a probability, [1, 1, h, w]. Class 0, oriented.

    Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020, with the
    details of PP-OCR. The score is the mean probability in the rectangle around the shrunken text;
    PP-OCR's own threshold for it is 0.6.

    Example:
        - dbnet: {level: 0.3, unclip: 2.0}
    """

    output: str | None = None
    """The output's name. Default: the only one with four axes."""
    level: Fraction = 0.3
    """The probability above which a pixel belongs to text."""
    unclip: Positive = 1.6
    """How far a rectangle grows: by its area times this over its perimeter, on each side. The model
    is trained on text shrunk by about as much."""
    dilate: bool = True
    """Widen the text by a pixel to the right and below before it is outlined."""
    max: Count = 1000
    """The most outlines that are looked at, the largest first."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "Dbnet":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(4,), role="[1, 1, height, width]")
        shape = tensor.shape
        if len(shape) != 4 or shape[0] not in (1, None) or shape[1] not in (1, None):
            raise BadModel(
                f"the output {tensor} does not hold one probability for each pixel",
                where="output",
                allowed="[1, 1, height, width]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        classes.check(1, f"{tensor}: text")
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        values = take(outputs, self.output)
        if values.ndim != 4 or values.shape[:2] != (1, 1) or not values.size:
            raise BadModel(
                f"`{self.name()}` decodes [1, 1, height, width], got {list(values.shape)}",
                where="output",
            )
        found = [
            (rectangle, score)
            for rectangle, score in self._rectangles(values[0, 0])
            if score > threshold
        ]
        # One box without its row would have no columns.
        boxes = np.array([box for box, _ in found]).reshape(-1, 5)
        boxes[:, 2:4] = _grown(boxes[:, 2:4], self.unclip)
        scores = np.array([score for _, score in found])
        kept = boxes[:, 2:4].min(axis=1, initial=np.inf) >= _LEAST_GROWN_SIDE
        boxes, scores = boxes[kept], scores[kept]
        boxes = _scaled(boxes, view.input[1] / values.shape[3], view.input[0] / values.shape[2])
        return Instances.of(bounds(boxes), scores, np.zeros(len(boxes)), rotated=boxes)

    def _rectangles(self, values: Array) -> list[tuple[tuple[float, ...], np.float32]]:
        """Rectangles around shrunken text, oriented, in cells of the map, and their scores.

        OpenCV walks through the centres of the outermost pixels, whose numbers are those of their
        left and upper edges. Widened by one pixel to the right and below, the walk's numbers are
        those of all four edges; without that, the centres are half a pixel further.
        """
        text = (values > self.level).astype(np.uint8)
        probability = np.ascontiguousarray(values, np.float32)
        if self.dilate:
            text = np.asarray(cv2.dilate(text, np.ones((2, 2), np.uint8)))
        outlines, hierarchy = cv2.findContours(text, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        outer = [line for n, line in enumerate(outlines) if hierarchy[0][n][3] < 0]
        offset = 0.0 if self.dilate else 0.5
        found: list[tuple[tuple[float, ...], np.float32]] = []
        for line in sorted(outer, key=cv2.contourArea, reverse=True)[: self.max]:
            (x, y), (width, height), angle = cv2.minAreaRect(line)
            if min(width, height) < _LEAST_SIDE:
                continue
            if not -45 <= angle < 45:
                # The same rectangle, with the side nearest to the horizontal as its width.
                width, height, angle = height, width, angle - 90 if angle > 0 else angle + 90
            box = (x, y, width, height, radians(angle))
            score = _mean_inside(probability, corners(np.array([box]))[0])
            found.append(((x + offset, y + offset, *box[2:]), score))
        return found


def _mean_inside(values: Array, polygon: Array) -> np.float32:
    """The mean of the values whose cells a polygon covers.

    Args:
        values: (h, w) float32.
        polygon: (P, 2) x y, whole numbers at the centres of cells.
    """
    height, width = values.shape
    left, top = np.floor(polygon.min(axis=0)).astype(int).clip(0, [width - 1, height - 1])
    right, bottom = np.ceil(polygon.max(axis=0)).astype(int).clip(0, [width - 1, height - 1])
    inside = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(inside, [(polygon - [left, top]).astype(np.int32)], (1,))
    return np.float32(cv2.mean(values[top : bottom + 1, left : right + 1], inside)[0])


def _grown(sides: Array, ratio: float) -> Array:
    """Sides of rectangles, (N, 2), after growing outwards by area * ratio / perimeter.

    The offset polygon has rounded corners; the least rectangle around it is the old one, with each
    side longer by twice the distance.
    """
    distance = sides.prod(axis=1) * ratio / (2 * sides.sum(axis=1))
    return np.asarray(sides + 2 * distance[:, None])


def _scaled(boxes: Array, x: float, y: float) -> Array:
    """Oriented boxes, (N, 5), from a map's cells to the model's input pixels.

    Maps of text have the input's size, or a whole fraction of it along both axes.
    """
    return np.asarray(boxes * [x, y, (x * y) ** 0.5, (x * y) ** 0.5, 1])
