"""The objects that a decoder found, as arrays of one length."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.classes import check_whole
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.masks import Masks
from runtimes.rotated import corners, from_corners

_ROUNDING = 0.05
"""Maximum relative difference of the scales of the two axes that rounding can cause."""

_LEAST_SIDE = 0.01
"""Minimum side of an oriented box in pixels; thinner ones would be rounded to an empty box."""


@dataclass(frozen=True, slots=True)
class Instances:
    """N detected objects.

    Coordinates are pixels of the model's input, or of the image after `to_image`.

    Attributes:
        boxes: (N, 4) float64, x1 y1 x2 y2.
        scores: (N,) float64, confidence, 0..1.
        classes: (N,) int64, class IDs of the model.
        rotated: (N, 5) float64, oriented boxes as in runtimes.rotated; `boxes` enclose them.
        keypoints: (N, K, 3) float64, x, y and the keypoint's confidence.
        masks: the mask of each instance.
        rows: (N,) int64, the row of the model's outputs that each instance was decoded from; None
            if the decoder's outputs have no such rows.
        attributes: name -> (N,) text; empty text means no value.
        groups: (N,) int64, the group of each instance.
    """

    boxes: Array
    scores: Array
    classes: Array
    rotated: Array | None = None
    keypoints: Array | None = None
    masks: Masks | None = None
    rows: Array | None = None
    attributes: Mapping[str, Array] = field(default_factory=dict)
    groups: Array | None = None

    @classmethod
    def of(
        cls,
        boxes: Array,
        scores: Array,
        classes: Array,
        *,
        rotated: Array | None = None,
        keypoints: Array | None = None,
        masks: Masks | None = None,
        rows: Array | None = None,
    ) -> "Instances":
        """Convert arrays of any numeric type, and drop instances with values that are not finite.

        A half-precision model that overflows outputs infinities, which JSON cannot represent.

        Raises:
            BadModel: a class ID is not a whole number.
        """
        check_whole(classes, scores)
        finite = np.isfinite(scores)
        if classes.dtype.kind == "f":
            finite &= np.isfinite(classes)
            classes = np.where(finite, classes, 0)
        for array in (boxes, rotated, keypoints):
            if array is not None:
                finite &= np.isfinite(array).all(axis=tuple(range(1, array.ndim)))
        instances = cls(
            boxes.astype(np.float64),
            scores.astype(np.float64),
            classes.astype(np.int64),
            None if rotated is None else rotated.astype(np.float64),
            None if keypoints is None else keypoints.astype(np.float64),
            masks,
            rows,
        )
        return instances if finite.all() else instances.take(finite)

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, index: Array) -> "Instances":
        """Return the instances that `index` selects, in its order.

        Args:
            index: (M,) integers, or (N,) booleans.
        """
        return Instances(
            self.boxes[index],
            self.scores[index],
            self.classes[index],
            None if self.rotated is None else self.rotated[index],
            None if self.keypoints is None else self.keypoints[index],
            None if self.masks is None else self.masks.take(index),
            None if self.rows is None else self.rows[index],
            {name: values[index] for name, values in self.attributes.items()},
            None if self.groups is None else self.groups[index],
        )

    def with_attribute(self, name: str, values: Array) -> "Instances":
        """Return the instances with one more attribute, (N,) text."""
        return replace(self, attributes={**self.attributes, name: values})

    def best_first(self) -> "Instances":
        """Return the instances by descending score; equal scores keep their order."""
        return self.take(np.argsort(-self.scores, kind="stable"))

    def to_image(self, geometry: Geometry) -> "Instances":
        """Map from pixels of the model's input to those of the image, by `geometry`'s inverse."""
        back = geometry.inverse
        rotated, keypoints = self.rotated, self.keypoints
        if rotated is not None:
            rotated = _rotated_back(rotated, back)
        if keypoints is not None:
            keypoints = np.concatenate(
                [back.points(keypoints[..., :2]), keypoints[..., 2:]], axis=2
            )
        return replace(
            self,
            boxes=back.boxes(self.boxes),
            rotated=rotated,
            keypoints=keypoints,
            masks=None if self.masks is None else self.masks.to_image(geometry),
        )

    def clipped(self, size: Size) -> "Instances":
        """Clip boxes and keypoints to an image of `size`, and drop instances with empty boxes.

        Oriented boxes are not clipped: the result would not be a box.
        """
        height, width = size
        boxes, keypoints = self.boxes.clip(0, [width, height, width, height]), self.keypoints
        kept = np.asarray((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        if self.rotated is not None:
            kept &= (self.rotated[:, 2:4] >= _LEAST_SIDE).all(axis=1)
        if keypoints is not None:
            keypoints = keypoints.copy()
            keypoints[..., 0] = keypoints[..., 0].clip(0, width)
            keypoints[..., 1] = keypoints[..., 1].clip(0, height)
        inside = replace(self, boxes=boxes, keypoints=keypoints)
        return inside if kept.all() else inside.take(kept)


def _rotated_back(rotated: Array, back: Geometry) -> Array:
    """Map (N, 5) oriented boxes from the model's input to the image.

    A letterbox scales both axes equally, apart from rounding: the sides are scaled and the angle
    is kept, as in Ultralytics' predictor. Other resizing changes the angle too: the corners are
    mapped and a box is fitted to them.
    """
    if abs(back.scale_x / back.scale_y - 1) > _ROUNDING:
        return from_corners(back.points(corners(rotated)))
    sides = rotated[:, 2:4] * np.array([back.scale_x, back.scale_y])
    return np.concatenate([back.points(rotated[:, :2]), sides, rotated[:, 4:]], axis=1)


def masks_of(instances: Instances, step: str) -> Masks:
    """Return the masks of instances.

    Args:
        instances: of one image.
        step: the name of the step that needs the masks, for the message.

    Raises:
        BadModel: the decoder provides none.
    """
    if instances.masks is None:
        raise BadModel(f"`{step}` needs masks, which the decoder of this model does not provide")
    return instances.masks


def keypoints_of(instances: Instances, step: str) -> Array:
    """Return the keypoints of instances, (N, K, 3) x, y and confidence.

    Args:
        instances: of one image.
        step: the name of the step that needs the keypoints, for the message.

    Raises:
        BadModel: the decoder provides none.
    """
    if instances.keypoints is None:
        what = f"`{step}` needs keypoints, which the decoder of this model does not provide"
        raise BadModel(what)
    return instances.keypoints
