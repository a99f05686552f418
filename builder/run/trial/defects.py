"""Check what a function's model finds, before anything is dropped or clipped.

A decoder that does not match the model reads other numbers than scores, classes and boxes. Most of
these mistakes show in numbers that no trained model gives on any picture. The others, such as two
classes that are swapped, do not show here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from builder.diagnostics.faults import RULES
from builder.diagnostics.rule import Rule
from runtimes.arrays import Array
from runtimes.errors import Fault

BOX_VALUES = Rule(
    "box-values",
    "Boxes do not match the image",
    "The values are in another order or unit than the decoder expects; CVAT would show false "
    "boxes.",
)
NOT_FINITE = Rule(
    "not-finite",
    "Model returns values that are not numbers",
    "Detections with such values are dropped, so objects would be missed silently.",
)
MASK_SIZE = Rule(
    "mask-size",
    "Mask size does not match the input",
    "The masks would be stretched, and would cover other objects.",
)
MASK_VALUES = Rule(
    "mask-values",
    "All masks are empty or cover the image",
    "The values are not what the step compares with its level; the annotator gets useless masks.",
)
ATTRIBUTE_VALUES = Rule(
    "attribute-values",
    "Attribute is outside of its range",
    "The values are clipped to the range, so that every object gets the same wrong attribute.",
)
SAME_VECTORS = Rule(
    "same-vectors",
    "All vectors are equal",
    "ReID compares vectors; equal ones match every object with every other one.",
)

SLACK = 0.01
"""Tolerance of the range 0..1 of scores, for the rounding of half precision."""

PREDICTED_RANGE = (-0.5, 1.5)
"""The range of an interactor's scores: a regression of the mask's IoU, which exceeds 0..1 a bit."""

MOST_BOXES = 100
"""Number of boxes per picture that are checked, highest scores first: candidates with a score near
zero are not trained to have a sensible box."""

LEAST_SCORE = 1e-4
"""Score from which boxes are checked. Models with NMS in the graph fill their output with boxes
without a size, and a score of nearly zero."""

OUTSIDE_SHARE = 0.9
"""Share of the boxes outside of the image, or more than three times its size, that is refused."""

LEAST_SIDE = 1e-3
"""Side in pixels from which a box has a size; others were clipped to nothing."""

INVERTED_SHARE = 0.2
"""Share of the boxes with a negative width or height that is refused: centers read as corners."""

BEYOND_SHARE = 0.5
"""Share of the confident boxes that leave the image by more than BEYOND of their size that is
refused: corners read as centers."""

BEYOND = 0.1
"""See BEYOND_SHARE."""

ORIGIN = 0.02
"""Distance from the origin, relative to the input's longer side, within which all boxes are
refused."""

CONFIDENT = 0.25
"""Share of the highest score in all pictures from which a box is confident. In a white picture,
where a detector finds nothing, about half of its best boxes leave the image."""

LEAST_BOXES = 3
"""Number of boxes in all pictures from which BEYOND_SHARE and ORIGIN apply."""

WHOLE = 0.999
"""Share of the image from which a mask covers it."""

ATTRIBUTE_SLACK = 0.5
"""Tolerance of an attribute's range, relative to its width: a regression of a picture that shows no
such object may leave the range a bit."""

Examinations = Mapping[str, Mapping[str, Array]]
"""Name of a picture -> the arrays that the function's `examine` returned."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One reason to refuse a function; the attributes are those of Problem."""

    rule: Rule
    what: str
    found: str
    allowed: str
    hint: str = ""


def detector_defect(
    examinations: Examinations, class_count: Callable[[], int | None]
) -> Defect | None:
    """Return the first reason to refuse a detector.

    Args:
        examinations: of OpenDetector.examine.
        class_count: returns the number of the model's classes; None if it is not known.
    """
    for picture, arrays in examinations.items():
        found = _not_finite(picture, arrays) or _scores(picture, arrays)
        if found:
            return found
    best = {name: _best(arrays) for name, arrays in examinations.items()}
    # Boxes first: a wrong order of columns also gives wrong classes.
    return (
        _boxes(best)
        or _keypoints(best)
        or _classes(best, class_count)
        or _masks(best)
        or _second_models(examinations)
    )


