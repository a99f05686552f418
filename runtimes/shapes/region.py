"""Masks, polygons and polylines: shapes for an instance's pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import orjson

from runtimes import rle
from runtimes.arrays import Array, Size
from runtimes.contours import outlines
from runtimes.instances import Instances, masks_of
from runtimes.masks import Crop
from runtimes.rotated import corners
from runtimes.step import Capability, Item, Limits, Shape

Tolerance = Annotated[float, Limits(least=0, most=100)]
Area = Annotated[float, Limits(least=0)]

LEAST_EXTENT = 1.0
"""The least width or height of a polygon, polyline or skeleton that CVAT's page accepts, in pixels
(since February 2025; before, it was an area of 9 pixels)."""


def crops(instances: Instances, size: Size, step: str) -> Iterator[tuple[int, Crop]]:
    """Yield the index and the mask of each instance whose mask is not empty.

    Args:
        instances: in pixels of the image.
        size: height and width of the image.
        step: the name of the step that draws them, for messages.

    Raises:
        BadModel: the decoder provides no masks.
    """
    masks = masks_of(instances, step)
    for number, box in enumerate(instances.boxes):
        crop = masks.crop(number, box, size)
        if crop is not None:
            yield number, crop


def visible(points: list[float]) -> bool:
    """Return whether points x, y, x, y, ... extend over at least 1 pixel in width or height.

    CVAT's page accepts no smaller polygons, polylines and skeletons.
    """
    return float(np.ptp(np.array(points).reshape(-1, 2), axis=0).max()) >= LEAST_EXTENT


def flat(ring: Array) -> list[float]:
    """Return (P, 2) points as CVAT's x, y, x, y, ..., rounded to a hundredth of a pixel."""
    points: list[float] = ring.reshape(-1).round(2).tolist()
    return points


@dataclass(frozen=True, slots=True)
class Mask(Shape):
    """Draw the instance's mask.

    Example:
        - mask: {epsilon: 1.5}
    """

    encoding: Literal["pixels", "rle"] = "pixels"
    """`pixels`: each pixel of the mask's box, and a polygon for the option 'Convert masks to
    polygons'; the format that CVAT's server reads from detectors. `rle`: CVAT's run-length
    encoding, for clients that use its SDK."""
    epsilon: Tolerance = 0.75
    """Maximum distance of the mask's polygon from the mask's boundary, in pixels."""

    label_type: ClassVar[str] = "mask"
    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. Empty masks are not drawn: CVAT cannot open a job that has one."""
        for number, crop in crops(instances, size, self.name()):
            if self.encoding == "rle":
                points = rle.encode(crop.bitmap, crop.left, crop.top)
                yield number, {"type": "mask", "points": points}
                continue
            rings = outlines(crop.bitmap, crop.left, crop.top, self.epsilon, holes=False, most=1)
            polygon = {"points": flat(rings[0].ring)} if rings else {}
            yield number, {"type": "mask", "mask": orjson.Fragment(_pixels(crop)), **polygon}


_ZERO = int.from_bytes(b"0,", "little")
"""A digit and a comma as one number, to which a pixel is added. A mask is written by one addition,
which takes a hundredth of the time of a list of integers."""


def _pixels(crop: Crop) -> bytes:
    """Return a mask as JSON in the format that CVAT's server reads from detectors.

    The JSON is a list of the 0s and 1s of the mask's box, row by row, then left, top, right and
    bottom (inclusive).
    """
    height, width = crop.bitmap.shape
    box = (crop.left, crop.top, crop.left + width - 1, crop.top + height - 1)
    digits = np.add(crop.bitmap, _ZERO, dtype="<u2").data
    return b"".join([b"[", digits, ",".join(map(str, box)).encode(), b"]"])


@dataclass(frozen=True, slots=True)
class Polygon(Shape):
    """Draw a polygon: the outline of the instance's mask, or the corners of its oriented box.

    Example:
        - polygon: {epsilon: 1.5, parts: all, holes: true}
    """

    epsilon: Tolerance = 0.75
    """Maximum distance of the polygon from the mask's boundary, in pixels. Larger values give fewer
    points."""
    parts: Literal["largest", "all"] = "largest"
    """Components to draw of a mask with several connected components: the `largest`, or `all`, each
    as a polygon."""
    holes: bool = False
    """Cut out holes by a seam from the outer boundary, because CVAT's polygons have no holes. By
    default, holes are filled."""
    min_area: Area = 1.0
    """Minimum area of a component in square pixels. CVAT itself asks for 1 pixel in width or
    height."""

    label_type: ClassVar[str] = "polygon"
    needs: ClassVar[frozenset[Capability]] = frozenset({"masks", "oriented"})

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape."""
        if instances.masks is None and instances.rotated is not None:
            for number, ring in enumerate(corners(instances.rotated)):
                points = flat(ring)
                if visible(points):
                    yield number, {"type": "polygon", "points": points}
            return
        for number, crop in crops(instances, size, self.name()):
            most = 1 if self.parts == "largest" else None
            bitmap, left, top = crop.bitmap, crop.left, crop.top
            for outline in outlines(bitmap, left, top, self.epsilon, self.holes, most):
                points = flat(outline.ring)
                if outline.area >= self.min_area and visible(points):
                    yield number, {"type": "polygon", "points": points}


@dataclass(frozen=True, slots=True)
class Polyline(Shape):
    """Draw a closed polyline around the instance's mask or its oriented box.

    Example:
        - polyline: 1.5
    """

    epsilon: Tolerance = 0.75
    """Maximum distance of the polyline from the mask's boundary, in pixels."""

    label_type: ClassVar[str] = "polyline"
    needs: ClassVar[frozenset[Capability]] = frozenset({"masks", "oriented"})

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape."""
        for number, item in Polygon(self.epsilon)(instances, size):
            points = item["points"]
            yield number, {"type": "polyline", "points": [*points, *points[:2]]}
