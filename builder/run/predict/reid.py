"""ReID: one request for two images with the bounding boxes of both."""

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.captions import Caption, write
from builder.run.draw import color_of, outline
from builder.run.function import Function
from builder.run.judge.reid import judge
from builder.run.predict.files import Pictures, pixels_of, read_bytes
from builder.run.predict.prediction import Prediction, Prompts
from runtimes.arrays import Array
from runtimes.numbers import are_numbers

TAKES = frozenset({"threshold", "boxes"})
"""See Predictor.TAKES."""

_EXAMPLE = "[[[10, 10, 60, 90], ...], [[14, 12, 64, 92], ...]]"

Boxes = list[list[float]]
"""x1 y1 x2 y2 per box, in pixels of the image."""


def predict(
    function: Function, files: Sequence[Path], prompts: Prompts, pictures: Pictures
) -> Iterator[Prediction]:
    """See builder.run.predict.Predictor.predict."""
    if len(files) != 2 or prompts.boxes is None:
        raise CommandLineError(
            Problem(
                "ReID needs two images and the bounding boxes of both",
                found=f"{len(files)} images, {'no ' if prompts.boxes is None else ''}--boxes",
                allowed="IMAGE IMAGE --boxes FILE",
                hint=f"write the file as JSON: {_EXAMPLE}",
            )
        )
    boxes0, boxes1 = read_boxes(prompts.boxes)
    data0, data1 = (read_bytes(file) for file in files)
    request = {**request_of(data0, data1, boxes0, boxes1), **prompts.request()}
    reply = function.send(request, "application/json")
    name = f"{files[0]} {files[1]}"
    if reply.status != 200:
        yield Prediction(name, reply)
        return
    faults = tuple(judge(reply.body, len(boxes0), len(boxes1)))
    saved = None
    if not faults:
        saved = pictures.save(
            files[0],
            lambda: draw_matches(pixels_of(data0), pixels_of(data1), boxes0, boxes1, reply.body),
        )
    matched = sum(match >= 0 for match in reply.body)
    rows = tuple(f"  {place} -> {'-' if it < 0 else it}" for place, it in enumerate(reply.body))
    yield Prediction(name, reply, f"{matched} of {len(boxes0)} boxes matched", rows, faults, saved)


def smoke_test(function: Function, blank: bytes) -> tuple[str, ...]:
    """See builder.run.predict.Predictor.smoke_test."""
    boxes: Boxes = [[10, 10, 60, 90], [200, 100, 260, 300]]
    request = request_of(blank, blank, boxes, boxes[:1])
    reply = function.send(request, "application/json").raise_for_status().body
    return tuple(judge(reply, len(boxes), 1))


def request_of(data0: bytes, data1: bytes, boxes0: Boxes, boxes1: Boxes) -> dict[str, Any]:
    """Return a request of CVAT's server, with the boxes as annotation shapes."""
    shapes = (
        [
            {"type": "rectangle", "points": points, "label_id": 1, "frame": frame, "group": 0}
            for points in boxes
        ]
        for frame, boxes in enumerate((boxes0, boxes1))
    )
    first, second = shapes
    return {
        "image0": base64.b64encode(data0).decode(),
        "image1": base64.b64encode(data1).decode(),
        "boxes0": first,
        "boxes1": second,
    }


def read_boxes(file: Path) -> tuple[Boxes, Boxes]:
    """Read the boxes of two images from a JSON file: a list of two lists of x1, y1, x2, y2.

    Raises:
        CommandLineError: the file has another content.
    """
    try:
        lists = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise CommandLineError(Problem(f"is not JSON: {error}", file=file)) from error
    two = isinstance(lists, list) and len(lists) == 2 and all(isinstance(it, list) for it in lists)
    boxes = [box for listed in lists for box in listed] if two else []
    if not two or not all(
        isinstance(box, list) and len(box) == 4 and are_numbers(box) for box in boxes
    ):
        raise CommandLineError(
            Problem(
                "does not contain the bounding boxes of two images", file=file, allowed=_EXAMPLE
            )
        )
    return lists[0], lists[1]


def draw_matches(
    image0: Array, image1: Array, boxes0: Boxes, boxes1: Boxes, matches: Sequence[int]
) -> Array:
    """Draw two images side by side. Matched boxes have one color and a line between them.

    Args:
        image0, image1: (H, W, 3) uint8 BGR; the sizes may differ.
        boxes0, boxes1: the boxes of each image.
        matches: for each of `boxes0` the index of the matched box in `boxes1`, or -1.

    Returns:
        (max of the heights, sum of the widths, 3) uint8 BGR.
    """
    height = max(image0.shape[0], image1.shape[0])
    canvas = np.zeros((height, image0.shape[1] + image1.shape[1], 3), np.uint8)
    canvas[: image0.shape[0], : image0.shape[1]] = image0
    canvas[: image1.shape[0], image0.shape[1] :] = image1
    moved = [[x1 + image0.shape[1], y1, x2 + image0.shape[1], y2] for x1, y1, x2, y2 in boxes1]
    unmatched = (160, 160, 160)
    partners = {match: place for place, match in enumerate(matches) if match >= 0}
    colors = [color_of(place) if it >= 0 else unmatched for place, it in enumerate(matches)]
    for place, match in enumerate(matches):
        if match >= 0:
            ends = [_center(boxes0[place]), _center(moved[match])]
            for shade, width in (((0, 0, 0), 4), (colors[place], 2)):
                cv2.line(canvas, ends[0], ends[1], shade, width, cv2.LINE_AA)
    captions = [
        Caption(str(place), *outline(canvas, box, colors[place]), colors[place])
        for place, box in enumerate(boxes0)
    ]
    for place, box in enumerate(moved):
        color = colors[partners[place]] if place in partners else unmatched
        captions.append(Caption(str(place), *outline(canvas, box, color), color))
    write(canvas, captions)
    return canvas


def _center(box: Sequence[float]) -> tuple[int, int]:
    """Return the pixel in the center of a box."""
    return round((box[0] + box[2]) / 2), round((box[1] + box[3]) / 2)
