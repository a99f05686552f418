"""The result of an evaluation, for the table, --json, --fail-under, --compare and the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = float | int | str | None
"""A cell; None if the figure is not defined, such as the precision of a class that is not found."""


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of several rows, such as one row per class.

    Attributes:
        key: key in the JSON object, such as `per_class`.
        title: heading for people.
        columns: keys of the columns after the first one, such as `map50_95`.
        rows: name of the row -> its cells.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: points from left to right."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with axes from 0 to 1."""

    title: str
    x_title: str
    y_title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A confusion matrix.

    Attributes:
        title: heading, which states the IoU and the confidence.
        truth: names of the rows: labels of the dataset; the last one may be `nothing`.
        found: names of the columns: labels of the function; the last one may be `nothing`.
        counts: one row per name of `truth`.
    """

    title: str
    truth: tuple[str, ...]
    found: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A sample to show in the report.

    Attributes:
        index: number of the sample among those that were added, from 0.
        score: from 0 (worst) to 1 (best).
        note: what is right and wrong in it, such as `3 found, 1 missed`.
        match: for a query of ReID, the number of its annotation in the sample, and of the sample
            and the annotation that were found.
    """

    index: int
    score: float
    note: str
    match: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast the function answers; replies from the store count with the time they took.

    Attributes:
        requests: number of requests.
        milliseconds: duration of the handler's call, the median and the 95th percentile of the
            samples' means.
        images_per_second: 1000 / median, for one worker.
    """

    requests: int
    milliseconds: tuple[float, float]
    images_per_second: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample without a usable reply: its name and the reason.

    Attributes:
        skipped: its image cannot be read or decoded, so it is left out of all figures. Otherwise
            the function failed, and the sample counts as one in which nothing was found.
    """

    name: str
    reason: str
    skipped: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The figures of a measure.

    Attributes:
        metrics: name -> value, such as `map50`; None if it is not defined. `--fail-under` and
            `--compare` use them, and the JSON object has them as keys.
        tables: further figures.
        charts: the curves of the report.
        confusions: confusion matrices of the report.
        worst, best: the samples that the report shows.
        notes: sentences for people: conventions and what was left out.
    """

    metrics: Mapping[str, float | None]
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    worst: tuple[Example, ...] = ()
    best: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A pair of pictures of the report.

    Attributes:
        name: the image's name.
        note: what is right and wrong in it.
        truth: JPEG with the annotations; for ReID the query.
        found: JPEG with the detections; for ReID the nearest entry.
    """

    name: str
    note: str
    truth: bytes
    found: bytes


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluated variant of a function.

    Attributes:
        function: the function's directory, as the user named it.
        variant: the variant that ran.
        device: what the function says about its device.
        dataset: the dataset, as the user named it.
        measure: name of the measure, such as `boxes`.
        samples: number of samples, failed and skipped ones included.
        result: the figures.
        notes: sentences for people about labels, the device and the measure.
        speed: None if no request was answered.
        failures: the first samples without a usable reply.
        failed, skipped: number of samples of each sort; see Failure.
        worst, best: pictures for the report, if they were asked for.
    """

    function: str
    variant: str
    device: str
    dataset: str
    measure: str
    samples: int
    result: Result
    notes: tuple[str, ...]
    speed: Speed | None
    failures: tuple[Failure, ...]
    failed: int
    skipped: int
    worst: tuple[Picture, ...] = ()
    best: tuple[Picture, ...] = ()

    def used(self) -> str:
        """Return how many samples the figures are from, such as `20`, or `13 of 20`."""
        used = self.samples - self.skipped
        return f"{used} of {self.samples}" if self.skipped else str(used)
