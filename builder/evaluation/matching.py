"""COCO's matching of the detections of one label in one image with the annotations.

Source: `evaluateImg` of pycocotools.cocoeval. faster-coco-eval matches in C++ and does not expose
the matches of single images, which are needed to accumulate them without keeping all in memory.
"""

from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array

IOUS = np.linspace(0.5, 0.95, 10)
"""COCO's ten thresholds of IoU or OKS."""

AREAS = {
    "all": (0.0, 1e5**2),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e5**2),
}
"""COCO's ranges of areas in pixels, both ends inclusive."""

STATES = len(AREAS) * len(IOUS)
"""Pairs of an area and a threshold. State number = number of the area * 10 + number of the
threshold; it is also the number of a bit in `Matches`."""

_LOW = np.array([low for low, _ in AREAS.values()])[:, None]
_HIGH = np.array([high for _, high in AREAS.values()])[:, None]
_BITS = np.left_shift(np.uint64(1), np.arange(STATES, dtype=np.uint64)).reshape(len(AREAS), -1)


@dataclass(frozen=True, slots=True)
class Matches:
    """The matches of D detections, in descending order of their scores.

    Attributes:
        matched: (D,) uint64; bit s: the detection has a partner in state s.
        ignored: (D,) uint64; bit s: the detection is neither right nor wrong in state s.
        partners: (D,) number of the partner at IoU 0.5 and any area, -1 without one.
        truths: (areas,) number of annotations that count in each area.
    """

    matched: Array
    ignored: Array
    partners: Array
    truths: Array


def match(
    overlaps: Array, areas: Array, truth_areas: Array, ignored: Array, crowd: Array
) -> Matches:
    """Match detections with annotations.

    For each threshold, the detections choose in descending order of their scores: the annotation
    with the largest overlap that is still free. Ignored annotations are chosen only without others.

    Args:
        overlaps: (D, G) IoU or OKS; with a crowd, the part of the detection inside of it.
        areas: (D,) areas of the detections.
        truth_areas: (G,) areas of the annotations.
        ignored: (G,) bool, annotations that do not count, crowds included.
        crowd: (G,) bool, annotations that may be chosen several times.
    """
    count, truths = overlaps.shape
    outside = (areas < _LOW) | (areas > _HIGH)
    # (areas, G): in each area, annotations of other areas are ignored.
    away = ignored | (truth_areas < _LOW) | (truth_areas > _HIGH)
    partners = np.full(count, -1)
    matched = np.zeros((count, len(AREAS), len(IOUS)), bool)
    skipped = np.zeros_like(matched)
    free = np.ones((len(AREAS), len(IOUS), truths), bool)
    least = np.minimum(IOUS, 1 - 1e-10)[:, None]
    area_index, iou_index = np.indices(free.shape[:2])
    for number in np.flatnonzero(overlaps.max(axis=1, initial=0) >= IOUS[0]).tolist():
        possible = free & (overlaps[number] >= least)
        counting = possible & ~away[:, None]
        chosen = np.where(counting.any(axis=2, keepdims=True), counting, possible)
        # Of equal overlaps, COCO's loop keeps the last.
        values = np.where(chosen, overlaps[number], -1)[:, :, ::-1]
        best = truths - 1 - values.argmax(axis=2)
        found = possible.any(axis=2)
        matched[number] = found
        skipped[number] = found & away[area_index, best]
        taken = found & ~crowd[best]
        free[area_index[taken], iou_index[taken], best[taken]] = False
        if found[0, 0]:
            partners[number] = best[0, 0]
    skipped |= ~matched & outside.T[:, :, None]
    return Matches(_packed(matched), _packed(skipped), partners, (~away).sum(axis=1))


def _packed(flags: Array) -> Array:
    """Return (D, areas, thresholds) bool as (D,) uint64, one bit per state."""
    return np.asarray((flags * _BITS).sum(axis=(1, 2), dtype=np.uint64))


def unpacked(bits: Array) -> Array:
    """Return (D,) uint64 as (states, D) bool."""
    return np.asarray(bits & _BITS.reshape(-1, 1) != 0)
