"""Interactors: one request per image, with the prompts of the command line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.captions import Caption, Color, write
from builder.run.draw import color_of, dots, outline, region
from builder.run.function import Function
from builder.run.judge.interactor import judge
from builder.run.predict.files import Pictures, pixels_of, read_bytes
from builder.run.predict.prediction import Prediction, Prompts
from runtimes import rle
from runtimes.arrays import Array

TAKES = frozenset({"threshold", "pos", "neg", "box"})
"""See Predictor.TAKES."""

_POSITIVE: Color = (80, 220, 60)
_NEGATIVE: Color = (60, 60, 235)
"""The colors of points in CVAT: green for positive, red for negative points."""


@dataclass(frozen=True, slots=True)
class Mask:
    """One mask of a reply, of either form.

    Attributes:
        bitmap: (h, w) uint8 of 0 and 1.
        left, top: position of its first pixel in the image.
        score: from 0 to 1; None if the form has no score.
    """

    bitmap: Array
    left: int
    top: int
    score: float | None


def predict(
    function: Function, files: Sequence[Path], prompts: Prompts, pictures: Pictures
) -> Iterator[Prediction]:
    """See builder.run.predict.Predictor.predict."""
    if not prompts.pos and not prompts.box:
        raise CommandLineError(
            Problem(
                "an interactor needs a point or a bounding box",
                found="no --pos and no --box",
                allowed="--pos X,Y or --box X1,Y1,X2,Y2",
            )
        )
    for file in files:
        data = read_bytes(file)
        reply = function(data, **request_of(prompts))
        if reply.status != 200:
            yield Prediction(str(file), reply)
            continue
        image = pixels_of(data)
        faults = tuple(judge(reply.body, (image.shape[0], image.shape[1])))
        if faults:
            yield Prediction(str(file), reply, "invalid reply", (), faults)
            continue
        masks = masks_of(reply.body)
        saved = pictures.save(file, partial(_drawn, image, masks, prompts))
        count = f"{len(masks)} {'mask' if len(masks) == 1 else 'masks'}"
        rows = tuple(_row(mask) for mask in masks)
        yield Prediction(str(file), reply, count, rows, faults, saved)


def smoke_test(function: Function, blank: bytes) -> tuple[str, ...]:
    """See builder.run.predict.Predictor.smoke_test."""
    height, width = pixels_of(blank).shape[:2]
    count = max(1, int(function.annotations["min_pos_points"]))
    steps = [(number + 1) / (count + 1) for number in range(count)]
    points = tuple((width * part, height * part) for part in steps)
    box = ((width / 4, height / 4, width / 2, height / 2),)
    always = "startswith_box" in function.annotations
    asked = [] if always else [Prompts(pos=points)]
    if always or "startswith_box_optional" in function.annotations:
        asked.append(Prompts(pos=points, box=box))
    # CVAT's page sends no positive prompt if the first click is negative.
    asked.append(Prompts(neg=points))
    return tuple(
        fault
        for prompts in asked
        for fault in judge(
            function(blank, **request_of(prompts)).raise_for_status().body, (height, width)
        )
    )


def request_of(prompts: Prompts) -> dict[str, Any]:
    """Return the keys that a request of CVAT's page has in addition to the image."""
    corners = [point for x1, y1, x2, y2 in prompts.box for point in ([x1, y1], [x2, y2])]
    return {
        "pos_points": [list(point) for point in prompts.pos],
        "neg_points": [list(point) for point in prompts.neg],
        "obj_bbox": corners,
        **prompts.request(),
    }


def masks_of(reply: dict[str, Any]) -> list[Mask]:
    """Return the masks of a valid reply. An empty mask of the older form stands for no mask."""
    if "mask" in reply:
        whole = np.array(reply["mask"], np.uint8)
        return [Mask(whole, 0, 0, None)] if whole.any() else []
    return [
        Mask(
            *rle.decode(shape["points"]),
            next((float(it["value"]) for it in shape["attributes"] if it["spec_id"] == 0), None),
        )
        for shape in reply["shapes"]
    ]


def _row(mask: Mask) -> str:
    """Return the line of a mask: score, type, bounding box, number of pixels."""
    ys, xs = np.nonzero(mask.bitmap)
    box = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    places = (mask.left, mask.top, mask.left, mask.top)
    sides = "".join(f"  {start + side:7.1f}" for start, side in zip(places, box, strict=True))
    score = "     " if mask.score is None else f"{mask.score:.3f}"
    return f"  {score}  mask     {sides}  {len(xs)} pixels"


def _drawn(image: Array, masks: Sequence[Mask], prompts: Prompts) -> Array:
    """Draw masks, the best on top, and the prompts above them."""
    canvas = image.copy()
    captions = []
    for number, mask in reversed(list(enumerate(masks))):
        color = color_of(number)
        left, top = region(canvas, mask.bitmap, mask.left, mask.top, color)
        if mask.score is not None:
            captions.append(Caption(f"{mask.score:.2f}", left, top, color))
    for box in prompts.box:
        outline(canvas, box, _POSITIVE)
    for points, color in ((prompts.pos, _POSITIVE), (prompts.neg, _NEGATIVE)):
        if points:
            dots(canvas, np.array(points), color)
    write(canvas, captions[::-1])
    return canvas
