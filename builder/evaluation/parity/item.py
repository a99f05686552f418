"""The items of replies and of reference answers in one form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from builder.evaluation.region import Region
from builder.run.draw import ring_of
from runtimes import rle
from runtimes.arrays import Array

Form: TypeAlias = Literal["tag", "box", "region", "skeleton", "points"]
"""How two items are compared. Rectangles and ellipses are boxes; masks and polygons are regions;
points, polylines and cuboids are points."""

_FORMS: dict[str, Form] = {
    "tag": "tag",
    "rectangle": "box",
    "ellipse": "box",
    "mask": "region",
    "polygon": "region",
    "skeleton": "skeleton",
}


def forms_of(types: Iterable[str]) -> set[Form]:
    """Return the forms of items of some shape types."""
    return {_FORMS.get(it, "points") for it in types}


@dataclass(frozen=True, slots=True)
class Item:
    """An item, in pixels of the image; the center of the first pixel is (0.5, 0.5).

    Attributes:
        label: name of the label.
        form: see Form.
        type: CVAT's shape type.
        confidence: from 0 to 1; None if it is not known.
        points: (P, 2) x y: the corners of a box, clockwise from the top left before its rotation;
            the keypoints of a skeleton; the points of other shapes. (0, 2) for regions and tags.
        rotated: whether a box is rotated.
        visible: (P,) bool, for a skeleton.
        region: the pixels of a mask or polygon.
        attributes: name -> value; None if they are not known.
    """

    label: str
    form: Form
    type: str
    confidence: float | None = None
    points: Array = field(default_factory=lambda: np.zeros((0, 2)))
    rotated: bool = False
    visible: Array | None = None
    region: Region | None = None
    attributes: Mapping[str, str] | None = None

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the bounding box, x1 y1 x2 y2; zeros for a tag and an empty region."""
        if self.region is not None:
            height, width = self.region.bitmap.shape
            left, top = self.region.left, self.region.top
            return left, top, left + width, top + height
        points = self.points if self.visible is None else self.points[self.visible]
        if not len(points):
            return 0.0, 0.0, 0.0, 0.0
        return (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())


def item_of(item: Mapping[str, Any]) -> Item:
    """Return an item of a detector's reply.

    Args:
        item: valid for CVAT; see builder.run.judge.detector.
    """
    label, shape_type = str(item["label"]), str(item["type"])
    attributes = {str(it["name"]): str(it["value"]) for it in item.get("attributes", [])}
    form = _FORMS.get(shape_type, "points")
    confidence = item.get("confidence")
    if form == "skeleton":
        elements = sorted(item["elements"], key=lambda element: str(element["label"]))
        return Item(
            label,
            form,
            shape_type,
            confidence,
            points=np.array([it["points"] for it in elements], np.float64).reshape(-1, 2),
            visible=np.array([not it.get("outside", False) for it in elements], bool),
            attributes=attributes,
        )
    if form == "region":
        region = _mask(item) if shape_type == "mask" else Region.inside([ring_of(dict(item))])
        return Item(label, form, shape_type, confidence, region=region, attributes=attributes)
    points = {"box": _corners, "points": _pairs}.get(form, _none)(item)
    rotated = bool(item.get("rotation", 0) % 360)
    return Item(label, form, shape_type, confidence, points, rotated, attributes=attributes)


def _mask(item: Mapping[str, Any]) -> Region:
    """Return the pixels of a mask, in either of its encodings; see runtimes.shapes.region.Mask."""
    if "mask" not in item:
        bitmap, left, top = rle.decode(list(item["points"]))
        return Region(bitmap > 0, left, top)
    *pixels, left, top, right, bottom = item["mask"]
    shape = bottom - top + 1, right - left + 1
    return Region(np.array(pixels, bool).reshape(shape), left, top)


def _corners(item: Mapping[str, Any]) -> Array:
    """Return the corners of a rectangle, or of the rectangle around an ellipse, (4, 2)."""
    points: Sequence[float] = item["points"]
    if item["type"] == "ellipse":
        cx, cy, right, top = points
        points = (2 * cx - right, top, right, 2 * cy - top)
    rectangle = {"type": "rectangle", "points": points, "rotation": item.get("rotation", 0)}
    return np.asarray(ring_of(rectangle))


def _pairs(item: Mapping[str, Any]) -> Array:
    """Return the points of a shape, (P, 2)."""
    return np.array(item["points"], np.float64).reshape(-1, 2)


def _none(item: Mapping[str, Any]) -> Array:
    """Return no points, (0, 2)."""
    return np.zeros((0, 2))
