"""Images of a dataset, each sent to a detector."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from builder.evaluation.measure import Sample, Task, Unanswered
from builder.run.function import Function
from builder.run.judge.detector import judge
from builder.run.predict.files import pixels_of
from runtimes.arrays import Size, size_of
from runtimes.errors import BadRequest

LOWEST = 0.001
"""Confidence threshold that is sent, so that the curves are complete. CVAT never sends 0."""

_THRESHOLD = 0.5
"""Threshold at which a function without one is measured."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The confidence thresholds of an evaluation.

    Attributes:
        lowest: the one that is sent to the function.
        counted: the one at which precision, recall and F1 hold: the function's own, or the lowest
            if the own is below it.
        own: the function's own; None if it has none.
    """

    lowest: float
    counted: float
    own: float | None

    @classmethod
    def of(cls, own: float | None, lowest: float | None) -> Self:
        """Return the thresholds from the function's own and from the value of --threshold."""
        asked = LOWEST if lowest is None else lowest
        return cls(asked, max(_THRESHOLD if own is None else own, asked), own)

    def text(self) -> str:
        """Return which threshold `counted` is, for a note."""
        value = f"{self.counted:g}"
        if self.own is None:
            return f"the threshold {value}; the function has none of its own"
        if self.counted > self.own:
            return f"this confidence; the function's own threshold, {self.own:g}, is lower"
        return f"its own threshold, {value}"


class DetectorMeasure:
    """The part of a detector's measure that asks for each image of a dataset; see Measure.

    Args:
        task: what is measured.
        threshold: the confidence threshold to send; None sends none.
    """

    def __init__(self, task: Task, threshold: float | None) -> None:
        self._task = task
        self._sent = threshold

    def __len__(self) -> int:
        """See Measure."""
        return len(self._task.dataset)

    def samples(self) -> Iterator[Sample]:
        """See Measure."""
        for image in self._task.dataset:
            yield Sample(image.name, (image,), {"threshold": self._sent})

    def ask(self, function: Function, sample: Sample) -> object:
        """See Measure and ask_detector."""
        return ask_detector(function, sample, self._sent)


def ask_detector(function: Function, sample: Sample, threshold: float | None) -> dict[str, Any]:
    """Send an image to a detector.

    The answer is the same for all measures, which share the store.

    Args:
        function: the detector.
        sample: one image.
        threshold: the threshold to send; None sends none.

    Returns:
        {"size": [height, width], "items": [...]}; each item has a confidence.

    Raises:
        Unanswered, BuiltError: see Measure.ask.
    """
    try:
        data = sample.images[0].file.read_bytes()
    except OSError as error:
        raise Unanswered(f"cannot be read: {error.strerror or error}", skipped=True) from error
    reply = function(data, **({} if threshold is None else {"threshold": threshold}))
    # With `on_bad_image: empty`, a file that is not an image gets the reply of an empty image.
    size = size_of_file(data)
    if reply.status != 200:
        raise Unanswered(f"status {reply.status}: {reply.text[:300]}")
    faults = judge(reply.body, function.labels)
    if faults:
        raise Unanswered(f"invalid reply: {faults[0]}")
    if any(item.get("confidence") is None for item in reply.body):
        raise Unanswered("invalid reply: an item has no confidence")
    return {"size": size, "items": reply.body}


def size_of_file(data: bytes) -> Size:
    """Return height and width of an image file.

    Raises:
        Unanswered: it cannot be decoded.
    """
    try:
        return size_of(pixels_of(data))
    except BadRequest as error:
        raise Unanswered(f"cannot be decoded: {error}", skipped=True) from error
