"""Rows of YOLO's label files: boxes, oriented boxes, polygons and keypoints.

Format: https://docs.ultralytics.com/datasets/detect/ and the pages beside it. All coordinates are
divided by the image's width or height.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from builder.datasets.annotation import Annotation, Keypoints, Polygons, Rectangle, Shape
from builder.datasets.value import Place, Value
from runtimes.arrays import Array, Size

_FURTHEST = 10.0
"""Objects may leave the image a little; larger numbers are pixels."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How the rows of a dataset are read.

    Attributes:
        labels: class ID -> name.
        keypoints: number of keypoints, and of the values of each (2 or 3); None without keypoints.
        oriented: whether rows of four points are oriented boxes; otherwise they are polygons.
    """

    labels: dict[int, str]
    keypoints: tuple[int, int] | None
    oriented: bool

    def annotation(self, text: str, place: Place, size: Size) -> Annotation:
        """Return the annotation of a row.

        Args:
            text: class ID, numbers, and, in CVAT's exports of tracks, the number of the track.
            place: the row.
            size: height and width of the image.

        Raises:
            DatasetError: the row is invalid.
        """
        parts = text.split()
        number = Value(parts[0], place).whole()
        if number not in self.labels:
            raise place.error(
                "unknown class ID", parts[0], ", ".join(map(str, self.labels)), "add it to `names`"
            )
        values = Value(parts[1:], place).numbers()
        track = None
        if self._has_track(len(values)):
            track = Value(parts[-1], place).whole()
            values = values[:-1]
        scale = np.array(size[::-1], float)
        return Annotation(self.labels[number], self._shape(values, place, scale), track=track)

    def _has_track(self, count: int) -> bool:
        """Return whether the last of the numbers in a row is that of a track."""
        if self.keypoints is not None:
            return count == 4 + self.keypoints[0] * self.keypoints[1] + 1
        return count % 2 == 1 and count >= 5

    def _shape(self, values: list[float], place: Place, scale: Array) -> Shape:
        if self.keypoints is not None:
            return self._keypoints(values, place, scale)
        if len(values) == 4:
            return Rectangle(*_corners(values, place, scale))
        if len(values) < 6:
            raise place.error(
                f"has {len(values)} numbers after the class ID",
                allowed="4 (center, size), 8 (oriented box), 6 and more (polygon)",
            )
        points = _checked(values, place).reshape(-1, 2) * scale
        if self.oriented and len(points) == 4:
            (cx, cy), (width, height), angle = cv2.minAreaRect(points.astype(np.float32))
            return Rectangle(
                cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2, rotation=angle
            )
        return Polygons((tuple(points.ravel().tolist()),))

    def _keypoints(self, values: list[float], place: Place, scale: Array) -> Keypoints:
        assert self.keypoints is not None
        count, each = self.keypoints
        if len(values) != 4 + count * each:
            raise place.error(
                f"has {len(values)} numbers after the class ID",
                allowed=f"{4 + count * each}: center, size and {count} keypoints of {each} values",
                hint="correct `kpt_shape` in the YAML",
            )
        rows = np.array(values[4:], float).reshape(count, each)
        if each == 3:
            visibility = rows[:, 2]
            if not np.isin(visibility, (0, 1, 2)).all():
                raise place.error("has an invalid visibility", allowed="0, 1 or 2")
        else:  # Ultralytics, too, takes keypoints without visibility at 0, 0 as not labeled
            visibility = np.where((rows == 0).all(1), 0, 2)
        points = _checked(rows[:, :2].ravel().tolist(), place).reshape(-1, 2) * scale
        box = _corners(values[:4], place, scale)
        return Keypoints((), points, visibility.astype(int), box)


def _checked(values: list[float], place: Place) -> Array:
    array = np.array(values, float)
    if (np.abs(array) > _FURTHEST).any():
        raise place.error(
            "has coordinates that are not divided by the image's size",
            f"{values[int(np.abs(array).argmax())]:g}",
            "numbers from 0 to 1",
        )
    return array


def _corners(values: list[float], place: Place, scale: Array) -> tuple[float, float, float, float]:
    box = _checked(values, place)
    if (box[2:] < 0).any():
        raise place.error("has a negative size", allowed="center, width and height")
    low, high = (box[:2] - box[2:] / 2) * scale, (box[:2] + box[2:] / 2) * scale
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
