"""Run a function on a dataset: ask for what the store lacks, and score every answer."""

from array import array
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from builder.diagnostics.errors import BuiltError, DatasetError
from builder.diagnostics.problem import Problem
from builder.diagnostics.progress import Counter
from builder.evaluation.evaluation import Failure, Speed
from builder.evaluation.measure import Measure, Sample, Unanswered
from builder.evaluation.store import Store, Stored, key_of
from builder.run.function import Function, Reply
from runtimes.arrays import Array

_LISTED = 1000
"""Failures of which the names are kept; all are counted."""


@dataclass(frozen=True, slots=True)
class Collected:
    """What happened while the answers were collected.

    Attributes:
        samples: number of samples, failed and skipped ones included.
        speed: None if no sample was answered.
        failures: the first failures.
        failed: number of samples without a usable reply.
        skipped: places of the skipped samples, in ascending order; see Failure.
    """

    samples: int
    speed: Speed | None
    failures: tuple[Failure, ...]
    failed: int
    skipped: Sequence[int]

    def place(self, index: int) -> int:
        """Return the place of a sample among all samples from its place among the added ones."""
        for skipped in self.skipped:
            index += skipped <= index
        return index


class _Timed(Function):
    """A function that counts its requests and adds up their time."""

    def __init__(self, function: Function) -> None:
        self._function = function
        self.requests = 0
        self.milliseconds = 0.0

    @property
    def type(self) -> str:
        """See Function.type."""
        return self._function.type

    @property
    def labels(self) -> list[dict[str, Any]]:
        """See Function.labels."""
        return self._function.labels

    @property
    def annotations(self) -> Mapping[str, str]:
        """See Function.annotations."""
        return self._function.annotations

    def send(self, body: object, content_type: str) -> Reply:
        """See Function.send."""
        reply = self._function.send(body, content_type)
        self.requests += 1
        self.milliseconds += reply.milliseconds
        return reply

    def examine(self, image: bytes) -> dict[str, Array]:
        """See Function.examine."""
        start = perf_counter()
        arrays = self._function.examine(image)
        self.requests += 1
        self.milliseconds += (perf_counter() - start) * 1000
        return arrays


def collect(function: Function, measure: Measure, store: Store, counter: Counter) -> Collected:
    """Ask the function for the answers that the store lacks, and score all of them in order.

    Args:
        function: the function.
        measure: receives the answers.
        store: the answers of earlier runs; new ones are added.
        counter: shows the progress.

    Raises:
        BuiltError: the function's process ends, or its handler raises an exception.
        DatasetError: the dataset is invalid, or no sample can be scored.
        OutputError: the store cannot be used.
    """
    total = len(measure)
    failures: list[Failure] = []
    failed = 0
    skipped = array("q")
    # One float per sample, which is less than a megabyte for 100,000 samples.
    times = array("d")
    requests = done = 0
    with closing(counter):
        for sample in measure.samples():
            try:
                stored = _answer(function, measure, store, sample)
            except Unanswered as reason:
                if len(failures) < _LISTED:
                    failures.append(Failure(sample.name, str(reason), reason.skipped))
                if reason.skipped:
                    skipped.append(done)
                else:
                    failed += 1
                    measure.add(sample, None)
            else:
                measure.add(sample, stored.answer)
                requests += stored.requests
                if stored.requests:
                    times.append(stored.milliseconds / stored.requests)
            done += 1
            counter.show(done, total, store.hits)
    if done == len(skipped):
        raise DatasetError(
            Problem(
                f"none of the {done} images can be used"
                if done
                else "there is nothing to evaluate",
                found=f"{failures[0].name}: {failures[0].reason}" if failures else "",
            )
        )
    if done == len(skipped) + failed:
        first = next((it for it in failures if not it.skipped), failures[0])
        raise BuiltError(
            Problem("the function answered no image", found=f"{first.name}: {first.reason}")
        )
    return Collected(done, _speed(times, requests), tuple(failures), failed, skipped)


def _answer(function: Function, measure: Measure, store: Store, sample: Sample) -> Stored:
    """Return the answer of a sample, from the store or from the function.

    Raises:
        Unanswered: see Measure.ask; or an image cannot be read.
        BuiltError: the function's process ends, or its handler raises an exception.
    """
    for image in sample.images:
        if image.fault:
            raise Unanswered(image.fault, skipped=True)
    try:
        key = key_of(sample)
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise Unanswered(reason, skipped=True) from error
    stored = store.get(key)
    if stored is not None:
        return stored
    timed = _Timed(function)
    try:
        answer = measure.ask(timed, sample)
    except BuiltError as error:
        raise BuiltError(
            *(replace(it, what=f"{it.what} (at {sample.name})") for it in error.problems)
        ) from error
    stored = Stored(answer, timed.requests, timed.milliseconds)
    store.put(key, stored)
    return stored


def _speed(times: "array[float]", requests: int) -> Speed | None:
    """Return the speed from the mean time per request of each sample, in milliseconds."""
    if not times:
        return None
    median, high = (float(it) for it in np.percentile(np.frombuffer(times), (50, 95)))
    return Speed(requests, (median, high), 1000 / median if median else 0.0)
