"""Measuring the variants of a function, and the results."""

import importlib.util
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from builder.backends.registry import backends_of
from builder.diagnostics.progress import Counter
from builder.diagnostics.text import printable
from builder.manifest.variants import VariantName
from builder.run.bench.memory import gpu_used, peak_rss
from builder.run.bench.pictures import Picture, mixed
from builder.run.bench.rounds import MIXES, round_of
from builder.run.bench.timings import Sample, Timing, table
from builder.run.predict import check_prompts
from builder.run.predict.prediction import Prompts
from builder.run.process import FunctionProcess

MIXED = "mixed sizes"
"""The name of the run over images of different sizes."""

WARM_UP = 3
"""Rounds of requests before the measured ones. The first requests fill caches and buffers."""


@dataclass(frozen=True, slots=True)
class Run:
    """The times of one image, or of images of different sizes.

    Attributes:
        image: path of the image, or MIXED.
        sizes: width and height of each image.
        timings: one for each kind of request.
    """

    image: str
    sizes: tuple[tuple[int, int], ...]
    timings: tuple[Timing, ...]

    @property
    def title(self) -> str:
        """The image and its size, or the number of sizes."""
        if self.image == MIXED:
            return f"{len(set(self.sizes))} {MIXED}"
        width, height = self.sizes[0]
        return f"{printable(self.image)} {width}x{height}"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The results of one variant.

    Attributes:
        function: the function's directory.
        variant: the variant.
        device: the runtime, its version and its devices.
        start: seconds from the start of the process until the function answers requests.
        first: milliseconds of the first request.
        rss: highest resident memory of the process, MiB; None if the system does not tell.
        gpu: memory that the function added on the GPUs, MiB; None without a GPU.
        runs: the times.
    """

    function: str
    variant: VariantName
    device: str
    start: float
    first: float
    rss: float | None
    gpu: float | None
    runs: tuple[Run, ...]

    def as_text(self) -> str:
        """Return tables for people."""
        memory = [f"peak memory {self.rss:.0f} MiB"] if self.rss is not None else []
        memory += [f"GPU memory {self.gpu:.0f} MiB"] if self.gpu is not None else []
        facts = [f"start {self.start:.2f} s", f"first request {self.first:.1f} ms", *memory]
        lines = [f"{self.function}: {self.variant}, {self.device}", f"  {', '.join(facts)}"]
        for run in self.runs:
            counts = {timing.requests for timing in run.timings}
            each = " of each kind" if len(run.timings) > 1 else ""
            count = counts.pop()
            noun = "request" if count == 1 else "requests"
            lines += ["", f"  {run.title}, {count} {noun}{each}"]
            lines += [f"    {line}" for line in table(run.timings)]
        return "\n".join(lines)

    def as_json(self) -> Iterator[str]:
        """Yield one line per image."""
        for run in self.runs:
            yield json.dumps(
                {
                    "function": printable(self.function),
                    "variant": self.variant,
                    "device": self.device,
                    "image": printable(run.image),
                    "sizes": run.sizes,
                    "start_s": round(self.start, 3),
                    "first_request_ms": round(self.first, 2),
                    "peak_rss_mib": _rounded(self.rss),
                    "gpu_mib": _rounded(self.gpu),
                    "requests_ms": {it.name: it.as_dict() for it in run.timings},
                },
                ensure_ascii=False,
            )


def _rounded(value: float | None) -> float | None:
    """Return a number with one decimal."""
    return None if value is None else round(value, 1)


@dataclass(frozen=True, slots=True)
class Workload:
    """What to measure.

    Attributes:
        pictures: the images, at least one.
        prompts: the options of the command line.
        repeat: number of measured requests of each kind for an image.
        mix: whether to measure images of different sizes too.
    """

    pictures: Sequence[Picture]
    prompts: Prompts
    repeat: int
    mix: bool

    def sets(self, function_type: str) -> list[tuple[str, list[Picture]]]:
        """Return the name and the images of each run."""
        found = [(it.name, [it]) for it in self.pictures]
        if self.mix and function_type in MIXES:
            found.append((MIXED, mixed(self.pictures)))
        return found


def measure(folder: Path, variant: VariantName, workload: Workload, counter: Counter) -> Benchmark:
    """Measure a variant in a child process. Without its device, it runs on the CPU.

    Args:
        folder: directory of a built function.
        variant: the variant.
        workload: what to measure.
        counter: shows how many rounds of requests were sent.

    Raises:
        CommandLineError: functions of this type do not accept a prompt, or the file with bounding
            boxes cannot be read.
        BuiltError: the function does not start, or does not answer a request with status 200.
    """
    gpu = gpu_used() if variant == "gpu" else None
    began = perf_counter()
    with FunctionProcess(folder, variant, allow_fallback=True) as function:
        start = perf_counter() - began
        check_prompts(function.type, workload.prompts)
        meter = _Meter(function, workload, counter)
        runs = tuple(meter.run(name, pictures) for name, pictures in meter.sets)
        # The device's memory is kept until the process ends, so that the last reading is the peak.
        used = None if gpu is None or function.warnings else gpu_used()
        assert meter.first is not None
        return Benchmark(
            function=str(folder),
            variant=variant,
            device=_device(function),
            start=start,
            first=meter.first,
            rss=peak_rss(function.pid),
            gpu=None if used is None or gpu is None else max(0.0, used - gpu),
            runs=runs,
        )


def missing_device(variant: VariantName) -> str:
    """Return why a variant has no device on this machine; empty if it has one."""
    backends = [it for it in backends_of(variant) if importlib.util.find_spec(it.module)]
    if not backends:
        return f"{backends_of(variant)[0].runtime} is not installed"
    if not any(backend.devices() for backend in backends):
        return f"this machine has no {backends[0].device} device"
    return ""


class _Meter:
    """Sends the rounds of requests, and counts them."""

    def __init__(self, function: FunctionProcess, workload: Workload, counter: Counter) -> None:
        self._function = function
        self._workload = workload
        self._counter = counter
        self.sets = workload.sets(function.type)
        self._count = sum((WARM_UP + self._rounds(it)) * len(it) for _, it in self.sets)
        self._done = 0
        self.first: float | None = None

    def _rounds(self, pictures: Sequence[Picture]) -> int:
        """Return how often all images of a run are sent, so that there are `repeat` requests."""
        return -(-self._workload.repeat // len(pictures))

    def run(self, name: str, pictures: Sequence[Picture]) -> Run:
        """Send the images of a run in turn, and return the times of all rounds but the first ones.

        In a run of several images, each request has another size than the one before.
        """
        samples: dict[str, list[Sample]] = defaultdict(list)
        for number in range(WARM_UP + self._rounds(pictures)):
            for picture in pictures:
                replies = round_of(self._function, picture, self._workload.prompts, self._done)
                for kind, reply in replies:
                    self.first = self.first or reply.milliseconds
                    if number >= WARM_UP:
                        samples[kind].append(Sample.of(reply))
                self._done += 1
                self._counter.show(self._done, self._count)
        timings = tuple(Timing.of(kind, found) for kind, found in samples.items())
        return Run(name, tuple((it.width, it.height) for it in pictures), timings)


def _device(function: FunctionProcess) -> str:
    """Return the runtime and the device, from the function's first log line."""
    return function.log[0].split(": ", 2)[-1].split("; ")[0]
