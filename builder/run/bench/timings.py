"""Times of requests: samples, their median and 95th percentile, and tables of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean, median
from typing import Any

from builder.run.function import Reply

OTHER = "other"
"""The part of a request outside all stages: validation, the log, the response object."""

STAGES = (
    "look up",
    "base64",
    "image decode",
    "template",
    "preprocess",
    "inference",
    "decode",
    "refine",
    "second models",
    "crops",
    "crop inference",
    "decoder",
    "decoder inference",
    "match",
    "masks",
    "shapes",
    "serialize",
    OTHER,
)
"""The stages in the order of tables and pictures; runtimes.clock describes them."""

_WIDTH = 10
"""Width of a column of numbers."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The times of one request, in milliseconds.

    Attributes:
        stages: stage -> time. Their sum is the total.
        total: the time of the handler's call.
    """

    stages: Mapping[str, float]
    total: float

    @classmethod
    def of(cls, reply: Reply) -> "Sample":
        """Return the times of a reply."""
        rest = reply.milliseconds - sum(reply.stages.values())
        return cls({**reply.stages, OTHER: rest}, reply.milliseconds)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile of several times, in milliseconds."""

    median: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of at least one value. The percentile is of the nearest rank."""
        return cls(median(values), sorted(values)[ceil(0.95 * len(values)) - 1])

    def as_dict(self) -> dict[str, float]:
        """Return the two numbers for JSON, to a tenth of a microsecond."""
        return {"median": round(self.median, 4), "p95": round(self.p95, 4)}


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of requests of one kind, such as `first click`.

    Attributes:
        name: the kind.
        requests: number of requests.
        stages: stage -> spread, in the order of STAGES.
        total: the spread of the totals. Medians of the stages do not add up to it.
        typical: stage -> mean over the middle half of the requests, by their totals. The means add
            up to the mean of these totals, and slow outliers do not change them.
    """

    name: str
    requests: int
    stages: Mapping[str, Spread]
    total: Spread
    typical: Mapping[str, float]

    @classmethod
    def of(cls, name: str, samples: Sequence[Sample]) -> "Timing":
        """Return the spreads of at least one sample. A stage counts 0 in samples without it."""
        seen = {stage for sample in samples for stage in sample.stages}
        stages = {
            stage: Spread.of([sample.stages.get(stage, 0.0) for sample in samples])
            for stage in sorted(seen, key=STAGES.index)
        }
        ordered = sorted(samples, key=lambda sample: sample.total)
        quarter = len(ordered) // 4
        middle = ordered[quarter : len(ordered) - quarter]
        typical = {it: fmean(sample.stages.get(it, 0.0) for sample in middle) for it in stages}
        total = Spread.of([sample.total for sample in samples])
        return cls(name, len(samples), stages, total, typical)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers for JSON."""
        stages = {stage: spread.as_dict() for stage, spread in self.stages.items()}
        return {"requests": self.requests, "stages": stages, "total": self.total.as_dict()}


def table(timings: Sequence[Timing]) -> list[str]:
    """Return the lines of a table: one row per stage, two columns per kind of request."""
    seen = {stage for timing in timings for stage in timing.stages}
    rows = [(it, [timing.stages.get(it) for timing in timings]) for it in STAGES if it in seen]
    rows.append(("total", [timing.total for timing in timings]))
    names = "".join(f"{timing.name:>{2 * _WIDTH}}" for timing in timings)
    head = f"{'median':>{_WIDTH}}{'p95':>{_WIDTH}}" * len(timings)
    wide = max(len(name) for name, _ in rows)
    lines = [f"{'ms':{wide}}{names}", f"{'':{wide}}{head}"]
    return [*lines, *(f"{name:{wide}}{_cells(spreads)}" for name, spreads in rows)]


def _cells(spreads: Iterable[Spread | None]) -> str:
    """Return the cells of a row; those of a stage that a kind of request lacks are empty."""
    return "".join(
        f"{it.median:{_WIDTH}.2f}{it.p95:{_WIDTH}.2f}" if it else " " * 2 * _WIDTH for it in spreads
    )
