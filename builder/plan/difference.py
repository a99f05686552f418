"""How far the results of a function in reduced precision are from those in float32."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array

SHARE = 95
"""Percentage of the objects whose differences are at most the stated ones. A single object at the
edge of a decision would decide about the largest one."""

LOWEST = 0.05
"""Objects with lower scores are not compared, whatever the function's threshold is."""

MOST = 100
"""Objects in an image that are compared, highest scores first."""

OVERLAP = 0.5
"""IoU from which boxes of one class are of one object."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of the results on images.

    Attributes:
        images: number of images.
        objects: number of compared objects: instances, masks, classes of a map, or vectors.
        values: kind of difference -> its size; see Limits in builder.backends.precision. `lost` is
            a share of the objects, the others hold for SHARE percent of them. With two significant
            digits, since the last ones depend on the processor.
        not_finite: the outputs that are infinite or not numbers in reduced precision alone.
    """

    images: int
    objects: int
    values: Mapping[str, float]
    not_finite: tuple[str, ...] = ()


def measured(
    exact: Sequence[Mapping[str, Array]],
    reduced: Sequence[Mapping[str, Array]],
    limits: Mapping[str, float],
    threshold: float,
    not_finite: Sequence[str] = (),
) -> Difference:
    """Return the difference of what `examine` of two versions of a function returns.

    Args:
        exact: the results in float32, by image.
        reduced: the others, for the same images.
        limits: kind of difference -> the size that counts as much as those of other kinds, to find
            the counterpart of an object.
        threshold: the function's confidence threshold.
        not_finite: see Difference.
    """
    found: dict[str, list[float]] = {}
    objects = 0
    for one, other in zip(exact, reduced, strict=True):
        for values in _compared(one, other, limits, max(threshold, LOWEST)):
            objects += 1
            for kind, value in values.items():
                found.setdefault(kind, []).append(value)
    sizes = {
        kind: float(np.mean(values))
        if kind == "lost"
        else float(np.percentile(values, SHARE, method="inverted_cdf"))
        for kind, values in found.items()
    }
    rounded = {kind: float(f"{size:.2g}") for kind, size in sorted(sizes.items())}
    return Difference(len(exact), objects, rounded, tuple(sorted(not_finite)))


def _compared(
    one: Mapping[str, Array],
    other: Mapping[str, Array],
    limits: Mapping[str, float],
    threshold: float,
) -> Iterator[dict[str, float]]:
    """Yield the differences of each object in an image, by kind."""
    if "vectors" in one:
        first, second = one["vectors"], other["vectors"]
        lengths = np.linalg.norm(first, axis=1).clip(1e-12)
        for value in (np.linalg.norm(first - second, axis=1) / lengths).tolist():
            yield {"vector": value}
    elif "classes" not in one:
        yield _object(one, other)
    elif "areas" in one:
        pixels = float(one["image"].prod())
        for number in np.union1d(one["classes"], other["classes"]).tolist():
            first, second = (it["areas"][it["classes"] == number].sum() for it in (one, other))
            yield {"area": abs(float(first - second)) / pixels}
    else:
        yield from _instances(one, other, limits, threshold)
        # Those that only the second one finds.
        for values in _instances(other, one, limits, threshold):
            if values["lost"]:
                yield values


def _object(one: Mapping[str, Array], other: Mapping[str, Array]) -> dict[str, float]:
    """Return the differences of the object that an interactor or a tracker finds."""
    first, second = (float(it["scores"].max(initial=0)) for it in (one, other))
    found = {"score": abs(first - second)}
    if "boxes" in one:
        found["box"] = float(np.abs(one["boxes"][0] - other["boxes"][0]).max())
    if "areas" in one:
        pixels = float(one["image"].prod())
        first, second = (float(it["areas"].max(initial=0)) / pixels for it in (one, other))
        found["area"] = abs(first - second)
    return found


def _instances(
    one: Mapping[str, Array],
    other: Mapping[str, Array],
    limits: Mapping[str, float],
    threshold: float,
) -> Iterator[dict[str, float]]:
    """Yield the differences of each object of `one` from its counterpart in `other`.

    The counterpart is the candidate of the same class that differs least. The objects are the best
    of overlapping candidates, since the steps after the decoder have not run.
    """
    boxes, scores, classes = (one[key] for key in ("boxes", "scores", "classes"))
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable"):
        if scores[number] < threshold or len(kept) == MOST:
            break
        same = [it for it in kept if classes[it] == classes[number]]
        if not (_overlaps(boxes[number], boxes[same]) > OVERLAP).any():
            kept.append(int(number))
    for number in kept:
        near = (other["classes"] == classes[number]) & (
            _overlaps(boxes[number], other["boxes"]) > OVERLAP
        )
        if not near.any():
            yield {"lost": 1.0}
            continue
        moved = np.abs(other["boxes"][near] - boxes[number]).max(axis=1)
        changed = np.abs(other["scores"][near] - scores[number])
        best = np.maximum(
            moved / max(limits["box"], 1e-9), changed / max(limits["score"], 1e-9)
        ).argmin()
        yield {"lost": 0.0, "box": float(moved[best]), "score": float(changed[best])}


def _overlaps(box: Array, boxes: Array) -> Array:
    """Return the IoU of a box with (N, 4) boxes, (N,)."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    shared = (high - low).clip(0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(shared / np.maximum(areas - shared, 1e-9))
