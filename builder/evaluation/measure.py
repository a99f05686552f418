"""The interface of a measure: what is asked of a function, and how its answers are scored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from builder.datasets.annotation import Annotation, LabeledImage
from builder.datasets.dataset import Dataset
from builder.evaluation.evaluation import Result
from builder.evaluation.label_map import LabelMap
from builder.manifest.function_type import FunctionType
from builder.run.function import Function


@dataclass(frozen=True, slots=True)
class Task:
    """What is evaluated.

    Attributes:
        labels: CVAT's label specification of the function, one object per label.
        annotations: the texts that CVAT reads, by key; see Function.annotations.
        threshold: the function's default threshold; None if it has none.
        dataset: the labeled images.
        label_map: which label of the dataset is which label of the function.
        lowest: the confidence threshold to send to a detector; None for the measure's own.
        sigma: the sigma of OKS for all keypoints; None for COCO's, where the names are COCO's.
    """

    labels: Sequence[Mapping[str, Any]]
    annotations: Mapping[str, str]
    threshold: float | None
    dataset: Dataset
    label_map: LabelMap
    lowest: float | None = None
    sigma: float | None = None

    def types(self) -> set[str]:
        """Return CVAT's types of the labels that are compared."""
        names = self.label_map.names
        return {str(it.get("type", "any")) for it in self.labels if it["name"] in names}


@dataclass(frozen=True, slots=True)
class Sample:
    """The smallest part of a dataset that is asked and scored alone.

    Attributes:
        name: for messages; usually the image's name.
        images: the images that the answer depends on: one for a detector, all frames of a video for
            a tracker.
        prompt: whatever else the answer depends on, such as the threshold or the clicks, as
            JSON-like data. Stored answers are reused for equal images and equal prompts.
    """

    name: str
    images: tuple[LabeledImage, ...]
    prompt: object = None


class Unanswered(Exception):
    """A function gives no usable reply for a sample.

    Args:
        reason: one line for people.
        skipped: see Failure.
    """

    def __init__(self, reason: str, *, skipped: bool = False) -> None:
        super().__init__(reason)
        self.skipped = skipped


class Measure(Protocol):
    """Asks and scores the samples of one task, in order.

    `add` is called once for each sample, in the order of `samples`, after `ask` or with a stored
    answer. Memory must not grow with the number of samples: large lists belong into a temporary
    SQLite database, as in builder.evaluation.ranking.
    """

    def __len__(self) -> int:
        """Return the number of samples."""

    def samples(self) -> Iterator[Sample]:
        """Yield the samples in a fixed order.

        Raises:
            DatasetError: see Dataset.__getitem__.
        """

    def ask(self, function: Function, sample: Sample) -> object:
        """Send the requests of a sample, one or several, and return the answer as JSON-like data.

        Raises:
            Unanswered: an image cannot be decoded, or the function gives no usable reply.
            BuiltError: see Function.send.
        """

    def add(self, sample: Sample, answer: Any) -> None:
        """Score an answer.

        Args:
            sample: the sample.
            answer: what `ask` returned; None if the function failed. Skipped samples are not added.
        """

    def result(self) -> Result:
        """Return the figures of all samples that were added.

        The names of the metrics are the same if none was added.
        """


class Kind(Protocol):
    """A module with a measure, listed in builder.evaluation.registry."""

    @property
    def NAME(self) -> str:  # noqa: N802
        """The value of --measure, such as `boxes`."""

    @property
    def TYPE(self) -> FunctionType:  # noqa: N802
        """The type of the functions that it measures."""

    @property
    def LABELS(self) -> frozenset[str]:  # noqa: N802
        """CVAT's types of the labels that it compares; empty if the types do not matter."""

    @property
    def NEEDS(self) -> str:  # noqa: N802
        """The annotations that it compares, for messages, such as `masks or polygons`."""

    def compares(self, annotation: Annotation) -> bool:
        """Return whether an annotation is one of these."""

    def fits(self, task: Task, first: Sequence[LabeledImage]) -> bool:
        """Return whether this is the measure to use without --measure.

        Args:
            task: what is evaluated.
            first: the first images of the dataset that have annotations, at most 100.
        """

    def start(self, task: Task) -> Measure:
        """Return a measure without any samples.

        Raises:
            CvatbuildError: the task cannot be measured in this way.
        """
