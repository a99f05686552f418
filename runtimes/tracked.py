"""Shapes of tracked objects.

A tracker finds boxes. A polygon or a mask is moved and scaled with its bounding box, relative to
the first frame. Its outline is not adapted to the new frame.
"""

from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Literal

import numpy as np

from runtimes import rle
from runtimes.arrays import Array, Size
from runtimes.errors import BadRequest
from runtimes.geometry import Geometry
from runtimes.masks import sample, tight
from runtimes.numbers import is_number

ShapeType = Literal["rectangle", "polygon", "mask"]
"""The types of shapes that can be tracked, in CVAT's terms."""

MAX_COORDINATE = 1e6
"""Maximum absolute value of a coordinate, in pixels."""
_LEAST_SIDE = 1.0
_MAX_MASK_PIXELS = 1 << 26


@dataclass(frozen=True, slots=True)
class Tracked:
    """The shape of an object in the first frame.

    Attributes:
        type: the shape's type.
        points: CVAT's points: the coordinates of a rectangle or polygon, or the run lengths and the
            box of a mask.
        declared: whether the request has an object with `type` and `points`. CVAT sends a bare list
            of numbers to trackers that declare no shape types.
    """

    type: ShapeType
    points: tuple[float, ...]
    declared: bool

    @classmethod
    def of(cls, value: object, where: str, allowed: tuple[str, ...]) -> "Tracked":
        """Validate a shape of a request or of a state.

        Args:
            value: `{"type": ..., "points": [...]}` or `[x1, y1, x2, y2]`.
            where: its key in the request, for messages.
            allowed: the types that the function tracks.

        Raises:
            BadRequest: it is not such a shape, has another type, or is empty.
        """
        declared = isinstance(value, dict)
        kind: object = value.get("type") if isinstance(value, dict) else "rectangle"
        points: object = value.get("points") if isinstance(value, dict) else value
        if kind not in allowed:
            raise BadRequest(
                "has a type that this tracker does not support",
                where=where,
                found=repr(kind)[:80],
                allowed=", ".join(allowed),
            )
        if not isinstance(points, list):
            raise BadRequest(
                "must be a shape",
                where=where,
                found=type(points).__name__,
                allowed='{"type": "rectangle", "points": [x1, y1, x2, y2]} or the bare points',
            )
        numbers = tuple(coordinate(it, where) for it in points)
        readers: dict[str, Any] = {"rectangle": box_of, "polygon": _polygon, "mask": _mask}
        shape = cls(kind, readers[str(kind)](numbers, where), declared)  # type: ignore[arg-type]
        x1, y1, x2, y2 = shape.box.tolist()
        if x2 - x1 < _LEAST_SIDE or y2 - y1 < _LEAST_SIDE:
            found = f"{x2 - x1:g} x {y2 - y1:g} pixels"
            raise BadRequest("is too small to be tracked", where=where, found=found)
        return shape

    @property
    def box(self) -> Array:
        """Its bounding box, (4,) x1 y1 x2 y2, image pixels."""
        if self.type == "mask":
            left, top, right, bottom = self.points[-4:]
            return np.array([left, top, right + 1, bottom + 1])
        pairs = np.array(self.points).reshape(-1, 2)
        return np.concatenate([pairs.min(axis=0), pairs.max(axis=0)])

    def as_sent(self) -> object:
        """Return the shape in the form of the request."""
        whole = self.type == "mask"
        return self._reply([int(it) for it in self.points] if whole else list(self.points))

    def at(self, box: Array, size: Size) -> object:
        """Move and scale the shape to a box, and clip it to the image.

        Args:
            box: (4,) x1 y1 x2 y2, image pixels.
            size: height and width of the image.

        Returns:
            The shape in the form of the request; None if it is outside of the image.
        """
        height, width = size
        if self.type == "mask":
            runs = self._mask_at(box, size)
            return None if runs is None else self._reply(runs)
        if self.type == "rectangle":
            pairs = box.reshape(2, 2)
        else:
            pairs = self._towards(box).points(np.array(self.points).reshape(-1, 2))
        # CVAT's page also clips points to the image when a shape is edited.
        inside = pairs.clip(0, [width, height]).round(2)
        if not (np.ptp(inside, axis=0) > 0).all():
            return None
        return self._reply(inside.ravel().tolist())

    def _reply(self, points: list[Any]) -> object:
        """Return points in the form of the request."""
        return {"type": self.type, "points": points} if self.declared else points

    def _towards(self, box: Array) -> Geometry:
        """Return the map from the shape's bounding box to another box."""
        x1, y1, x2, y2 = self.box.tolist()
        scale_x, scale_y = (box[2] - box[0]) / (x2 - x1), (box[3] - box[1]) / (y2 - y1)
        return Geometry(scale_x, scale_y, box[0] - x1 * scale_x, box[1] - y1 * scale_y)

    def _mask_at(self, box: Array, size: Size) -> list[int] | None:
        """Return the mask's run lengths in a box, or None if it is outside of the image."""
        left, top = max(floor(box[0]), 0), max(floor(box[1]), 0)
        right, bottom = min(ceil(box[2]), size[1]), min(ceil(box[3]), size[0])
        if left >= right or top >= bottom:
            return None
        drawn, x, y = rle.decode([int(it) for it in self.points])
        # Pad with zeros, because `sample` repeats the values at the border.
        values = np.pad(drawn, 1).astype(np.float32)
        to_grid = self._towards(box).inverse.then(1, 1, 1 - x, 1 - y)
        crop = tight(
            (sample(values, to_grid, (left, top, right, bottom)) >= 0.5).astype(np.uint8), left, top
        )
        return None if crop is None else rle.encode(crop.bitmap, crop.left, crop.top)


