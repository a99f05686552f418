"""Time and memory of built functions as the work grows.

    python benchmarks/growth.py [--repeat N] [--plot FILE]

Four series, each with the CPU variant of a function in child processes, as Nuclio runs it:

- instances: 1, 10, 100 and 300 boxes, and as many masks, in an image of 1920x1080. The models are
  generated: their outputs are constants with that many objects in a grid, so that inference costs
  nothing.
- image sides: squares of 640 to 8000 pixels, with the example of boxes.
- workers: 1 to 4 processes that answer requests at the same time, with the example of boxes.

The time is the median of the processor time of all threads of the function, which other programs
hardly change. The exponent of a series is the slope of the line through logarithms, fitted to the
upper half of the series, where fixed costs matter least: 1 is linear growth, 2 quadratic. The
script writes the tables into docs/benchmarks.md and the picture to --plot.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import cv2
import numpy as np
from examples import ROOT, machine, scene, write_section
from synthetic import Synthetic, grid

from builder.lint.examine import plan
from builder.run.bench.memory import peak_rss
from builder.run.process import FunctionProcess
from builder.targets.build import build

INSTANCES = (1, 10, 100, 300)
SIDES = (640, 1280, 2560, 4000, 8000)
WORKERS = (1, 2, 3, 4)
WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement: the amount of work, milliseconds, MiB, and bytes of the reply."""

    work: int
    milliseconds: float
    mebibytes: float
    size: int


@dataclass(frozen=True, slots=True)
class Series:
    """Measurements of growing work.

    Attributes:
        name: what grows, and of which function.
        unit: the amount of work as a linear measure, such as pixels, from the point's `work`.
        points: in ascending order of work.
        note: a sentence below the table.
    """

    name: str
    unit: str
    points: tuple[Point, ...]
    note: str = ""

    def amounts(self) -> list[float]:
        """Return the amounts of work in the unit."""
        return [it.work**2 / 1e6 if self.unit == "megapixels" else it.work for it in self.points]

    def exponent(self, values: Sequence[float]) -> float:
        """Return the exponent of the growth of values over the last half of the points."""
        last = len(self.points) - (len(self.points) + 1) // 2
        xs, ys = np.log(self.amounts()[last:]), np.log(np.maximum(values[last:], 1e-6))
        return float(np.polyfit(xs, ys, 1)[0])


def constant_function(folder: Path, count: int, *, masks: bool) -> Path:
    """Build a function that finds `count` small objects in any image, and return its directory."""
    name = f"constant-{'masks' if masks else 'boxes'}-{count}"
    discs = grid(count, columns=24, step=26, radius=12)
    return Synthetic(discs, masks=masks).build(folder, name)


def processor_time(pid: int) -> float:
    """Return the milliseconds that all threads of a process have spent on a processor.

    Source: the first field of /proc/PID/task/TID/schedstat, nanoseconds (Linux).
    """
    files = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[0]) for file in files) / 1e6


def measured(folder: Path, work: int, image: bytes, repeat: int) -> Point:
    """Send an image to the CPU variant, and return the processor time and the peak memory."""
    with FunctionProcess(folder, "cpu") as function:
        times = []
        for _ in range(WARM_UP + repeat):
            start = processor_time(function.pid)
            reply = function(image).raise_for_status()
            times.append(processor_time(function.pid) - start)
        spent = statistics.median(times[WARM_UP:])
        return Point(work, spent, peak_rss(function.pid) or 0.0, len(reply.text))


def together(folder: Path, count: int, image: bytes, repeat: int) -> Point:
    """Send images to `count` processes at the same time.

    Returns:
        The processor time of a request, and the sum of the processes' peak memory.
    """
    with ExitStack() as stack, ThreadPoolExecutor(count) as pool:
        functions = [stack.enter_context(FunctionProcess(folder, "cpu")) for _ in range(count)]

        def work(function: FunctionProcess, requests: int) -> int:
            replies = [function(image).raise_for_status() for _ in range(requests)]
            return len(replies[0].text)

        sizes = list(pool.map(work, functions, [WARM_UP] * count))
        starts = [processor_time(it.pid) for it in functions]
        list(pool.map(work, functions, [repeat] * count))
        times = [
            processor_time(it.pid) - start for it, start in zip(functions, starts, strict=True)
        ]
        spent = statistics.median(times) / repeat
        memory = sum(peak_rss(it.pid) or 0.0 for it in functions)
        return Point(count, spent, memory, sizes[0])


def jpeg(image: Any) -> bytes:
    """Return an image file."""
    return np.asarray(cv2.imencode(".jpg", image)[1]).tobytes()


def all_series(folder: Path, repeat: int) -> list[Series]:
    """Measure everything."""
    found = []
    wide = jpeg(scene(1920, 1080, 20))
    for masks in (False, True):
        points = tuple(
            measured(constant_function(folder, count, masks=masks), count, wide, repeat)
            for count in INSTANCES
        )
        found.append(Series(f"{'masks' if masks else 'boxes'} in 1920x1080", "instances", points))
        print(found[-1], flush=True)
    example = build(plan(ROOT / "manifests" / "yolo.yaml"), folder / "build", force=True).folder
    drawn = scene(1600, 1600, 20)
    points = tuple(
        measured(example, side, jpeg(cv2.resize(drawn, (side, side))), repeat) for side in SIDES
    )
    found.append(Series("image side, boxes", "megapixels", points))
    print(found[-1], flush=True)
    points = tuple(together(example, count, wide, repeat) for count in WORKERS)
    note = (
        "The time is that of one request while all workers are busy. A worker is a process with a "
        "model of its own."
    )
    found.append(Series("workers, boxes in 1920x1080", "workers", points, note))
    print(found[-1], flush=True)
    return found


