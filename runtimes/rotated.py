"""Oriented boxes: (N, 5) center x, center y, width, height in pixels, angle in radians.

The angle is measured from the x axis towards the y axis, clockwise on a screen, as in CVAT and
Ultralytics.
"""

from math import floor, radians

import cv2
import numpy as np

from runtimes.arrays import Array


def corners(boxes: Array) -> Array:
    """Return the corners of (N, 5) oriented boxes in cyclic order, (N, 4, 2)."""
    boxes = boxes.astype(np.float64)  # above 512, half precision is exact to half a pixel only
    center, half = boxes[:, :2], boxes[:, 2:4] / 2
    with np.errstate(invalid="ignore"):  # Instances.of drops values that are not finite
        cos, sin = np.cos(boxes[:, 4]), np.sin(boxes[:, 4])
        along = half[:, :1] * np.stack([cos, sin], axis=1)
        across = half[:, 1:] * np.stack([-sin, cos], axis=1)
        turns = [along + across, along - across, -along - across, -along + across]
        return np.asarray(center[:, None] + np.stack(turns, axis=1))


def from_corners(points: Array) -> Array:
    """Return the (N, 5) oriented boxes with (N, 4, 2) corners. Inverse of `corners`."""
    center = points.mean(axis=1)
    along, across = points[:, 0] - points[:, 3], points[:, 0] - points[:, 1]
    sides = np.stack([np.hypot(*along.T), np.hypot(*across.T)], axis=1)
    angle = np.arctan2(along[:, 1], along[:, 0])
    return np.concatenate([center, sides, angle[:, None]], axis=1)


def enclosing(points: Array) -> tuple[float, float, float, float, float]:
    """Return the smallest oriented box around points; its angle is from -45 to 45 degrees.

    Args:
        points: (P, 2) or (P, 1, 2), int32 or float32.

    Returns:
        Center x, center y, width, height, angle.
    """
    (x, y), (width, height), angle = cv2.minAreaRect(points)
    turns = floor((angle + 45) / 90)
    if turns % 2:
        # The same box, with its more horizontal side as the width.
        width, height = height, width
    return x, y, width, height, radians(angle - 90 * turns)


def bounds(boxes: Array) -> Array:
    """Return the axis-aligned boxes that enclose (N, 5) oriented boxes, (N, 4) x1 y1 x2 y2."""
    points = corners(boxes)
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def probiou(one: Array, other: Array) -> Array:
    """Return the ProbIoU of oriented boxes, which compares them as Gaussian distributions.

    Formula: Llerena, Zeni, Kristen and Jung, "Gaussian Bounding Boxes and Probabilistic
    Intersection-over-Union for Object Detection", 2021; one minus the Hellinger distance.
    Ultralytics uses it for NMS of oriented boxes.

    Args:
        one: (N, 5).
        other: (M, 5).

    Returns:
        (N, M), 0..1.
    """
    eps = 1e-7
    x1, y1, a1, b1, c1 = (value[:, None] for value in _gaussians(one))
    x2, y2, a2, b2, c2 = (value[None, :] for value in _gaussians(other))
    a, b, c, dx, dy = a1 + a2, b1 + b2, c1 + c2, x1 - x2, y1 - y2
    determinant = a * b - c * c
    own = np.clip(a1 * b1 - c1 * c1, 0, None) * np.clip(a2 * b2 - c2 * c2, 0, None)
    distance = (
        0.25 * (a * dy * dy + b * dx * dx) / (determinant + eps)
        - 0.5 * c * dx * dy / (determinant + eps)
        + 0.5 * np.log(determinant / (4 * np.sqrt(own) + eps) + eps)
    )
    return np.asarray(1 - np.sqrt(1 - np.exp(-np.clip(distance, eps, 100)) + eps))


def _gaussians(boxes: Array) -> tuple[Array, ...]:
    """Return mean x and y, variance in x and in y, and covariance of (N, 5) oriented boxes."""
    x, y, width, height, angle = boxes.T
    along, across = width**2 / 12, height**2 / 12
    cos, sin = np.cos(angle), np.sin(angle)
    return (
        x,
        y,
        along * cos**2 + across * sin**2,
        along * sin**2 + across * cos**2,
        (along - across) * cos * sin,
    )
