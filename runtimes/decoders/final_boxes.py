"""Final boxes, scores and classes in outputs of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from runtimes.arrays import Array
from runtimes.classes import Classes
from runtimes.decoders.box_formats import BoxFormat, BoxUnit, to_corners
from runtimes.decoders.roles import Role, above, names, resolve, rows, used_rows
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.masks import BoxMasks
from runtimes.signature import Signature
from runtimes.step import Capability, Decoder
from runtimes.view import View

_BOXES = Role(
    "boxes",
    "boxes [1, N, 4] or [N, 4]",
    ("detection_boxes", "detected_boxes", "box"),
    ((1, None, 4), (None, 4)),
)
_SCORES = Role(
    "scores",
    "scores [1, N] or [N]",
    ("detection_scores", "detected_scores", "score"),
    ((1, None), (None,)),
)
_CLASSES = Role(
    "classes",
    "classes [1, N] or [N]",
    ("detection_classes", "detected_classes", "class", "label"),
    ((1, None), (None,)),
    "int",
)
_COUNT = Role(
    "count",
    "the number of detections [1]",
    ("num_detections", "num", "count"),
    ((1,), (1, 1)),
    "int",
    optional=True,
)
_MASKS = Role(
    "masks",
    "masks [1, N, height, width]",
    ("detection_masks", "mask"),
    ((1, None, None, None),),
    optional=True,
)
_MASK_LEVEL = 0.5
"""Probability above which a pixel belongs to a mask, in TensorFlow's object detection API."""


@dataclass(frozen=True, slots=True)
class FinalBoxes(Decoder):
    """Final boxes, scores and classes in outputs of their own. Needs no `nms`.

    TensorFlow's object detection API: `detection_boxes` [1, N, 4] of y1, x1, y2, x2 in 0..1,
    `detection_scores` [1, N], `detection_classes` [1, N] with classes from 1, `num_detections`, and
    for instance segmentation `detection_masks` [1, N, 33, 33], each stretched over its box. Azure
    Custom Vision: `detected_boxes` of x1, y1, x2, y2 in 0..1, `detected_scores`, `detected_classes`
    with classes from 0.

    Example:
        - final_boxes: {box: yx_corners, unit: fraction, background: true}   # TensorFlow
    """

    boxes: str | None = None
    """Name of the output with the boxes. Default: recognized by its name or shape."""
    scores: str | None = None
    """Name of the output with the scores. Default: recognized by its name or type."""
    classes: str | None = None
    """Name of the output with the classes. Default: recognized by its name or type."""
    count: str | None = None
    """Name of the output with the number of detections, if the model has one; later rows are
    ignored. Default: recognized by its name or shape."""
    masks: str | None = None
    """Name of the output with the masks, if the model has one. Default: recognized by its shape."""
    box: BoxFormat = "corners"
    """The four values of a box: `corners`, x1, y1, x2, y2; `yx_corners`, y1, x1, y2, x2; `center`,
    center x, center y, width, height."""
    unit: BoxUnit = "pixels"
    """Unit of the values: `pixels` of the model's input, or `fraction`, 0..1 of its width and
    height."""
    background: bool = False
    """Whether the model's class 0 is the background. If so, class 1 is the label with class ID
    0."""

    provides: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def bind(self, signature: Signature, classes: Classes) -> "FinalBoxes":
        """See Decoder.bind."""
        parts = [*self._parts(), (_COUNT, self.count), (_MASKS, self.masks)]
        boxes, scores, numbers, count, masks = names(resolve(signature, parts))
        return replace(self, boxes=boxes, scores=scores, classes=numbers, count=count, masks=masks)

    def __call__(self, outputs: Mapping[str, Array], view: View, threshold: float) -> Instances:
        """See Decoder."""
        boxes, scores, classes = rows(outputs, self._parts(), self.name())
        used, first = used_rows(outputs, self.count, len(boxes), _COUNT.key), int(self.background)
        kept = above(scores[:used], classes[:used], threshold, first)
        corners = to_corners(boxes[kept], self.box, self.unit, view.input)
        masks = None
        if self.masks is not None:
            (found,) = rows(outputs, [(_MASKS, self.masks)], self.name())
            if len(found) != len(boxes):
                raise BadModel(
                    f"`{self.name()}` needs a mask for each of {len(boxes)} boxes, got "
                    f"{len(found)}",
                    where=_MASKS.key,
                )
            masks = BoxMasks(found[kept].astype(np.float32), _MASK_LEVEL, corners)
        numbers = classes[kept].astype(np.int64) - first
        return Instances.of(corners, scores[kept], numbers, masks=masks, rows=kept)

    def _parts(self) -> list[tuple[Role, str | None]]:
        return [(_BOXES, self.boxes), (_SCORES, self.scores), (_CLASSES, self.classes)]
