"""Polygons and masks: IoU of their pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.datasets.annotation import (
    Annotation,
    Ellipse,
    LabeledImage,
    Mask,
    Polygons,
    Rectangle,
    Shape,
)
from builder.evaluation.comparison import Form
from builder.evaluation.detection import DetectionMeasure
from builder.evaluation.measure import Measure, Task
from builder.evaluation.overlap import (
    Rle,
    coco_masks,
    mask_area,
    mask_ious,
    rle_of_bitmap,
    rle_of_rings,
)
from builder.evaluation.shapes import bitmap_of, rings_of
from builder.run.draw import ring_of
from runtimes.arrays import Array, Size

NAME = "masks"
"""See Kind."""

TYPE = "detector"
"""See Kind."""

LABELS: frozenset[str] = frozenset({"ellipse", "mask", "polygon"})
"""See Kind."""

NEEDS = "masks, polygons or ellipses"
"""See Kind."""


def compares(annotation: Annotation) -> bool:
    """See Kind."""
    return isinstance(annotation.shape, Polygons | Mask | Ellipse)


def fits(task: Task, first: Sequence[LabeledImage]) -> bool:
    """See Kind: labels of the function and annotations with outlines."""
    outlined = any(compares(it) for image in first for it in image.annotations)
    return outlined and bool(task.types() & LABELS)


def start(task: Task) -> Measure:
    """See Kind."""
    coco_masks()
    return DetectionMeasure(task, Masks())


class Masks:
    """See Comparison. Polygons and ellipses are drawn as COCO draws polygons.

    A rectangle is not the outline of an object, so only ignored regions may be rectangles.
    """

    limit = 100
    needs_size = True

    def truth(self, shape: Shape, label: str, area: float | None, size: Size) -> Form | None:
        """See Comparison."""
        if isinstance(shape, Rectangle) and label:
            return None
        if isinstance(shape, Mask):
            rle = rle_of_bitmap(shape.bitmap, shape.left, shape.top, size)
        else:
            rings = rings_of(shape)
            if not rings:
                return None
            rle = rle_of_rings([ring.ravel().tolist() for ring in rings], size)
        return Form(rle, mask_area(rle) if area is None else area)

    def found(self, item: Mapping[str, Any], size: Size) -> Form | None:
        """See Comparison."""
        if item["type"] == "mask":
            rle = rle_of_bitmap(*bitmap_of(item), size)
        elif item["type"] in ("polygon", "ellipse"):
            rle = rle_of_rings([ring_of(dict(item)).ravel().tolist()], size)
        else:
            return None
        return Form(rle, mask_area(rle))

    def overlaps(self, found: Sequence[Rle], truth: Sequence[Rle], crowd: Array) -> Array:
        """See Comparison."""
        return mask_ious(found, truth, crowd)

    def notes(self) -> tuple[str, ...]:
        """See Comparison."""
        return ()