def coordinate(value: object, where: str) -> float:
    """Validate a coordinate or run length.

    Raises:
        BadRequest: it is not a finite number, or too large for any image.
    """
    if not is_number(value):
        raise BadRequest("must be finite numbers", where=where, found=repr(value)[:80])
    if abs(value) > _MAX_MASK_PIXELS:
        raise BadRequest("has a number that is too large", where=where, found=repr(value)[:80])
    return float(value)


def box_of(numbers: tuple[float, ...], where: str) -> tuple[float, ...]:
    """Return left, top, right, bottom of a box given by two opposite corners.

    Raises:
        BadRequest: there are not four numbers, or one is too large.
    """
    if len(numbers) != 4:
        found = f"{len(numbers)} numbers"
        raise BadRequest("must be x1, y1, x2, y2", where=where, found=found)
    _near(numbers, where)
    x1, y1, x2, y2 = numbers
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def _polygon(numbers: tuple[float, ...], where: str) -> tuple[float, ...]:
    """Validate the points of a polygon."""
    if len(numbers) < 6 or len(numbers) % 2:
        raise BadRequest(
            "must be three or more points, x1, y1, x2, y2, ...",
            where=where,
            found=f"{len(numbers)} numbers",
        )
    _near(numbers, where)
    return numbers


def _mask(numbers: tuple[float, ...], where: str) -> tuple[float, ...]:
    """Return the run lengths and the box of a mask, cropped to its bounding box."""
    found = f"{len(numbers)} numbers"
    if len(numbers) < 5 or any(it != int(it) for it in numbers):
        raise BadRequest(
            "must be integers: the run lengths of a mask, then its left, top, right and bottom",
            where=where,
            found=found,
        )
    _near(numbers[-4:], where)
    left, top, right, bottom = numbers[-4:]
    if not 0 < (right - left + 1) * (bottom - top + 1) <= _MAX_MASK_PIXELS:
        raise BadRequest("has an empty or too large box", where=where, found=str(numbers[-4:]))
    try:
        bitmap, x, y = rle.decode([int(it) for it in numbers])
    except ValueError as error:
        raise BadRequest(str(error), where=where, found=found) from error
    crop = tight(bitmap, x, y)
    if crop is None:
        raise BadRequest("is an empty mask", where=where, found=found)
    return tuple(float(it) for it in rle.encode(crop.bitmap, crop.left, crop.top))


def _near(numbers: tuple[float, ...], where: str) -> None:
    """Check that coordinates are not too large for any image.

    Raises:
        BadRequest: one is.
    """
    far = [it for it in numbers if abs(it) > MAX_COORDINATE]
    if far:
        raise BadRequest("has a coordinate that is too large", where=where, found=f"{far[0]:g}")
