"""Steps that clean masks: small components, holes, ragged edges."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import cv2
import numpy as np

from runtimes.arrays import Array, Size
from runtimes.geometry import Geometry
from runtimes.instances import Instances, masks_of
from runtimes.masks import Crop, Masks, tight
from runtimes.step import Capability, Count, Limits, Refine

Change = Callable[[Array], Array]
"""A function from a bitmap, (h, w) uint8 of 0 and 1, to another one of the same size."""


@dataclass(frozen=True, slots=True)
class CleanedMasks:
    """Masks that are cleaned when they are computed.

    Attributes:
        masks: the original masks.
        change: the change of each mask.
        margin: the width in pixels of the border around a mask that the change reads or sets.
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
        """See Masks.crop. The margin does not extend beyond the image."""
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
    """Return the instances with their masks changed.

    Raises:
        BadModel: they have no masks.
    """
    return replace(instances, masks=CleanedMasks(masks_of(instances, step), change, margin))


@dataclass(frozen=True, slots=True)
class LargestComponent(Refine):
    """Keep only the largest connected component of each mask.

    Example:
        - largest_component
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances) -> Instances:
        """See Refine. Pixels that touch at a corner are connected."""
        return _cleaned(instances, self.name(), _largest, 0)


@dataclass(frozen=True, slots=True)
class FillHoles(Refine):
    """Fill small holes in each mask.

    Example:
        - fill_holes: 100
    """

    area: Count = 100
    """Maximum area of a hole to fill, in pixels."""

    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances) -> Instances:
        """See Refine. The background is 4-connected: holes that touch at a corner are separate."""
        return _cleaned(instances, self.name(), lambda bitmap: _filled(bitmap, self.area), 0)


@dataclass(frozen=True, slots=True)
class Smooth(Refine):
    """Smooth the edges of each mask. Parts thinner than the radius may disappear.

    Example:
        - smooth: 2
    """

    radius: Annotated[int, Limits(least=1, most=100)] = 3
    """Radius of the neighborhood that decides whether a pixel belongs to the mask, in pixels."""

    needs: ClassVar[frozenset[Capability]] = frozenset({"masks"})

    def __call__(self, instances: Instances) -> Instances:
        """See Refine. A pixel is set if most of its neighborhood, weighted by distance, is set."""
        return _cleaned(
            instances, self.name(), lambda bitmap: _smoothed(bitmap, self.radius), self.radius
        )


def _largest(bitmap: Array) -> Array:
    """Return the largest component of a bitmap; the first of equally large ones."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bitmap, connectivity=8)
    if count <= 2:
        return bitmap
    return np.asarray(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax(), np.uint8)


def _filled(bitmap: Array, area: int) -> Array:
    """Return a bitmap without its holes of up to `area` pixels."""
    outside = np.pad(bitmap, 1)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - outside, connectivity=4)
    filled = stats[:, cv2.CC_STAT_AREA] <= area
    # The component at the corner is the background around the mask; label 0 is the mask itself.
    filled[[0, labels[0, 0]]] = False
    return (outside | filled[labels].astype(np.uint8))[1:-1, 1:-1] if count > 2 else bitmap


def _smoothed(bitmap: Array, radius: int) -> Array:
    """Threshold the Gaussian blur of a bitmap at 0.5; its border is repeated beyond the image."""
    side = 2 * radius + 1
    blurred = cv2.GaussianBlur(
        bitmap.astype(np.float32), (side, side), radius / 2, borderType=cv2.BORDER_REPLICATE
    )
    return (blurred > 0.5).astype(np.uint8)
