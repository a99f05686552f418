"""Raw output of RetinaFace."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.grids import cells, check_count, check_strides, confident
from runtimes.decoders.outputs import probabilities, softmax
from runtimes.decoders.roles import Role, names, resolve, rows
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Capability, Count, Decoder, Positive
from runtimes.view import View

_BOXES = Role("boxes", "boxes [1, priors, 4]", ("loc", "bbox", "box"), ((1, None, 4),))
_SCORES = Role("scores", "scores [1, priors, 2]", ("conf", "score", "cls"), ((1, None, 2),))
_LANDMARKS = Role(
    "landmarks",
    "landmarks [1, priors, 10]",
    ("landm", "kps", "ldm"),
    ((1, None, 10),),
    optional=True,
)


@dataclass(frozen=True, slots=True)
class Retinaface(Decoder):
    """Raw output of RetinaFace, a face detector: boxes and five landmarks. Follow it with `nms`.

    Boxes [1, priors, 4], scores [1, priors, 2] of background and face, and landmarks [1, priors,
    10], relative to priors: squares of each of a stride's `sizes` around the center of each cell,
    cell by cell. With the variances u and v, the center of a box is center + xy * u * size, its
    size exp(wh * v) * size, and a landmark is center + xy * u * size, in pixels of the model's
    input. The result has one class. Source: github.com/biubug6/Pytorch_Retinaface, layers and
    utils/box_utils.py; Deng et al., "RetinaFace", 2020.

    Example:
        - retinaface
    """

    boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""
    scores: str | None = None
    """Name of the output with the scores. Default: recognized by its name or shape."""
    landmarks: str | None = None
    """Name of the output with the landmarks, if the model has it. Default: recognized by its
    shape."""
    strides: tuple[Count, ...] = (8, 16, 32)
    """Size of a cell of each grid in pixels of the input, in the order of the priors."""
    sizes: tuple[tuple[Positive, ...], ...] = ((16, 32), (64, 128), (256, 512))
    """Sides of the priors of each stride in pixels of the input: `min_sizes` of the model's
    configuration."""
    variances: tuple[Positive, Positive] = (0.1, 0.2)
    """Variances of centers and landmarks, and of sizes."""
    activation: Literal["none", "softmax"] = "none"
    """Activation that converts the scores to probabilities: `none` if it is in the graph."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, signature: Signature, classes: Classes) -> "Retinaface":
        """See Decoder.bind."""
        check_strides(self.strides)
        if len(self.sizes) != len(self.strides) or not all(self.sizes):
            raise BadModel(
                f"sizes of priors are given for {len(self.sizes)} of {len(self.strides)} strides",
                where="sizes",
                found=str([list(of_stride) for of_stride in self.sizes]),
                allowed="a list of one side or more for each stride",
                fault=Fault.STRIDES,
            )
        boxes, scores, landmarks = names(resolve(signature, self._parts()))
        classes.check(1, "RetinaFace finds one class")
        return replace(self, boxes=boxes, scores=scores, landmarks=landmarks)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        parts = [it for it in self._parts() if it[1] is not None or not it[0].optional]
        boxes, pairs, *marks = rows(outputs, parts, self.name())
        height, width = view.input
        grids = [(-(-height // stride), -(-width // stride)) for stride in self.strides]
        # Each prior of a cell counts as a column of its own.
        each = [len(of_stride) for of_stride in self.sizes]
        wide = [(lines, columns * it) for (lines, columns), it in zip(grids, each, strict=True)]
        check_count(len(boxes), wide, self.strides, view)
        chances = softmax(pairs, 1) if self.activation == "softmax" else pairs
        scores = probabilities(chances[:, 1], "none", self.name())
        kept = np.flatnonzero(scores > threshold)
        places, level = cells(kept, wide)
        column, number = np.divmod(places[:, 0], np.array(each)[level])
        stride = np.array(self.strides)[level, None]
        center = (np.stack([column, places[:, 1]], axis=1) + 0.5) * stride
        own = zip(level.tolist(), number.tolist(), strict=True)
        size = np.array([self.sizes[it][place] for it, place in own], np.float64).reshape(-1, 1)
        near, far = self.variances
        values = boxes[kept].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # Instances.of drops what overflows
            middle = center + values[:, :2] * near * size
            half = np.exp(values[:, 2:] * far) * size / 2
            corners = np.concatenate([middle - half, middle + half], axis=1)
            keypoints = None
            if marks:
                points = marks[0][kept].astype(np.float64).reshape(len(kept), 5, 2)
                keypoints = confident(center[:, None] + points * near * size[:, None])
        return Instances.of(
            corners, scores[kept], np.zeros(len(kept), np.int64), keypoints=keypoints
        )

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [(_BOXES, self.boxes), (_SCORES, self.scores), (_LANDMARKS, self.landmarks)]
