"""The map from image coordinates to input coordinates, and its inverse."""

from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array


@dataclass(frozen=True, slots=True)
class Geometry:
    """An axis-aligned affine map from the image's pixels to the model's input pixels.

    x' = scale_x * x + shift_x, and likewise for y. Coordinates are continuous: 0 is the left edge
    of the first pixel, `width` the right edge of the last one, so resizing with cv2 needs no
    half-pixel term.
    """

    scale_x: float = 1.0
    scale_y: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def then(self, scale_x: float, scale_y: float, shift_x: float, shift_y: float) -> "Geometry":
        """Return this map followed by a scaling about the origin and a shift, in output pixels."""
        return Geometry(
            self.scale_x * scale_x,
            self.scale_y * scale_y,
            self.shift_x * scale_x + shift_x,
            self.shift_y * scale_y + shift_y,
        )

    def followed_by(self, other: "Geometry") -> "Geometry":
        """Return this map followed by another one."""
        return self.then(other.scale_x, other.scale_y, other.shift_x, other.shift_y)

    @property
    def inverse(self) -> "Geometry":
        """The map from the model's input pixels back to the image's pixels."""
        return Geometry(
            1 / self.scale_x,
            1 / self.scale_y,
            -self.shift_x / self.scale_x,
            -self.shift_y / self.scale_y,
        )

    def points(self, xy: Array) -> Array:
        """Map points.

        Args:
            xy: (..., 2) x y.

        Returns:
            (..., 2) float64.
        """
        scale = np.array([self.scale_x, self.scale_y])
        return np.asarray(xy * scale + np.array([self.shift_x, self.shift_y]))

    def boxes(self, xyxy: Array) -> Array:
        """Map boxes.

        Args:
            xyxy: (N, 4) x1 y1 x2 y2.

        Returns:
            (N, 4) float64.
        """
        return self.points(xyxy.reshape(-1, 2, 2)).reshape(-1, 4)
