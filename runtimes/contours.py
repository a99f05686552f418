"""Outlines of masks, in the coordinates of polygons: 0 is the left edge of the first pixel."""

from dataclasses import dataclass

import cv2
import numpy as np

from runtimes.arrays import Array

_AROUND = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Outline:
    """One connected part of a mask.

    Attributes:
        ring: (P, 2) float64 x y, the outer boundary along the pixels' edges, simplified.
        area: in square pixels, holes not counted.
    """

    ring: Array
    area: float


def outlines(bitmap: Array, left: int, top: int, epsilon: float, holes: bool) -> list[Outline]:
    """The boundaries of a mask's connected parts, the largest first.

    cv2.findContours walks through the centres of the outermost pixels, which makes a square of ten
    pixels nine wide. So it is given a picture in which every pixel has its corners as pixels of
    their own: its walk then follows the corners, and the area inside is that of the mask.

    Args:
        bitmap: (h, w) uint8 of 0 and 1.
        left, top: where its first pixel lies in the image.
        epsilon: how far, in pixels, the simplified boundary may stray from the true one.
        holes: cut holes out, by a seam from the outer boundary; else they are filled.
    """
    height, width = bitmap.shape
    corners = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    corners[1::2, 1::2] = bitmap
    corners = np.asarray(cv2.dilate(corners, _AROUND))
    mode = cv2.RETR_CCOMP if holes else cv2.RETR_EXTERNAL
    walks, hierarchy = cv2.findContours(corners, mode, cv2.CHAIN_APPROX_NONE)
    rings = [np.asarray(walk) if epsilon else _square(np.asarray(walk)) for walk in walks]
    found = []
    for number, ring in enumerate(rings):
        if hierarchy[0][number][3] >= 0:
            continue  # a hole; it is cut out of the ring around it
        outer, area = _simplified(ring, epsilon), cv2.contourArea(ring) / 4
        hole = hierarchy[0][number][2] if holes else -1
        while hole >= 0:
            outer = _cut(outer, _simplified(rings[hole], epsilon))
            area -= cv2.contourArea(rings[hole]) / 4
            hole = hierarchy[0][hole][0]
        if len(outer) >= 3 and area > 0:
            found.append(Outline(outer + np.array([left, top]), area))
    return sorted(found, key=lambda outline: -outline.area)


def _square(walk: Array) -> Array:
    """A walk, (P, 1, 2), with the inner corners that it cut across put back.

    The walk takes a diagonal step from the middle of one pixel's edge to the middle of another's
    where the two edges meet in a corner; corners are at even coordinates. Before a simplification
    the cuts are left in: they take half the height from a slope's stairs, so that far fewer points
    follow it.
    """
    here = walk.reshape(-1, 2)
    there = np.roll(here, -1, axis=0)
    diagonal = np.flatnonzero((here != there).all(axis=1))
    first, second = here[diagonal], there[diagonal]
    turned = np.stack([first[:, 0], second[:, 1]], axis=1)
    other = np.stack([second[:, 0], first[:, 1]], axis=1)
    missing = np.where((turned % 2 == 0).all(axis=1, keepdims=True), turned, other)
    return np.insert(here, diagonal + 1, missing, axis=0).astype(np.int32)[:, None]


def _simplified(ring: Array, epsilon: float) -> Array:
    """A boundary in half pixels, (P, 1, 2), with fewer points: (Q, 2) in pixels."""
    return np.asarray(cv2.approxPolyDP(ring, 2 * epsilon, True)).reshape(-1, 2) / 2


def _cut(outer: Array, hole: Array) -> Array:
    """One ring out of an outer one and a hole in it, joined where they are closest.

    OpenCV walks holes the other way round than outer boundaries, so the joined ring encloses the
    area between them by any rule of filling.
    """
    if len(outer) < 3 or len(hole) < 3:
        return outer
    gaps = ((outer[:, None] - hole[None]) ** 2).sum(axis=2)
    here, there = np.unravel_index(gaps.argmin(), gaps.shape)
    turned = np.roll(hole, -int(there), axis=0)
    seam = np.concatenate([turned, turned[:1], outer[here : here + 1]])
    return np.insert(outer, int(here) + 1, seam, axis=0)
