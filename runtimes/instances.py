"""What a decoder found, as arrays of one length."""

from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.geometry import Geometry


@dataclass(frozen=True, slots=True)
class Instances:
    """N found objects.

    Attributes:
        boxes: (N, 4) float64, x1 y1 x2 y2; pixels of the model's input out of a decoder, pixels of
            the image after `to_image`.
        scores: (N,) float64, 0..1.
        classes: (N,) int64, the model's own class numbers.
    """

    boxes: Array
    scores: Array
    classes: Array

    @classmethod
    def of(cls, boxes: Array, scores: Array, classes: Array) -> "Instances":
        """Take a decoder's arrays of any numeric type, leaving out what is not finite.

        A half-precision model that overflows gives infinities, and JSON has no word for them.
        """
        instances = cls(
            boxes.astype(np.float64), scores.astype(np.float64), classes.astype(np.int64)
        )
        finite = np.isfinite(instances.boxes).all(axis=1) & np.isfinite(instances.scores)
        return instances if finite.all() else instances.take(finite)

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, index: Array) -> "Instances":
        """The instances that `index` selects, in its order.

        Args:
            index: (M,) integers, or (N,) booleans.
        """
        return Instances(self.boxes[index], self.scores[index], self.classes[index])

    def best_first(self) -> "Instances":
        """The same instances by falling score; equal scores keep their order."""
        return self.take(np.argsort(-self.scores, kind="stable"))

    def to_image(self, geometry: Geometry) -> "Instances":
        """From the model's input pixels to the image's, by the inverse of `geometry`."""
        return replace(self, boxes=geometry.inverse.boxes(self.boxes))

    def clipped(self, size: Size) -> "Instances":
        """Boxes cut to an image of `size`; those of which nothing is left are dropped."""
        height, width = size
        boxes = self.boxes.copy()
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
        kept = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return replace(self, boxes=boxes).take(kept)
