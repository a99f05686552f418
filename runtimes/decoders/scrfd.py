"""Raw output of SCRFD."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.grids import check_strides, confident
from runtimes.decoders.levels import Heads
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder
from runtimes.view import View


@dataclass(frozen=True, slots=True)
class Scrfd(Decoder):
    """Raw output of SCRFD, a face detector: boxes, mostly with landmarks. Follow it with `nms`.

    For each stride two or three outputs: scores [n, 1], boxes [n, 4] and landmarks [n, 10], with or
    without a batch axis in front. The sigmoid of the scores is in the graph. From a cell's corner,
    column * stride and row * stride, a box is the distance to its left, top, right and bottom side,
    and a landmark is x and y, all of them times stride, in pixels of the model's input. The result
    has one class. Source: github.com/deepinsight/insightface, detection/scrfd; Guo et al., "Sample
    and Computation Redistribution for Efficient Face Detection", 2021.

    Example:
        - scrfd: {anchors: 2}
    """

    scores: tuple[str, ...] = ()
    """Names of the outputs with the scores. Default: all outputs with one column."""
    boxes: tuple[str, ...] = ()
    """Names of the outputs with the boxes. Default: all outputs with four columns."""
    landmarks: tuple[str, ...] = ()
    """Names of the outputs with the landmarks, if the model has them. Default: all outputs with six
    or more columns."""
    strides: tuple[Count, ...] = (8, 16, 32)
    """Size of a cell of each grid in pixels of the input, in any order."""
    anchors: Count = 2
    """Number of candidates per cell."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Scrfd":
        """See Decoder.bind."""
        check_strides(self.strides)
        heads = Heads.bind(signature, self._heads(), self.strides, each=1)
        classes.check(1, "SCRFD finds one class")
        return replace(self, scores=heads.scores, boxes=heads.boxes, landmarks=heads.points)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        found = []
        for level in self._heads().levels(outputs, self.strides, self.anchors, view, threshold):
            corner = level.places * level.stride
            sides = level.boxes * level.stride
            boxes = np.concatenate([corner - sides[:, :2], corner + sides[:, 2:]], axis=1)
            points = corner[:, None] + level.points * level.stride
            found.append((boxes, level.scores, points))
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        keypoints = confident(points) if self.landmarks else None
        return Instances.of(boxes, scores, np.zeros(len(boxes), np.int64), keypoints=keypoints)

    def _heads(self) -> Heads:
        """Return the names of the outputs."""
        return Heads(self.scores, self.boxes, self.landmarks)