def tables(found: Sequence[Series]) -> list[str]:
    """Return the tables in Markdown."""
    lines = []
    for series in found:
        first = series.points[0]
        lines += [
            "",
            f"**{series.name[0].upper()}{series.name[1:]}**",
            "",
            f"| {series.name.split(',')[0].split(' in ')[0]} | time, relative | memory, MiB "
            "| reply, kB |",
            "|---|---|---|---|",
            *(
                f"| {it.work} | {it.milliseconds / first.milliseconds:.2f} | {it.mebibytes:.0f} "
                f"| {it.size / 1000:.1f} |"
                for it in series.points
            ),
            "",
        ]
        time, memory = (
            series.exponent(values)
            for values in (
                [it.milliseconds for it in series.points],
                [it.mebibytes for it in series.points],
            )
        )
        growth = f"Time grows with {series.unit} to the power of {time:.2f}, memory {memory:.2f}."
        if series.unit == "workers":
            # The time of one request has no growth to fit.
            growth = f"Memory grows with workers to the power of {memory:.2f}."
        lines.append(f"{growth} {series.note}".strip())
    return lines


def draw(found: Sequence[Series], file: Path) -> None:
    """Draw time and memory over the amount of work, one panel per series, on logarithmic axes.

    Both are relative to the first point. The gray line is linear growth. The axis of work has the
    unit of the series' points: instances, pixels of a side, or workers.
    """
    panel, margin = 420, 80
    canvas = np.full((panel + 2 * margin, len(found) * (panel + margin) + margin, 3), 255, np.uint8)
    font = cv2.FontFace("sans")
    blue, red, gray, ink = (167, 121, 78), (89, 87, 225), (200, 200, 200), (40, 40, 40)

    def write(text: str, x: int, y: int, color: tuple[int, int, int] = ink, size: int = 17) -> None:
        cv2.putText(canvas, text, (x, y), color, font, size, 500)

    for place, series in enumerate(found):
        left, bottom = margin + place * (panel + margin), margin + panel
        amounts = np.array(series.amounts()) / series.amounts()[0]
        lines = {
            "time": (blue, np.array([it.milliseconds for it in series.points])),
            "memory": (red, np.array([it.mebibytes for it in series.points])),
            "linear": (gray, amounts),
        }
        top = max(float((values / values[0]).max()) for _, values in lines.values())
        low = min(float((values / values[0]).min()) for _, values in lines.values())
        wide, high = np.log(amounts[-1]), np.log(top / low)
        cv2.rectangle(canvas, (left, margin), (left + panel, bottom), gray, 1)
        write(series.name, left, margin - 14, size=19)
        unit = "side in pixels" if series.unit == "megapixels" else series.unit
        write(f"{unit} (logarithmic)", left + panel // 2 - 80, bottom + 54)
        _write_upwards(canvas, "times the first value (logarithmic)", left - 78, bottom - 60)
        for power in range(1 + int(np.log10(top))):
            y = bottom - round(np.log(10**power / low) / high * panel)
            cv2.line(canvas, (left, y), (left + panel, y), (235, 235, 235), 1)
            write(f"x{10**power}", left - 38, y + 6, size=14)
        for line, (name, (color, values)) in enumerate(reversed(lines.items())):
            xs = left + np.log(amounts) / wide * panel
            ys = bottom - np.log(values / values[0] / low) / high * panel
            points = np.round(np.stack([xs, ys], axis=1)).astype(np.int32)
            cv2.polylines(canvas, [points], False, color, 2 if name == "linear" else 3, cv2.LINE_AA)
            if name != "linear":
                for x, y in points.tolist():
                    cv2.circle(canvas, (x, y), 5, color, cv2.FILLED, cv2.LINE_AA)
            last = f"{name} x{values[-1] / values[0]:.2f}"
            write(last, left + 14, margin + 28 + 24 * line, color)
        for amount, x in zip([it.work for it in series.points], xs.tolist(), strict=True):
            write(str(amount), round(x) - 12, bottom + 24)
    file.write_bytes(np.asarray(cv2.imencode(".png", canvas)[1]).tobytes())


def _write_upwards(canvas: Any, text: str, left: int, bottom: int) -> None:
    """Write a line of text that runs upwards from a place."""
    font = cv2.FontFace("sans")
    _, _, wide, high = cv2.getTextSize((1000, 1000), text, (0, 0), font, 17, 500)
    line = np.full((high + 12, wide + 4, 3), 255, np.uint8)
    cv2.putText(line, text, (2, high), (40, 40, 40), font, 17, 500)
    turned = np.rot90(line)
    canvas[bottom - turned.shape[0] : bottom, left : left + turned.shape[1]] = turned


def main() -> None:
    """Measure, and write the tables and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--plot", type=Path, default=ROOT / "docs" / "growth.png")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = all_series(Path(folder), given.repeat)
    head = f"{machine()} CPU variant; {given.repeat} requests each."
    head += " Times are medians of the function's processor time."
    picture = f"![Growth of time and memory]({given.plot.name})"
    write_section("growth", "\n".join([head, "", picture, *tables(found)]))
    draw(found, given.plot)


if __name__ == "__main__":
    main()
