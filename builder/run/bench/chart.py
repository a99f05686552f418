"""A picture of a benchmark: one stacked bar per kind of request."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import floor, log10
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.diagnostics.problem import Problem
from builder.run.bench.benchmark import Benchmark
from builder.run.bench.timings import OTHER, STAGES, Timing
from runtimes.arrays import Array

Color = tuple[int, int, int]

_HINT = "pass another file with --plot FILE"

_WIDTH = 1600
_MARGIN = 40
_BAR = 44
_STEP = 66
"""Height of a bar, and distance of the tops of two bars, in pixels."""
_LETTERS = 22
_INK: Color = (40, 40, 40)
_GRID: Color = (225, 225, 225)
_TICKS = 6
"""Maximum number of intervals on the axis."""

COLORS = {
    "look up": "9d7660",
    "base64": "ffbe7d",
    "image decode": "f28e2b",
    "template": "d37295",
    "preprocess": "f1ce63",
    "inference": "4e79a7",
    "decode": "59a14f",
    "refine": "8cd17d",
    "second models": "b07aa1",
    "crops": "d4a6c8",
    "crop inference": "499894",
    "decoder": "86bcb6",
    "decoder inference": "a0cbe8",
    "match": "d7b5a6",
    "masks": "e15759",
    "shapes": "ff9d9a",
    "serialize": "b6992d",
    OTHER: "bab0ac",
}
"""Stage -> red, green, blue: Tableau's palette of 20 colors, similar hues for related stages."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        caption: the variant, the image, and the kind of request if there are several.
        timing: the times.
    """

    caption: str
    timing: Timing

    @property
    def total(self) -> float:
        """The sum of the stages."""
        return sum(self.timing.typical.values())


def prepare(file: Path) -> None:
    """Check the name of a picture, and create its directory.

    Raises:
        CommandLineError: it has another suffix than .png, or cannot be written.
    """
    if file.suffix.lower() != ".png":
        hint = f"--plot {shlex.quote(str(file.with_suffix('.png')))}" if file.name else ""
        problem = Problem(
            "is not the name of a PNG file", file=file, allowed="a file name with .png", hint=hint
        )
        raise CommandLineError(problem)
    if os.path.isdir(file):
        raise CommandLineError(Problem("is a directory", file=file, allowed="a PNG file"))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the directory cannot be created: {error.strerror or error}"
        raise CommandLineError(Problem(what, file=file.parent, hint=_HINT)) from error


def save(benchmarks: Sequence[Benchmark], file: Path) -> None:
    """Draw the typical times of the stages, and write the picture as PNG.

    Raises:
        BuiltError: the file cannot be written.
    """
    png = np.asarray(cv2.imencode(".png", draw(benchmarks))[1]).tobytes()
    try:
        file.write_bytes(png)
    except OSError as error:
        problem = Problem(
            f"cannot be written: {error.strerror or error}",
            file=file,
            hint=_HINT,
        )
        raise BuiltError(problem) from error


def draw(benchmarks: Sequence[Benchmark]) -> Array:
    """Draw the typical times of the stages.

    Args:
        benchmarks: the results, at least one.

    Returns:
        (H, 1600, 3) uint8 BGR.
    """
    bars = [
        Bar(_caption(benchmark, run.title, timing), timing)
        for benchmark in benchmarks
        for run in benchmark.runs
        for timing in run.timings
    ]
    stages = [it for it in STAGES if any(it in bar.timing.stages for bar in bars)]
    places = _legend_places(stages)
    top = _MARGIN + 2 * _LETTERS + places[-1][1] + 3 * _LETTERS
    height = top + _STEP * len(bars) + 2 * _LETTERS + _MARGIN
    canvas = np.full((height, _WIDTH, 3), 255, np.uint8)
    name = Path(benchmarks[0].function).name
    title = f"{name}: milliseconds of each stage, mean of the middle half of the requests"
    _write(canvas, title, _MARGIN, _MARGIN, 26, 700)
    for stage, (x, y) in zip(stages, places, strict=True):
        y += _MARGIN + 2 * _LETTERS
        cv2.rectangle(canvas, (x, y), (x + 20, y + 20), color_of(stage), cv2.FILLED)
        _write(canvas, stage, x + 28, y)
    left = 2 * _MARGIN + max(_text_width(bar.caption) for bar in bars)
    # The total stands to the right of the longest bar.
    room = _WIDTH - left - _MARGIN - _text_width("0000.0 ms")
    longest = max(max(bar.total for bar in bars), 1e-3)
    _axis(canvas, longest, left, room, top)
    for place, bar in enumerate(bars):
        _bar(canvas, bar, left, top + place * _STEP, room / longest)
    return canvas


def color_of(stage: str) -> Color:
    """Return the color of a stage."""
    red, green, blue = bytes.fromhex(COLORS[stage])
    return blue, green, red


def ticks(longest: float) -> list[float]:
    """Return the marks of the axis: multiples of 1, 2 or 5 times a power of ten up to a value."""
    power = 10.0 ** floor(log10(longest / _TICKS))
    step = next(it * power for it in (1, 2, 5, 10) if it * power * _TICKS >= longest)
    return [number * step for number in range(int(longest / step + 1e-9) + 1)]


def _caption(benchmark: Benchmark, title: str, timing: Timing) -> str:
    """Return the caption of a bar."""
    kind = "" if timing.name == "request" else f", {timing.name}"
    fallback = benchmark.variant == "gpu" and benchmark.device.endswith(" on CPU")
    return f"{benchmark.variant}{' on the CPU' if fallback else ''}, {Path(title).name}{kind}"


def _axis(canvas: Array, longest: float, left: int, room: int, top: int) -> None:
    """Draw vertical lines with their values below."""
    bottom = canvas.shape[0] - _MARGIN - 2 * _LETTERS
    for value in ticks(longest):
        x = left + round(value / longest * room)
        cv2.line(canvas, (x, top - _LETTERS // 2), (x, bottom), _GRID, 2)
        text = f"{value:g}"
        _write(canvas, text, x - _text_width(text) // 2, bottom + _LETTERS // 2)


def _bar(canvas: Array, bar: Bar, left: int, top: int, scale: float) -> None:
    """Draw a bar, its caption, and its total beside it.

    Args:
        canvas: the picture.
        bar: the bar.
        left, top: the bar's corner.
        scale: pixels per millisecond.
    """
    text_top = top + (_BAR - _LETTERS) // 2 - 2
    _write(canvas, bar.caption, left - _MARGIN // 2 - _text_width(bar.caption), text_top)
    at = float(left)
    for stage, spent in bar.timing.typical.items():
        end = at + spent * scale
        if round(end) > round(at):
            corners = (round(at), top), (round(end) - 1, top + _BAR)
            cv2.rectangle(canvas, *corners, color_of(stage), cv2.FILLED)
        at = end
    _write(canvas, f"{bar.total:.1f} ms", round(at) + 10, text_top, weight=600)


def _legend_places(stages: Sequence[str]) -> list[tuple[int, int]]:
    """Return the place of each entry of the legend, in as many lines as they need."""
    places = []
    x, y = _MARGIN, 0
    for stage in stages:
        wide = 28 + _text_width(stage) + _MARGIN
        if x + wide > _WIDTH and x > _MARGIN:
            x, y = _MARGIN, y + 2 * _LETTERS
        places.append((x, y))
        x += wide
    return places


@lru_cache
def _font() -> Any:
    """Return OpenCV's scalable font."""
    return cv2.FontFace("sans")


def _text_width(text: str) -> int:
    """Return the width of a text in pixels."""
    _, _, wide, _ = cv2.getTextSize((_WIDTH, _WIDTH), text, (0, 0), _font(), _LETTERS, 400)
    return int(wide)


def _write(
    canvas: Array, text: str, left: int, top: int, size: int = _LETTERS, weight: int = 400
) -> None:
    """Write a line of text with its top left corner at a place."""
    cv2.putText(canvas, text, (left, top + round(size * 0.8)), _INK, _font(), size, weight)
