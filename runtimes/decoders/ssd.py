"""Final boxes: SSD's rows of seven values, and OpenVINO's boxes with labels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.roles import Role, above, names, resolve, rows, to_pixels
from runtimes.instances import Instances
from runtimes.signature import Signature
from runtimes.step import Decoder
from runtimes.view import View


def seven(table: Array) -> tuple[Array, Array, Array]:
    """Split the rows of SSD's DetectionOutput layer, up to the end of the list.

    Format: OpenVINO's operation specification, DetectionOutput: image, class, score, x1, y1, x2,
    y2 in 0..1. A row with image -1 ends the list; the rows after it are undefined.

    Args:
        table: (N, 7).

    Returns:
        (M, 4) boxes, (M,) scores, (M,) classes.
    """
    ends = np.flatnonzero(table[:, 0] < 0)
    used = table[: ends[0]] if len(ends) else table
    return used[:, 3:7], used[:, 2], used[:, 1]


@dataclass(frozen=True, slots=True)
class Ssd(Decoder):
    """Output of SSD's DetectionOutput layer: [1, 1, N, 7]. Needs no `nms`.

    A row is image, class, score, x1, y1, x2, y2, with the corners in 0..1 of the model's input. The
    list ends at the first row with image -1. TensorFlow's object detection models have the same
    output after conversion to OpenVINO.

    Example:
        - ssd: {background: false}
    """

    output: str | None = None
    """Name of the output. Default: the only output with seven values in each row."""
    background: bool = True
    """Whether the model's class 0 is the background. If so, class 1 is the label with class ID
    0."""

    def bind(self, signature: Signature, classes: Classes) -> "Ssd":
        """See Decoder.bind."""
        (tensor,) = names(resolve(signature, [(_TABLE, self.output)]))
        return replace(self, output=tensor)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        (table,) = rows(outputs, [(_TABLE, self.output)], self.name())
        boxes, scores, classes = seven(table)
        first = int(self.background)
        kept = above(scores, classes, threshold, first)
        found = classes[kept].astype(np.int64) - first
        corners = to_pixels(boxes[kept], view.input)
        return Instances.of(corners, scores[kept], found, rows=kept)


_TABLE = Role(
    "output",
    "[1, 1, N, 7] of image, class, score, x1, y1, x2, y2",
    ("detection",),
    ((1, 1, None, 7),),
)


@dataclass(frozen=True, slots=True)
class OpenvinoBoxes(Decoder):
    """Final boxes with labels, [N, 5] and [N]: OpenVINO's `face-detection-0205`. Needs no `nms`.

    A box is x1, y1, x2, y2 in pixels of the model's input, and score.

    Example:
        - openvino_boxes: {boxes: boxes, labels: labels}
    """

    boxes: str | None = None
    """Name of the output with the boxes. Default: the only output with five values in a row."""
    labels: str | None = None
    """Name of the output with the classes. Default: the only output with one axis."""
    background: bool = False
    """Whether the model's class 0 is the background. If so, class 1 is the label with class ID
    0."""

    def bind(self, signature: Signature, classes: Classes) -> "OpenvinoBoxes":
        """See Decoder.bind."""
        boxes, labels = names(resolve(signature, self._parts()))
        return replace(self, boxes=boxes, labels=labels)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        boxes, labels = rows(outputs, self._parts(), self.name())
        first = int(self.background)
        kept = above(boxes[:, 4], labels, threshold, first)
        found = labels[kept].astype(np.int64) - first
        return Instances.of(boxes[kept, :4], boxes[kept, 4], found, rows=kept)

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [(_BOXES, self.boxes), (_LABELS, self.labels)]


_BOXES = Role(
    "boxes", "boxes [N, 5] of x1, y1, x2, y2, score", ("boxes", "dets"), ((None, 5), (1, None, 5))
)
_LABELS = Role("labels", "labels [N]", ("labels", "classes"), ((None,), (1, None)), "int")
