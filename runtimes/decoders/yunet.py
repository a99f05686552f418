"""Raw output of YuNet."""

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
class Yunet(Decoder):
    """Raw output of YuNet, a face detector: boxes and five landmarks. Follow it with `nms`.

    For each stride four outputs: cls and obj [1, n, 1], bbox [1, n, 4], kps [1, n, 10]. The sigmoid
    of cls and obj is in the graph; the score is sqrt(cls * obj). With the column and row of a cell,
    the center of a box is (xy + cell) * stride, its size exp(wh) * stride, and a landmark
    (xy + cell) * stride, in pixels of the model's input. The result has one class. Source: OpenCV's
    FaceDetectorYN; Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023.

    Example:
        - yunet
    """

    scores: tuple[str, ...] = ()
    """Names of the outputs cls and obj. Default: all outputs with one column."""
    boxes: tuple[str, ...] = ()
    """Names of the outputs with the boxes. Default: all outputs with four columns."""
    landmarks: tuple[str, ...] = ()
    """Names of the outputs with the landmarks. Default: all outputs with six or more columns."""
    strides: tuple[Count, ...] = (8, 16, 32)
    """Size of a cell of each grid in pixels of the input, in any order."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Yunet":
        """See Decoder.bind."""
        check_strides(self.strides)
        heads = Heads.bind(signature, self._heads(), self.strides, each=2)
        classes.check(1, "YuNet finds one class")
        return replace(self, scores=heads.scores, boxes=heads.boxes, landmarks=heads.points)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder. The score is sqrt(cls * obj)."""
        found = []
        for level in self._heads().levels(outputs, self.strides, 1, view, threshold):
            with np.errstate(over="ignore", invalid="ignore"):  # Instances.of drops what overflows
                center = (level.boxes[:, :2] + level.places) * level.stride
                half = np.exp(level.boxes[:, 2:]) * level.stride / 2
                boxes = np.concatenate([center - half, center + half], axis=1)
                points = (level.points + level.places[:, None]) * level.stride
            found.append((boxes, level.scores, points))
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        keypoints = confident(points) if self.landmarks else None
        return Instances.of(boxes, scores, np.zeros(len(boxes), np.int64), keypoints=keypoints)

    def _heads(self) -> Heads:
        """Return the names of the outputs."""
        return Heads(self.scores, self.boxes, self.landmarks)
