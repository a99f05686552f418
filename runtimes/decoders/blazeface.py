"""Raw output of BlazeFace and MediaPipe's other detectors."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.grids import cells, check_count, check_strides, confident
from runtimes.decoders.outputs import sigmoid
from runtimes.decoders.roles import Role, names, resolve, rows
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder
from runtimes.view import View

_SCORES = Role(
    "scores", "logits [1, candidates, 1]", ("classificator", "score", "cls"), ((1, None, 1),)
)
_BOXES = Role(
    "boxes",
    "boxes and keypoints [1, candidates, 4 + 2 * K]",
    ("regressor", "box"),
    ((1, None, None),),
)


@dataclass(frozen=True, slots=True)
class Blazeface(Decoder):
    """Raw output of BlazeFace: faces with six keypoints. Follow it with `nms`.

    Scores [1, candidates, 1], before the sigmoid, and [1, candidates, 16] of a box and six
    keypoints. The center of a box (x, y) and the keypoints are relative to the center of the
    candidate's cell; all values, and the box's width and height, are in pixels of the model's
    input. MediaPipe's detectors of palms and people have other grids and numbers of keypoints. The
    result has one class. Source: MediaPipe, ssd_anchors_calculator.cc and
    tensors_to_detections_calculator.cc; Bazarevsky et al., "BlazeFace", 2019.

    Example:
        - blazeface: {strides: [16, 32], anchors: [2, 6]}   # 256 x 256
    """

    scores: str | None = None
    """Name of the output with the scores. Default: recognized by its name or shape."""
    boxes: str | None = None
    """Name of the output with boxes and keypoints. Default: recognized by its name or shape."""
    strides: tuple[Count, ...] = (8, 16)
    """Size of a cell of each grid in pixels of the input, in the order of the candidates."""
    anchors: tuple[Count, ...] = (2, 6)
    """Number of candidates per cell of each grid."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Blazeface":
        """See Decoder.bind."""
        check_strides(self.strides)
        if len(self.anchors) != len(self.strides):
            raise BadModel(
                f"{len(self.anchors)} numbers of candidates are given for {len(self.strides)} "
                "strides",
                where="anchors",
                found=str(list(self.anchors)),
                allowed="one number for each stride",
                fault=Fault.STRIDES,
            )
        scores, boxes = names(resolve(signature, self._parts()))
        classes.check(1, "BlazeFace finds one class")
        return replace(self, scores=scores, boxes=boxes)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        logits, values = rows(outputs, self._parts(), self.name())
        columns = values.shape[1]
        if columns < 4 or columns % 2:
            raise BadModel(
                f"`{self.name()}` decodes {_BOXES.holds}, got {list(values.shape)}", where="boxes"
            )
        height, width = view.input
        grids = [
            # Each candidate of a cell counts as a column of its own.
            (-(-height // stride), -(-width // stride) * each)
            for stride, each in zip(self.strides, self.anchors, strict=True)
        ]
        check_count(len(values), grids, self.strides, view)
        scores = sigmoid(logits[:, 0])
        kept = np.flatnonzero(scores > threshold)
        places, level = cells(kept, grids)
        column = places[:, 0] // np.array(self.anchors)[level]
        stride = np.array(self.strides)[level, None]
        center = (np.stack([column, places[:, 1]], axis=1) + 0.5) * stride
        found = values[kept].astype(np.float64)
        middle, half = center + found[:, :2], found[:, 2:4] / 2
        boxes = np.concatenate([middle - half, middle + half], axis=1)
        points = center[:, None] + found[:, 4:].reshape(len(kept), columns // 2 - 2, 2)
        keypoints = confident(points) if columns > 4 else None
        return Instances.of(boxes, scores[kept], np.zeros(len(kept), np.int64), keypoints=keypoints)

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [(_SCORES, self.scores), (_BOXES, self.boxes)]
