"""Text detection by DBNet: oriented boxes from a probability map."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import cv2
import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.rotated import bounds, corners, enclosing
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder, Fraction, Positive
from runtimes.view import View

_LEAST_SIDE = 3
"""Minimum side of a rectangle around shrunken text, in cells of the map, as in PP-OCR."""
_LEAST_GROWN_SIDE = 5
"""Minimum side of the rectangle after unclipping."""


@dataclass(frozen=True, slots=True)
class Dbnet(Decoder):
    """Text detection by PP-OCR and other DBNets: a probability map, [1, 1, h, w].

    The instances are oriented boxes of class 0. The score is the mean probability in the rectangle
    around the shrunken text; PP-OCR's default threshold is 0.6. Source: Liao et al., "Real-time
    Scene Text Detection with Differentiable Binarization", 2020, and PP-OCR's implementation.

    Example:
        - dbnet: {level: 0.3, unclip: 2.0}
    """

    output: str | None = None
    """Name of the output. Default: the only output with four axes."""
    level: Fraction = 0.3
    """Probability above which a pixel belongs to text."""
    unclip: Positive = 1.6
    """Expansion of each rectangle, because the model is trained on shrunken text. Each side moves
    outwards by area * unclip / perimeter."""
    dilate: bool = True
    """Dilate the text by one pixel to the right and below before tracing its contours."""
    max: Count = 1000
    """Maximum number of contours to process, largest first."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"oriented"})

    def bind(self, signature: Signature, classes: Classes) -> "Dbnet":
        """See Decoder.bind."""
        tensor = signature.output(self.output, rank=(4,), role="[1, 1, height, width]")
        shape = tensor.shape
        if len(shape) != 4 or shape[0] not in (1, None) or shape[1] not in (1, None):
            raise BadModel(
                f"the output {tensor} does not hold one probability per pixel",
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
        # Without reshaping, an empty list would have no columns.
        boxes = np.array([box for box, _ in found]).reshape(-1, 5)
        boxes[:, 2:4] = _grown(boxes[:, 2:4], self.unclip)
        scores = np.array([score for _, score in found])
        kept = boxes[:, 2:4].min(axis=1, initial=np.inf) >= _LEAST_GROWN_SIDE
        boxes, scores = boxes[kept], scores[kept]
        boxes = _scaled(boxes, view.input[1] / values.shape[3], view.input[0] / values.shape[2])
        return Instances.of(bounds(boxes), scores, np.zeros(len(boxes)), rotated=boxes)

    def _rectangles(self, values: Array) -> list[tuple[tuple[float, ...], np.float32]]:
        """Return the oriented rectangles around shrunken text, in cells of the map, and scores.

        OpenCV's contours go through the centers of the outermost pixels; their integer coordinates
        are those of the pixels' left and upper edges. With dilation by one pixel to the right and
        below, they are those of all four edges. Without it, half a pixel is added.
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
            box = enclosing(np.asarray(line))
            x, y, width, height, _ = box
            if min(width, height) < _LEAST_SIDE:
                continue
            score = _mean_inside(probability, corners(np.array([box]))[0])
            found.append(((x + offset, y + offset, *box[2:]), score))
        return found


def _mean_inside(values: Array, polygon: Array) -> np.float32:
    """Return the mean of the values whose cells a polygon covers.

    Args:
        values: (h, w) float32.
        polygon: (P, 2) x y; integers are the centers of cells.
    """
    height, width = values.shape
    # A rounding error below a whole number would lose a row or a column.
    polygon = polygon.round(3)
    left, top = np.floor(polygon.min(axis=0)).astype(int).clip(0, [width - 1, height - 1])
    right, bottom = np.ceil(polygon.max(axis=0)).astype(int).clip(0, [width - 1, height - 1])
    inside = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(inside, [(polygon - [left, top]).astype(np.int32)], (1,))
    return np.float32(cv2.mean(values[top : bottom + 1, left : right + 1], inside)[0])


def _grown(sides: Array, ratio: float) -> Array:
    """Return the sides of rectangles, (N, 2), expanded by area * ratio / perimeter.

    PP-OCR expands the polygon with rounded corners. The smallest rectangle around the result is the
    old one with both sides longer by twice the distance.
    """
    distance = sides.prod(axis=1) * ratio / (2 * sides.sum(axis=1))
    return np.asarray(sides + 2 * distance[:, None])


def _scaled(boxes: Array, x: float, y: float) -> Array:
    """Scale oriented boxes, (N, 5), from a map's cells to pixels of the model's input.

    The angle is kept, because the map has the input's size divided by the same integer on both
    axes.
    """
    return np.asarray(boxes * [x, y, (x * y) ** 0.5, (x * y) ** 0.5, 1])
