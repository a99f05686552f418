"""The interface of a comparison of detected with annotated shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from builder.datasets.annotation import Shape
from runtimes.arrays import Array, Size

Item = Mapping[str, Any]
"""An item of a detector's reply."""


@dataclass(frozen=True, slots=True)
class Form:
    """A shape to compare.

    Attributes:
        shape: in the form of the comparison.
        area: in pixels.
        ignored: it counts neither as found nor as missed.
    """

    shape: Any
    area: float
    ignored: bool = False


class Comparison(Protocol):
    """Compares the shapes of detections with those of annotations."""

    @property
    def limit(self) -> int:
        """The most detections per label and image; those with the highest scores are kept."""

    @property
    def needs_size(self) -> bool:
        """Whether the size of the image must be known."""

    def truth(self, shape: Shape, label: str, area: float | None, size: Size) -> Form | None:
        """Return the shape of an annotation; None if it cannot be compared.

        Args:
            shape: the shape.
            label: the function's label that belongs to it; empty for an ignored region.
            area: see Annotation.area.
            size: height and width of the image; 0, 0 if they are not needed.
        """

    def found(self, item: Item, size: Size) -> Form | None:
        """Return the shape of a detection; None if it cannot be compared."""

    def overlaps(self, found: Sequence[Any], truth: Sequence[Any], crowd: Array) -> Array:
        """Return the IoU or OKS of each detection with each annotation, (D, G).

        Args:
            found: shapes of D detections.
            truth: shapes of G annotations.
            crowd: (G,) bool; with a crowd, the part of the detection inside of it.
        """

    def notes(self) -> tuple[str, ...]:
        """Return sentences about conventions that a reader of the figures must know."""