def interactor_defect(examinations: Examinations) -> Defect | None:
    """Return the first reason to refuse an interactor; examinations of OpenInteractor.examine."""
    least, most = PREDICTED_RANGE
    for picture, arrays in examinations.items():
        scores = arrays["scores"]
        if not np.isfinite(scores).all():
            return _finite_defect("the masks have scores that are not numbers", picture)
        if len(scores) and (scores.min() < least or scores.max() > most):
            return _score_defect(scores, picture, f"{least:g} to {most:g}")
    return _masks(examinations) or _same_masks(examinations)


def _same_masks(examinations: Examinations) -> Defect | None:
    """Check that the masks of an interactor depend on the picture or on the prompts."""
    pixels = float(next(iter(examinations.values()))["image"].prod())
    shares = np.concatenate([it["areas"] for it in examinations.values()]) / pixels
    hint = "set `level` to the value above which a pixel belongs to the mask, or check the outputs"
    if not shares.any():
        return Defect(
            MASK_VALUES,
            "the masks are empty for every picture and prompt",
            f"{len(shares)} masks without a pixel" if len(shares) else "no mask",
            "masks of the object at the prompt",
            hint,
        )
    if len(shares) > 1 and shares.min() > WHOLE:
        return Defect(
            MASK_VALUES,
            "the masks cover the whole image for every picture and prompt",
            f"{len(shares)} masks",
            "masks of the object at the prompt",
            hint,
        )
    return None


