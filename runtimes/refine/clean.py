"""Steps that clean masks: of stray parts, of holes, of ragged edges."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np

from runtimes.arrays import Array, Size
from runtimes.errors import BadModel
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import Crop, Masks, tight
from runtimes.step import Capability, Count, Limits, Refine

Change = Callable[[Array], Array]
"""From a bitmap, (h, w) uint8 of 0 and 1, to another one of the same size."""


@dataclass(frozen=True, slots=True)
class CleanedMasks:
    """Masks that are changed when they are looked at.

    Attributes:
        masks: what they are before.
        change: what is done to the pixels of each.
        margin: how many pixels around a mask the change needs, or may set.
    """

    masks: Masks
    change: Change
    margin: int

    def take(self, index: Array) -> "CleanedMasks":
        """See Masks.take."""
        return replace(self, masks=self.masks.take(index))

    def to_image(self, geometry: Geometry) -> "CleanedMasks":
        """See Masks.to_image."""
        return replace(self, masks=self.masks.to_image(geometry))

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """See Masks.crop. The margin ends where the image does."""
        crop = self.masks.crop(number, box, size)
        if crop is None:
            return None
        height, width = crop.bitmap.shape
        left, top = min(self.margin, crop.left), min(self.margin, crop.top)
        right = min(self.margin, size[1] - crop.left - width)
        bottom = min(self.margin, size[0] - crop.top - height)
        around = np.pad(crop.bitmap, ((top, bottom), (left, right)))
        return tight(self.change(around), crop.left - left, crop.top - top)


def _cleaned(instances: Instances, step: str, change: Change, margin: int) -> Instances:
    """The same instances with their masks changed.

    Raises:
        BadModel: they have none.
    """
    if instances.masks is None:
        raise BadModel(f"`{step}` needs masks, which the decoder of this model does not give")
    return replace(instances, masks=CleanedMasks(instances.masks, change, margin))


@dataclass(frozen=True, slots=True)
class LargestComponent(Refine):
    """Keep only the largest connected part of each mask.

    Example:
        - largest_component
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances) -> Instances:
        """See Refine. Pixels that touch at a corner are connected."""
        return _cleaned(instances, self.name(), _largest, 0)


@dataclass(frozen=True, slots=True)
class FillHoles(Refine):
    """Fill the holes of each mask, unless they are large.

    Example:
        - fill_holes: 100
    """

    area: Count = 100
    """The most pixels of a hole that is filled."""

    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances) -> Instances:
        """See Refine. A hole is what no way without a diagonal step leads out of."""
        return _cleaned(instances, self.name(), lambda bitmap: _filled(bitmap, self.area), 0)


@dataclass(frozen=True, slots=True)
class Smooth(Refine):
    """Round off the edges of each mask; parts that are thinner than the radius may vanish.

    Example:
        - smooth: 2
    """

    radius: Annotated[int, Limits(least=1, most=100)] = 3
    """How far around, in pixels, a pixel looks to decide whether it belongs to the mask."""

    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances) -> Instances:
        """See Refine. A pixel stays, or comes, where most of what is around it is set."""
        return _cleaned(
            instances, self.name(), lambda bitmap: _smoothed(bitmap, self.radius), self.radius
        )


def _largest(bitmap: Array) -> Array:
    """The largest of the parts of a bitmap; of equal ones the first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bitmap, connectivity=8)
    if count <= 2:
        return bitmap
    return np.asarray(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax(), np.uint8)


def _filled(bitmap: Array, area: int) -> Array:
    """A bitmap without its holes of up to `area` pixels."""
    outside = np.pad(bitmap, 1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - outside, connectivity=4)
    filled = stats[:, cv2.CC_STAT_AREA] <= area
    # The background's part at the corner is what is around; label 0 is the mask itself.
    filled[[0, labels[0, 0]]] = False
    return (outside | filled[labels].astype(np.uint8))[1:-1, 1:-1] if count > 2 else bitmap


def _smoothed(bitmap: Array, radius: int) -> Array:
    """A bitmap of what a Gaussian blur leaves above a half; beyond the image its edge goes on."""
    side = 2 * radius + 1
    blurred = cv2.GaussianBlur(
        bitmap.astype(np.float32), (side, side), radius / 2, borderType=cv2.BORDER_REPLICATE
    )
    return (blurred > 0.5).astype(np.uint8)
