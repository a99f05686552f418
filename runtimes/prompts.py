"""Prompts of an annotator: points and boxes in pixels of the image."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.errors import BadRequest
from runtimes.numbers import are_numbers

MAX_POINTS = 256
"""Maximum number of points per request, which bounds the size of the model's input."""
MAX_BOXES = 16
"""Maximum number of boxes per request; each requires a run of the model."""

_MARGIN = 0.1
"""Maximum distance of a point from the image, as a fraction of the image's longer side. CVAT's
canvas is larger than the image, and clicks are not clipped to it."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The points and boxes of one request.

    Attributes:
        positive: (P, 2) float64 x y, points on the object.
        negative: (N, 2) float64 x y, points outside of the object.
        boxes: (B, 4) float64 x1 y1 x2 y2, around an object each.
    """

    positive: Array
    negative: Array
    boxes: Array

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> "Prompts":
        """Return the prompts of a request.

        Args:
            request: `pos_points` and `neg_points`, lists of [x, y]; `obj_bbox`, null, or two
                opposite corners [x, y] of each box, or the same as one flat list.

        Raises:
            BadRequest: the prompts have another form, or there are too many.
        """
        corners = _corners(request.get("obj_bbox"))
        return cls(
            _points(request.get("pos_points"), "pos_points"),
            _points(request.get("neg_points"), "neg_points"),
            np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1),
        )

    def within(self, size: Size) -> "Prompts":
        """Clip the prompts to an image of `size`.

        Raises:
            BadRequest: a point is far outside of the image, or a box has no area inside it.
        """
        limits = np.array([size[1], size[0]], np.float64)
        boxes = self.boxes.reshape(-1, 2, 2).clip(0, limits).reshape(-1, 4)
        empty = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
        if empty.any():
            raise BadRequest(
                "the box has no area inside the image",
                where="obj_bbox",
                found=_listed(self.boxes[empty][0]),
                allowed=_extent(size),
            )
        return Prompts(
            _inside(self.positive, size, "pos_points"),
            _inside(self.negative, size, "neg_points"),
            boxes,
        )

    def objects(self) -> Iterator["Prompts"]:
        """Yield the prompts of each object: one object, or one for each of several boxes.

        With several boxes, each point belongs to the box that contains it, or to the nearest one.
        """
        if len(self.boxes) < 2:
            yield self
            return
        positive, negative = self._near(self.positive), self._near(self.negative)
        for number in range(len(self.boxes)):
            yield Prompts(
                self.positive[positive[:, number]],
                self.negative[negative[:, number]],
                self.boxes[number : number + 1],
            )

    def _near(self, points: Array) -> Array:
        """Return (P, B) bool: whether a box is the nearest one to a point, or equally near."""
        low, high = self.boxes[None, :, :2], self.boxes[None, :, 2:]
        gaps = np.maximum(np.maximum(low - points[:, None], points[:, None] - high), 0)
        distances = np.hypot(gaps[..., 0], gaps[..., 1])
        return np.asarray(distances == distances.min(axis=1, keepdims=True))


def _points(value: object, where: str) -> Array:
    """Return a list of [x, y] as (P, 2) float64.

    Raises:
        BadRequest: it is not such a list, or too long.
    """
    if value is None:
        value = []
    if not isinstance(value, list | tuple):
        raise BadRequest(
            "must be a list of points", where=where, found=_shown(value), allowed="[[x, y], ...]"
        )
    if len(value) > MAX_POINTS:
        raise BadRequest(
            "has too many points", where=where, found=str(len(value)), allowed=f"{MAX_POINTS}"
        )
    for number, point in enumerate(value):
        place = f"{where}[{number}]"
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise BadRequest(
                "must be a point", where=place, found=_shown(point), allowed="[x, y], two numbers"
            )
        if not are_numbers(point):
            raise BadRequest(
                "has a coordinate that is not a number", where=place, found=_shown(point)
            )
    return np.array(value, np.float64).reshape(-1, 2)


def _corners(value: object) -> Array:
    """Return two opposite corners of each box, (B, 2, 2) float64.

    Raises:
        BadRequest: the value is not a list of boxes, or there are too many.
    """
    if isinstance(value, list | tuple) and value and not isinstance(value[0], list | tuple):
        if len(value) % 4:
            raise BadRequest(
                "must be four numbers per box",
                where="obj_bbox",
                found=_shown(value),
                allowed="[x1, y1, x2, y2]",
            )
        value = [value[start : start + 2] for start in range(0, len(value), 2)]
    corners = _points(value, "obj_bbox")
    if len(corners) % 2:
        raise BadRequest(
            "must be two corners per box",
            where="obj_bbox",
            found=f"{len(corners)} points",
            allowed="[[x1, y1], [x2, y2]]",
        )
    if len(corners) > 2 * MAX_BOXES:
        raise BadRequest(
            "has too many boxes",
            where="obj_bbox",
            found=str(len(corners) // 2),
            allowed=f"{MAX_BOXES}",
        )
    return corners.reshape(-1, 2, 2)


def _inside(points: Array, size: Size, where: str) -> Array:
    """Clip (P, 2) points to the image.

    Raises:
        BadRequest: a point is far outside of it.
    """
    limits = np.array([size[1], size[0]], np.float64)
    moved = points.clip(0, limits)
    far = (np.abs(points - moved) > _MARGIN * max(size)).any(axis=1)
    if far.any():
        number = int(far.argmax())
        raise BadRequest(
            "is far outside of the image",
            where=f"{where}[{number}]",
            found=_listed(points[number]),
            allowed=_extent(size),
        )
    return np.asarray(moved)


def _extent(size: Size) -> str:
    """Return the range of coordinates in an image as text."""
    return f"x from 0 to {size[1]}, y from 0 to {size[0]}"


def _listed(numbers: Array) -> str:
    """Return coordinates as text for a message."""
    return "[" + ", ".join(f"{number:g}" for number in numbers.tolist()) + "]"


def _shown(value: object) -> str:
    """Return a value as text for a message, truncated if it is long."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
