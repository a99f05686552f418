"""Compare what the variants of a function find in the same pictures.

All tolerances of the comparison are here. Two runtimes add up in another order, which changes
single-precision outputs by about 1e-4, and boxes by a fraction of a pixel. Reduced precision, which
a manifest may ask for, changes scores by up to about 0.02. Larger differences mean that the
variants annotate differently.
"""

from collections.abc import Mapping

import numpy as np

from runtimes.arrays import Array

SCORE = 0.02
"""Difference of two scores, and of the shares of the image that two masks cover."""

OVERLAP = 0.9
"""IoU of the boxes of one object."""

VECTOR = 0.02
"""Length of the difference of two vectors, relative to the vectors."""

MOST = 20
"""Number of instances per picture that are compared, highest scores first."""

SIGHT = 200
"""Number of the other variant's instances among which each of them is searched."""

LOWEST = 0.05
"""Instances with lower scores are not compared: their order is accidental."""


def difference(one: Mapping[str, Array], other: Mapping[str, Array]) -> str:
    """Return the largest difference of two variants on a picture, or an empty text.

    Args:
        one, other: what `examine` of the two variants returned.
    """
    if "vectors" in one:
        return _vectors(one["vectors"], other["vectors"])
    if "classes" not in one:
        return _object(one, other)
    if "areas" in one:
        return _maps(one, other)
    return _instances(one, other) or _instances(other, one)


def _vectors(one: Array, other: Array) -> str:
    """Compare vectors, (N, D)."""
    length = np.linalg.norm(one, axis=1).max(initial=1e-12)
    most = np.linalg.norm(one - other, axis=1).max(initial=0) / length
    return f"vectors differ by {most:.1%} of their length" if most > VECTOR else ""


def _object(one: Mapping[str, Array], other: Mapping[str, Array]) -> str:
    """Compare the object that an interactor or a tracker finds."""
    first, second = (float(it["scores"].max(initial=0)) for it in (one, other))
    if abs(first - second) > SCORE:
        return _differ("a score", first, second)
    if "boxes" in one and _overlaps(one["boxes"][0], other["boxes"]).min() < OVERLAP:
        return f"a box at ({_text(one['boxes'][0])}) and at ({_text(other['boxes'][0])})"
    pixels = float(one["image"].prod())
    if "areas" in one:
        first, second = (float(it["areas"].max(initial=0)) / pixels for it in (one, other))
    return _differ("the share of a mask", first, second) if abs(first - second) > SCORE else ""


def _maps(one: Mapping[str, Array], other: Mapping[str, Array]) -> str:
    """Compare the part of the image that each class covers.

    Scores are means over these parts. Boxes are not compared: a stray pixel changes them.
    """
    pixels = float(one["image"].prod())
    for number in np.union1d(one["classes"], other["classes"]).tolist():
        first, second = (
            float(it["areas"][it["classes"] == number].sum()) / pixels for it in (one, other)
        )
        if abs(first - second) > SCORE:
            return _differ(f"class {number} has a share of the image", first, second)
    return ""


def _instances(one: Mapping[str, Array], other: Mapping[str, Array]) -> str:
    """Search each of the best instances of one variant among those of the other one."""
    ranked = np.argsort(-other["scores"], kind="stable")[:SIGHT]
    boxes, scores, classes = (other[key][ranked] for key in ("boxes", "scores", "classes"))
    # An instance just below the last one in sight may be there.
    last = scores[-1] if len(scores) == SIGHT else 0.0
    for number in np.argsort(-one["scores"], kind="stable")[:MOST]:
        score = float(one["scores"][number])
        if score < max(LOWEST, last) + SCORE:
            continue
        box, class_id = one["boxes"][number], one["classes"][number]
        near = (classes == class_id) & (np.abs(scores - score) <= SCORE)
        if not (_overlaps(box, boxes[near]) >= OVERLAP).any():
            return f"only one of them finds class {class_id} with {score:.3f} at ({_text(box)})"
    return ""


def _overlaps(box: Array, boxes: Array) -> Array:
    """Return the IoU of a box with (N, 4) boxes, (N,); 1 for equal boxes, even without area."""
    low, high = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    shared = (high - low).clip(0).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    same = (np.abs(boxes - box) < 0.5).all(axis=1)
    return np.where(same, 1.0, shared / np.maximum(areas - shared, 1e-9))


def _differ(what: str, first: float, second: float) -> str:
    """Return the text for two numbers."""
    return f"{what} of {first:.3f} and of {second:.3f}"


def _text(box: Array) -> str:
    """Return the corners of a box as text."""
    return ", ".join(f"{value:.1f}" for value in box)
