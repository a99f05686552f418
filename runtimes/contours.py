"""Outlines of masks in polygon coordinates: 0 is the left edge of the first pixel."""

from dataclasses import dataclass

import cv2
import numpy as np

from runtimes.arrays import Array

_STEPS = np.array([[1, 0], [1, -1], [0, -1], [-1, -1], [-1, 0], [-1, 1], [0, 1], [1, 1]], np.int32)
"""The eight directions of a chain code, x y, counterclockwise on a screen: right, right and up, up,
and so on. In half pixels, they lead from a pixel's center to the middles of its edges (even
directions) and to its corners (odd ones)."""
_NONE = 8
"""The direction of the step from a component's only pixel to itself."""
_DIRECTIONS = np.array([3, 2, 1, 4, _NONE, 0, 5, 6, 7])
"""The direction of a step x y, at x + 3 y + 4."""
_OUTER, _HOLE = 3, 0
"""Direction of the first point of an outer boundary, the upper left corner of its first pixel, and
of a hole's boundary, the edge between its first pixel and the pixel on the left."""


def _passed(arriving: int, leaving: int) -> list[int]:
    """Return the directions of the edges and corners that a boundary passes at one pixel.

    cv2.findContours looks at the neighbors counterclockwise from the previous pixel to the next
    one. It passes the edges and corners between these two. A corner before an even direction is
    left to the next pixel, whose first one it is.
    """
    if _NONE in (arriving, leaving):
        return [*range(_OUTER, 8), *range(_OUTER)]
    count = (leaving - arriving - 5) % 8 - (leaving % 2 == 0)
    return [(arriving + 5 + number) % 8 for number in range(count)]


_TURNS = [(arriving, leaving) for arriving in range(9) for leaving in range(9)]
_PASSED = [_passed(*turn) for turn in _TURNS]
"""The result of _passed, at 9 * arriving + leaving."""
_COUNTS = np.array([len(it) for it in _PASSED])
_STARTS = np.cumsum(_COUNTS) - _COUNTS
_OFFSETS = _STEPS[np.concatenate(_PASSED).astype(int)]
"""The steps to all points of _PASSED, one after the other: `count` of them from `start` on."""
_NEEDED = np.where([a == b and a % 2 == 0 for a, b in _TURNS], 0, _COUNTS)
"""The number of points of _PASSED that are not in the middle of a straight line."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of one connected component of a mask.

    Attributes:
        ring: (P, 2) float64 x y, the simplified outer boundary along the pixels' edges.
        area: in square pixels, without cut-out holes.
    """

    ring: Array
    area: float


def outlines(
    bitmap: Array, left: int, top: int, epsilon: float, holes: bool, most: int | None = None
) -> list[Outline]:
    """Return the outlines of a mask's connected components, the largest first.

    Args:
        bitmap: (h, w) uint8 of 0 and 1.
        left, top: the position of its first pixel in the image.
        epsilon: maximum distance of the simplified boundary from the exact one, in pixels.
        holes: connect holes with the outer boundary by a seam; otherwise they are filled.
        most: the maximum number of outlines; None for all. Only these are simplified.
    """
    mode = cv2.RETR_CCOMP if holes else cv2.RETR_EXTERNAL
    contours, hierarchy = cv2.findContours(bitmap, mode, cv2.CHAIN_APPROX_NONE)
    inside = [it[3] >= 0 for it in hierarchy[0].tolist()] if contours else []
    rings = [
        _boundary(np.asarray(contour).reshape(-1, 2), _HOLE if hole else _OUTER)
        for contour, hole in zip(contours, inside, strict=True)
    ]
    if not epsilon:
        rings = [_square(ring) for ring in rings]
    areas = [cv2.contourArea(ring) / 4 for ring in rings]
    cuts: dict[int, list[int]] = {number: [] for number, hole in enumerate(inside) if not hole}
    for number, hole in enumerate(inside):
        if hole:
            outer = int(hierarchy[0][number][3])
            cuts[outer].append(number)
            areas[outer] -= areas[number]
    found: list[Outline] = []
    for number in sorted(cuts, key=lambda number: -areas[number]):
        if len(found) == most:
            break
        ring = _simplified(rings[number], epsilon)
        for hole in cuts[number]:
            ring = _cut(ring, _simplified(rings[hole], epsilon))
        if len(ring) >= 3 and areas[number] > 0:
            found.append(Outline(ring + np.array([left, top]), areas[number]))
    return found


def _boundary(chain: Array, first: int) -> Array:
    """Return the boundary of a component along the edges of its pixels.

    cv2.findContours returns the centers of the outermost pixels, so that a square of ten pixels is
    nine wide. For a bitmap of double resolution, whose pixels are edges and corners, it would
    return this boundary, but a mask of 300 pixels in each direction takes ten times as long.

    Args:
        chain: (P, 2) x y, a contour of findContours without approximation.
        first: the direction of the boundary's first point from the first pixel.

    Returns:
        (Q, 1, 2) int32, in half pixels, without most points of straight lines. At a concave corner,
        the boundary takes a diagonal step between the middles of the two adjacent edges.
    """
    closed = np.concatenate([chain[-1:], chain, chain[:1]])
    steps = closed[1:] - closed[:-1]
    directions = _DIRECTIONS.take(steps[:, 0] + 3 * steps[:, 1] + 4)
    turns = 9 * directions[:-1] + directions[1:]
    counts = _NEEDED.take(turns)
    counts[0] = _COUNTS[turns[0]]  # the first point may be in the middle of a line
    ends = counts.cumsum()
    places = np.arange(ends[-1]) + (_STARTS.take(turns) - ends + counts).repeat(counts)
    points = _OFFSETS.take(places, axis=0)
    points += (2 * chain + 1).repeat(counts, axis=0)
    start = _PASSED[turns[0]].index(first)
    return np.concatenate([points[start:], points[:start]])[:, None]


def _square(contour: Array) -> Array:
    """Return a boundary, (P, 1, 2), with its concave corners, which are at even coordinates.

    Boundaries that will be simplified keep the diagonals instead: they halve the steps of a slope,
    so that the simplified polygon has far fewer points.
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