def tracker_defect(examinations: Examinations) -> Defect | None:
    """Return the first reason to refuse a tracker; examinations of OpenTracker.examine."""
    for picture, arrays in examinations.items():
        scores, boxes = arrays["scores"], arrays["boxes"]
        if not np.isfinite(scores).all() or not np.isfinite(boxes).all():
            return _finite_defect("the tracked object has values that are not numbers", picture)
        if scores.min() < -SLACK or scores.max() > 1 + SLACK:
            return _score_defect(scores, picture, "0 to 1")
    boxes = np.concatenate([arrays["boxes"] for arrays in examinations.values()])
    # A box without a size counts as lost.
    boxes = boxes[np.abs(boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= LEAST_SIDE]
    size = next(iter(examinations.values()))["image"]
    hint = "check that the tracker step matches the model"
    return _tiny(boxes, hint) or _outside(boxes, size, hint)


def reid_defect(examinations: Examinations) -> Defect | None:
    """Return the first reason to refuse a ReID function; examinations of OpenReid.examine."""
    for picture, arrays in examinations.items():
        if not np.isfinite(arrays["vectors"]).all():
            return _finite_defect("the vectors have values that are not numbers", picture)
    vectors = np.concatenate([arrays["vectors"] for arrays in examinations.values()])
    if np.ptp(vectors, axis=0).max(initial=0) == 0:
        return Defect(
            SAME_VECTORS,
            "the vectors of all crops are equal",
            f"{len(vectors)} equal vectors of {vectors.shape[1]} values",
            "another vector for each crop",
            "check the preprocessing and the output",
        )
    return None


def _not_finite(picture: str, arrays: Mapping[str, Array]) -> Defect | None:
    """Check the outputs that the decoder reads."""
    for key, values in arrays.items():
        if key.startswith("nan ") and values[0]:
            return _finite_defect(
                f"the output {key.removeprefix('nan ')} has values that are not numbers",
                f"{picture}: {values[0]} of {values[1]} values are NaN",
            )
    return None


def _finite_defect(what: str, found: str) -> Defect:
    """Return the defect for values that are not finite."""
    hint = "check the preprocessing, and export the model in single precision"
    return Defect(NOT_FINITE, what, found, "numbers", hint)


def _scores(picture: str, arrays: Mapping[str, Array]) -> Defect | None:
    """Check that all scores are confidences."""
    scores, boxes = arrays["scores"], arrays["boxes"]
    # Rows that some exporters fill with -1 are no detections.
    empty = (boxes[:, 0] == boxes[:, 2]) & (boxes[:, 1] == boxes[:, 3])
    used = scores[~((scores < 0) & empty)]
    if len(used) and (used.min() < -SLACK or used.max() > 1 + SLACK):
        return _score_defect(used, picture, "0 to 1")
    return None


def _score_defect(scores: Array, picture: str, allowed: str) -> Defect:
    """Return the defect for scores outside of the range."""
    return Defect(
        RULES[Fault.SCORE_RANGE],
        "the decoded scores are not confidences",
        f"scores from {scores.min():.4g} to {scores.max():.4g} in the picture `{picture}`",
        f"scores from {allowed}",
        "the values may be logits, or another column of the output",
    )


def _best(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays with the best instances only."""
    scores = arrays["scores"]
    order = np.argsort(-scores, kind="stable")[:MOST_BOXES]
    order = order[scores[order] >= LEAST_SCORE]
    rows = ("boxes", "scores", "classes", "keypoints")
    return {name: values[order] if name in rows else values for name, values in arrays.items()}


def _boxes(best: Examinations) -> Defect | None:
    """Check the boxes of all pictures together."""
    boxes = np.concatenate([arrays["boxes"] for arrays in best.values()])
    size = next(iter(best.values()))["input"]
    return (
        _inverted(boxes)
        or _tiny(boxes, _UNIT)
        or _at_origin(boxes, size)
        or _outside(boxes, size, "the boxes may be in pixels; use a decoder that expects pixels")
        or _beyond(boxes[_confident(best)], size)
    )


_UNIT = "the boxes may be in 0..1; use a decoder that expects 0..1"


def _inverted(boxes: Array) -> Defect | None:
    """Check that x1 is not right of x2, and y1 not below y2."""
    sides = boxes[:, 2:] - boxes[:, :2]
    real = sides.any(axis=1)
    wrong = (sides < -LEAST_SIDE).any(axis=1)
    if wrong.sum() <= INVERTED_SHARE * real.sum():
        return None
    return Defect(
        BOX_VALUES,
        "many boxes have a negative width or height",
        f"{wrong.sum()} of {real.sum()} boxes, such as {_text(boxes[wrong][0])}",
        "x1 < x2 and y1 < y2",
        "the values may be center, width and height; use a decoder that expects them",
    )


def _tiny(boxes: Array, hint: str) -> Defect | None:
    """Check that some box is larger than a pixel."""
    sides = np.abs(boxes[:, 2:] - boxes[:, :2])
    # The box of a single keypoint is one pixel wide, and so is that of a whole image in 0..1.
    small = sides.max(initial=0) < 1 - SLACK or np.abs(boxes).max(initial=0) <= 1 + SLACK
    if sides.max(initial=0) < LEAST_SIDE or not small:
        return None
    return Defect(
        BOX_VALUES,
        "all boxes are smaller than a pixel",
        f"{len(boxes)} boxes, such as {_text(boxes[sides.max(axis=1).argmax()])}",
        "boxes in pixels",
        hint,
    )


def _at_origin(boxes: Array, size: Array) -> Defect | None:
    """Check that boxes are spread over an image of `size`, as the cells of a grid are."""
    if len(boxes) < LEAST_BOXES or not boxes.any() or np.abs(boxes).max() > ORIGIN * size.max():
        return None
    return Defect(
        BOX_VALUES,
        "all boxes are at the origin",
        f"{len(boxes)} boxes, such as {_text(boxes[np.abs(boxes).max(axis=1).argmax()])}",
        f"boxes within {size[1]}x{size[0]} pixels",
        "the values may be offsets to the cells of a grid; use a decoder that adds them",
    )


def _outside(boxes: Array, size: Array, hint: str) -> Defect | None:
    """Check that boxes overlap an image of `size`, height and width, and are not far larger."""
    sides = boxes[:, 2:] - boxes[:, :2]
    limits = np.array([size[1], size[0]])
    gone = ((boxes[:, 2:] < 0) | (boxes[:, :2] > limits) | (sides > 3 * limits)).any(axis=1)
    if not len(boxes) or gone.mean() < OUTSIDE_SHARE:
        return None
    return Defect(
        BOX_VALUES,
        "nearly all boxes are outside of the image",
        f"{gone.sum()} of {len(boxes)} boxes, such as {_text(boxes[gone][0])}",
        f"boxes within {size[1]}x{size[0]} pixels",
        hint,
    )


def _confident(best: Examinations) -> Array:
    """Return which boxes of all pictures have a score near the highest one."""
    scores = np.concatenate([arrays["scores"] for arrays in best.values()])
    return np.asarray(scores >= CONFIDENT * scores.max(initial=0))


def _beyond(boxes: Array, size: Array) -> Defect | None:
    """Check that most boxes end within an image of `size`, height and width."""
    sides = boxes[:, 2:] - boxes[:, :2]
    real = (sides > 0).all(axis=1)
    boxes, sides = boxes[real], sides[real]
    limits = np.array([size[1], size[0]])
    most = np.maximum(-boxes[:, :2], boxes[:, 2:] - limits) / sides
    beyond = most.max(axis=1, initial=0) > BEYOND
    if len(boxes) < LEAST_BOXES or beyond.mean() < BEYOND_SHARE:
        return None
    return Defect(
        BOX_VALUES,
        "many boxes leave the image",
        f"{beyond.sum()} of {len(boxes)} boxes, such as {_text(boxes[beyond][0])}",
        f"boxes within {size[1]}x{size[0]} pixels",
        "the values may be corners (x1, y1, x2, y2); use a decoder that expects them",
    )


def _text(box: Array) -> str:
    """Return a box for a message."""
    return "(" + ", ".join(f"{value:.4g}" for value in box) + ")"


def _keypoints(best: Examinations) -> Defect | None:
    """Check that keypoints are in the image, and not all at one place."""
    arrays = [it["keypoints"][..., :2].reshape(-1, 2) for it in best.values() if "keypoints" in it]
    points = np.concatenate(arrays) if arrays else np.zeros((0, 2))
    return _points(points, next(iter(best.values()))["input"]) if len(points) else None


def _points(points: Array, size: Array, owner: str = "") -> Defect | None:
    """Check that points, (N, 2), are in an image of `size`, and not all at one place.

    Args:
        points: at least one.
        size: height and width.
        owner: the model file of the points, for the message; empty for the first one.
    """
    gone = ((points < -size[::-1]) | (points > 2 * size[::-1])).any(axis=1)
    unit = points.any() and np.abs(points).max() <= 1
    if gone.mean() < OUTSIDE_SHARE and not unit:
        return None
    example = points[gone][0] if gone.any() else points[0]
    return Defect(
        BOX_VALUES,
        f"{'all' if unit else 'nearly all'} keypoints{owner} are "
        f"{'within a pixel' if unit else 'outside'}",
        f"{len(points)} keypoints, such as {_text(example)}",
        f"keypoints within {size[1]}x{size[0]} pixels",
        "check that the decoder matches the model",
    )


def _classes(best: Examinations, class_count: Callable[[], int | None]) -> Defect | None:
    """Check that class IDs are classes of the model."""
    classes = np.concatenate([arrays["classes"] for arrays in best.values()])
    if not len(classes):
        return None
    count = class_count()
    wrong = classes[(classes < 0) | (classes >= (np.inf if count is None else count))]
    if not len(wrong):
        return None
    return Defect(
        RULES[Fault.CLASS_VALUES],
        "the decoded class IDs are not classes of the model",
        ", ".join(str(it) for it in np.unique(wrong)[:5].tolist()),
        "0 or more" if count is None else f"0 to {count - 1}",
        "list every class of the model in `labels`, or check that the decoder matches the model",
    )


def _masks(best: Examinations) -> Defect | None:
    """Check that the grid of the masks has the aspect ratio of the input."""
    for arrays in best.values():
        if "grid" in arrays and len(arrays["scores"]):
            (rows, columns), (height, width) = arrays["grid"].tolist(), arrays["input"].tolist()
            # A cell more or less is the rounding of a size that the strides do not divide.
            if abs(rows * width - columns * height) > max(width, height):
                return Defect(
                    MASK_SIZE,
                    "the masks have another aspect ratio than the input",
                    f"masks of {rows}x{columns}",
                    f"an aspect ratio of {height}x{width}, the model's input",
                    "check that the decoder matches the model",
                )
    return None


def _second_models(examinations: Examinations) -> Defect | None:
    """Check the keypoints and the attributes' numbers that second models give for each picture."""
    first = next(iter(examinations.values()))
    for key in first:
        kind, _, owner = key.partition(" ")
        if kind not in ("points", "number"):
            continue
        found = np.concatenate([it[key][None] for it in examinations.values()])
        if kind == "points":
            if not np.isfinite(found).all():
                what = f"the keypoints {owner} have values that are not numbers"
                return _finite_defect(what, f"{(~np.isfinite(found)).sum()} of {found.size} values")
            defect = _points(found[..., :2].reshape(-1, 2), first["image"], f" {owner}")
            if defect is not None:
                return defect
        else:
            numbers, (least, most) = found[:, 0], found[0, 1:]
            slack = ATTRIBUTE_SLACK * (most - least)
            if not np.isfinite(numbers).all():
                return _finite_defect(f"the attribute {owner} is not a number", key)
            if ((numbers < least - slack) | (numbers > most + slack)).all():
                return Defect(
                    ATTRIBUTE_VALUES,
                    f"the attribute {owner} is outside of its range in every picture",
                    ", ".join(f"{it:.4g}" for it in numbers),
                    f"{least:g} to {most:g}",
                    "check `scale`, `offset` and `output` of the attribute",
                )
    return None
