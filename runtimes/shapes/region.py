"""Masks and polygons: shapes that follow an instance's pixels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import orjson

from runtimes import rle
from runtimes.arrays import Array, Size
from runtimes.contours import outlines
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.masks import Crop
from runtimes.rotated import corners
from runtimes.step import Capability, Item, Limits, Shape

Tolerance = Annotated[float, Limits(least=0, most=100)]
Area = Annotated[float, Limits(least=0)]


def crops(instances: Instances, size: Size, step: str) -> Iterator[tuple[int, Crop]]:
    """The masks of instances in the image, without those that are empty.

    Raises:
        BadModel: the decoder gives no masks.
    """
    if instances.masks is None:
        raise BadModel(f"`{step}` needs masks, which the decoder of this model does not give")
    for number, box in enumerate(instances.boxes):
        crop = instances.masks.crop(number, box, size)
        if crop is not None:
            yield number, crop


def flat(ring: Array) -> list[float]:
    """(P, 2) x y -> x, y, x, y, ..., rounded to a hundredth of a pixel."""
    points: list[float] = ring.reshape(-1).round(2).tolist()
    return points


@dataclass(frozen=True, slots=True)
class Mask(Shape):
    """A mask: the instance's pixels.

    Example:
        - mask: {epsilon: 1.5}
    """

    encoding: Literal["pixels", "rle"] = "pixels"
    """`pixels` is what CVAT's servers read from a detector: every pixel of the mask's box, and a
    polygon beside it for the switch 'convert masks to polygons'. `rle` is CVAT's run-length
    encoding, for readers that use its SDK."""
    epsilon: Tolerance = 0.75
    """How far, in pixels, the polygon beside the mask may stray from its boundary."""

    label_type: ClassVar[str] = "mask"
    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. An empty mask yields nothing: CVAT cannot open a job that has one."""
        for number, crop in crops(instances, size, self.name()):
            if self.encoding == "rle":
                points = rle.encode(crop.bitmap, crop.left, crop.top)
                yield number, {"type": "mask", "points": points}
                continue
            rings = outlines(crop.bitmap, crop.left, crop.top, self.epsilon, holes=False)
            beside = {"points": flat(rings[0].ring)} if rings else {}
            yield number, {"type": "mask", "mask": orjson.Fragment(_pixels(crop)), **beside}


def _pixels(crop: Crop) -> bytes:
    """JSON of a mask as CVAT's servers read it, written a hundred times faster than by a list.

    Returns:
        The 0s and 1s of the mask's box, row by row, then left, top, right, bottom (inclusive).
    """
    height, width = crop.bitmap.shape
    text = np.full(2 * height * width, ord(","), np.uint8)
    text[::2] = crop.bitmap.reshape(-1) + ord("0")
    box = (crop.left, crop.top, crop.left + width - 1, crop.top + height - 1)
    return b"[" + text.tobytes() + ",".join(map(str, box)).encode() + b"]"


@dataclass(frozen=True, slots=True)
class Polygon(Shape):
    """A polygon: the outline of the instance's pixels, or the corners of its oriented box.

    Example:
        - polygon: {epsilon: 1.5, parts: all, holes: true}
    """

    epsilon: Tolerance = 0.75
    """How far, in pixels, the polygon may stray from the mask's boundary. More means fewer
    points."""
    parts: Literal["largest", "all"] = "largest"
    """What to do with a mask in several parts: draw the `largest`, or `all`, each as a polygon."""
    holes: bool = False
    """Cut holes out, by a seam from the outer boundary. CVAT's polygons have no holes of their
    own; without this they are filled."""
    min_area: Area = 9.0
    """The least area, in square pixels, of a part. CVAT lets nobody draw less than 9."""

    label_type: ClassVar[str] = "polygon"
    needs: ClassVar[frozenset[Capability]] = frozenset({"masks", "oriented"})

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape."""
        if instances.masks is None and instances.rotated is not None:
            for number, ring in enumerate(corners(instances.rotated)):
                yield number, {"type": "polygon", "points": flat(ring)}
            return
        for number, crop in crops(instances, size, self.name()):
            rings = outlines(crop.bitmap, crop.left, crop.top, self.epsilon, self.holes)
            for outline in rings[:1] if self.parts == "largest" else rings:
                if outline.area >= self.min_area:
                    yield number, {"type": "polygon", "points": flat(outline.ring)}


@dataclass(frozen=True, slots=True)
class Polyline(Shape):
    """A closed line around the instance's pixels, or around its oriented box.

    Example:
        - polyline: 1.5
    """

    epsilon: Tolerance = 0.75
    """How far, in pixels, the line may stray from the mask's boundary."""

    label_type: ClassVar[str] = "polyline"
    needs: ClassVar[frozenset[Capability]] = frozenset({"masks", "oriented"})

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape."""
        for number, item in Polygon(self.epsilon)(instances, size):
            points = item["points"]
            yield number, {"type": "polyline", "points": [*points, *points[:2]]}
