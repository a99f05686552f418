"""Trackers: one request per frame, with the objects of the first frame from the command line."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.captions import Caption, write
from builder.run.draw import color_of, ring_of, trace
from builder.run.function import Function
from builder.run.judge.tracker import judge
from builder.run.predict.files import Pictures, pixels_of, read_bytes, require
from builder.run.predict.prediction import Box, Prediction, Prompts
from runtimes import rle
from runtimes.arrays import Array
from runtimes.quiet import no_stderr

TAKES = frozenset({"threshold", "box"})
"""See Predictor.TAKES."""

_VIDEOS = frozenset(
    {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv"}
)
"""Suffixes of video files."""

Point = tuple[float, float]


def predict(
    function: Function, files: Sequence[Path], prompts: Prompts, pictures: Pictures
) -> Iterator[Prediction]:
    """See builder.run.predict.Predictor.predict."""
    if not prompts.box:
        raise CommandLineError(
            Problem(
                "a tracker needs the bounding boxes of the objects in the first frame",
                found="no --box",
                allowed="--box X1,Y1,X2,Y2, once per object",
            )
        )
    types = types_of(function)
    drawn = [shape_of(box, types[0]) for box in prompts.box]
    sent: dict[str, Any] = {"shapes": drawn, "states": []}
    trails: list[list[Point]] = [[] for _ in drawn]
    for name, file, data in _frames(files):
        reply = function(data, **sent, **prompts.request())
        if reply.status != 200:
            yield Prediction(name, reply)
            return
        faults = tuple(judge(reply.body, [types[0]] * len(drawn)))
        saved = None
        rows: tuple[str, ...] = ()
        if not faults:
            shapes = found_shapes(reply.body)
            for trail, shape in zip(trails, shapes, strict=True):
                trail += [] if shape is None else [_middle(shape)]
            saved = pictures.save(file, partial(_drawn, data, shapes, trails))
            rows = tuple(_row(number, shape) for number, shape in enumerate(shapes))
            # In later requests CVAT's server sends null for every shape.
            sent = {"shapes": [None] * len(shapes), "states": reply.body["states"]}
        found = sum(not row.endswith("lost") for row in rows)
        yield Prediction(name, reply, f"{found} of {len(drawn)} found", rows, faults, saved)
        if faults:
            return


def smoke_test(function: Function, blank: bytes) -> tuple[str, ...]:
    """See builder.run.predict.Predictor.smoke_test. Two frames are sent."""
    types = types_of(function)
    shapes = [shape_of((40, 40, 120, 100), shape_type) for shape_type in types]
    reply = function(blank, shapes=shapes, states=[]).raise_for_status().body
    faults = judge(reply, types)
    if not faults:
        nothing = [None] * len(shapes)
        reply = function(blank, shapes=nothing, states=reply["states"]).raise_for_status().body
        faults = judge(reply, types)
    return tuple(faults)


def found_shapes(reply: dict[str, list[Any]]) -> list[dict[str, Any] | None]:
    """Return the shapes of a valid reply, None for lost objects; see runtimes.state."""
    return [
        None if isinstance(state, dict) and state.get("lost") else shape
        for shape, state in zip(reply["shapes"], reply["states"], strict=True)
    ]


def types_of(function: Function) -> tuple[str, ...]:
    """Return the shape types that a function supports."""
    return tuple(function.annotations["supported_shape_types"].split(","))


def shape_of(box: Box, shape_type: str) -> dict[str, Any]:
    """Return a box as a shape of one of CVAT's types."""
    x1, y1, x2, y2 = box
    if shape_type == "polygon":
        return {"type": shape_type, "points": [x1, y1, x2, y1, x2, y2, x1, y2]}
    if shape_type == "mask":
        left, top = round(x1), round(y1)
        size = max(round(y2) - top, 1), max(round(x2) - left, 1)
        return {"type": shape_type, "points": rle.encode(np.ones(size, np.uint8), left, top)}
    return {"type": "rectangle", "points": list(box)}


def _frames(files: Sequence[Path]) -> Iterator[tuple[str, Path, bytes]]:
    """Yield each frame: its name, the file to name its picture after, an image file.

    Raises:
        CommandLineError: a file cannot be read.
    """
    for file in files:
        if file.suffix.lower() in _VIDEOS:
            for number, frame in enumerate(_video(file)):
                # CVAT sends the frames of videos as PNG files.
                _, png = cv2.imencode(".png", frame)
                yield f"{file}:{number}", file.with_name(f"{file.stem}-{number:05}"), png.tobytes()
        else:
            yield str(file), file, read_bytes(file)


def _video(file: Path) -> Iterator[Array]:
    """Yield the frames of a video, (H, W, 3) uint8 BGR.

    Raises:
        CommandLineError: the file cannot be decoded.
    """
    require(file)
    # As bytes, since OpenCV ends the process on a name that is not UTF-8.
    name: Any = os.fsencode(file)
    with no_stderr():
        capture = cv2.VideoCapture(name)
        going, frame = capture.read()
    try:
        if not going:
            raise CommandLineError(
                Problem(
                    "is not a readable video",
                    file=file,
                    hint="pass the frames as image files, in order",
                )
            )
        while going:
            yield frame
            with no_stderr():
                going, frame = capture.read()
    finally:
        capture.release()


def _rings(shape: dict[str, Any]) -> list[Array]:
    """Return the outlines of a shape, (P, 2) x y each."""
    if shape["type"] != "mask":
        return [ring_of(shape)]
    bitmap, left, top = rle.decode(shape["points"])
    rings, _ = cv2.findContours(bitmap, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(left, top))
    return [np.asarray(ring).reshape(-1, 2) for ring in rings]


def _bounds(shape: dict[str, Any]) -> list[float]:
    """Return the bounding box of a shape: left, top, right, bottom."""
    points = np.concatenate(_rings(shape))
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def _middle(shape: dict[str, Any]) -> Point:
    """Return the center of a shape's bounding box."""
    x1, y1, x2, y2 = _bounds(shape)
    return (x1 + x2) / 2, (y1 + y2) / 2


def _row(number: int, shape: dict[str, Any] | None) -> str:
    """Return the line of an object: index, type, bounding box."""
    if shape is None:
        return f"  {number}  lost"
    box = "".join(f"  {value:7.1f}" for value in _bounds(shape))
    return f"  {number}  {shape['type']:9}{box}"


def _drawn(
    data: bytes, shapes: Sequence[dict[str, Any] | None], trails: Sequence[Sequence[Point]]
) -> Array:
    """Draw the objects of a frame and their paths up to it; return (H, W, 3) uint8 BGR."""
    canvas = pixels_of(data).copy()
    captions = []
    for number, (shape, trail) in enumerate(zip(shapes, trails, strict=True)):
        color = color_of(number)
        if len(trail) > 1:
            trace(canvas, np.array(trail), color, closed=False)
        if shape is not None:
            places = [trace(canvas, ring, color) for ring in _rings(shape)]
            captions.append(Caption(str(number), *min(places), color))
    write(canvas, captions)
    return canvas
