"""Outlines of masks in polygon coordinates: 0 is the left edge of the first pixel."""

from dataclasses import dataclass

import cv2
import numpy as np

from runtimes.arrays import Array

_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of one connected component of a mask.

    Attributes:
        ring: (P, 2) float64 x y, the simplified outer boundary along the pixels' edges.
        area: in square pixels, without cut-out holes.
    """

    ring: Array
    area: float


def outlines(bitmap: Array, left: int, top: int, epsilon: float, holes: bool) -> list[Outline]:
    """Return the outlines of a mask's connected components, the largest first.

    cv2.findContours returns the centers of the outermost pixels, so that a square of ten pixels is
    nine wide. It is therefore given a bitmap of double resolution in which the corners of pixels
    are pixels: the contour then follows the corners, and encloses the area of the mask.

    Args:
        bitmap: (h, w) uint8 of 0 and 1.
        left, top: the position of its first pixel in the image.
        epsilon: maximum distance of the simplified boundary from the exact one, in pixels.
        holes: connect holes with the outer boundary by a seam; otherwise they are filled.
    """
    height, width = bitmap.shape
    corners = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    corners[1::2, 1::2] = bitmap
    corners = np.asarray(cv2.dilate(corners, _NEIGHBOURS))
    mode = cv2.RETR_CCOMP if holes else cv2.RETR_EXTERNAL
    contours, hierarchy = cv2.findContours(corners, mode, cv2.CHAIN_APPROX_NONE)
    rings = [np.asarray(it) if epsilon else _square(np.asarray(it)) for it in contours]
    found = []
    for number, ring in enumerate(rings):
        if hierarchy[0][number][3] >= 0:
            continue  # a hole; it is joined with the ring around it
        outer, area = _simplified(ring, epsilon), cv2.contourArea(ring) / 4
        hole = hierarchy[0][number][2] if holes else -1
        while hole >= 0:
            outer = _cut(outer, _simplified(rings[hole], epsilon))
            area -= cv2.contourArea(rings[hole]) / 4
            hole = hierarchy[0][hole][0]
        if len(outer) >= 3 and area > 0:
            found.append(Outline(outer + np.array([left, top]), area))
    return sorted(found, key=lambda outline: -outline.area)


def _square(contour: Array) -> Array:
    """Return a contour, (P, 1, 2), with the inner corners restored that findContours cuts off.

    At a concave corner, the contour takes a diagonal step between the middles of the two adjacent
    edges; corners are at even coordinates. Contours that will be simplified keep the diagonals:
    they halve the steps of a slope, so that the simplified polygon has far fewer points.
    """
    here = contour.reshape(-1, 2)
    there = np.roll(here, -1, axis=0)
    diagonal = np.flatnonzero((here != there).all(axis=1))
    first, second = here[diagonal], there[diagonal]
    turned = np.stack([first[:, 0], second[:, 1]], axis=1)
    other = np.stack([second[:, 0], first[:, 1]], axis=1)
    missing = np.where((turned % 2 == 0).all(axis=1, keepdims=True), turned, other)
    return np.insert(here, diagonal + 1, missing, axis=0).astype(np.int32)[:, None]


def _simplified(ring: Array, epsilon: float) -> Array:
    """Simplify a contour in half pixels, (P, 1, 2), to (Q, 2) in pixels."""
    return np.asarray(cv2.approxPolyDP(ring, 2 * epsilon, True)).reshape(-1, 2) / 2


def _cut(outer: Array, hole: Array) -> Array:
    """Join an outer ring and a hole in it at their closest points.

    OpenCV orders holes opposite to outer boundaries, so the joined ring encloses the area between
    them under both the even-odd and the nonzero fill rule.
    """
    if len(outer) < 3 or len(hole) < 3:
        return outer
    gaps = ((outer[:, None] - hole[None]) ** 2).sum(axis=2)
    here, there = np.unravel_index(gaps.argmin(), gaps.shape)
    turned = np.roll(hole, -int(there), axis=0)
    seam = np.concatenate([turned, turned[:1], outer[here : here + 1]])
    return np.insert(outer, int(here) + 1, seam, axis=0)
