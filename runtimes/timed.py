"""Masks whose computation is a stage of the request's clock."""

from dataclasses import dataclass, replace

from runtimes.arrays import Array, Size
from runtimes.clock import Clock
from runtimes.geometry import Geometry
from runtimes.instances import Instances
from runtimes.masks import Crop, Masks


@dataclass(frozen=True, slots=True)
class TimedMasks:
    """Masks that are computed as other masks, within the stage `masks`; see Masks.

    Shapes compute the masks one at a time while they draw them, so no other place can measure it.
    """

    masks: Masks
    clock: Clock

    def take(self, index: Array) -> "TimedMasks":
        """See Masks.take."""
        return replace(self, masks=self.masks.take(index))

    def to_image(self, geometry: Geometry) -> "TimedMasks":
        """See Masks.to_image."""
        return replace(self, masks=self.masks.to_image(geometry))

    def crop(self, number: int, box: Array, size: Size) -> Crop | None:
        """See Masks.crop."""
        with self.clock.stage("masks"):
            return self.masks.crop(number, box, size)


def timed(instances: Instances, clock: Clock) -> Instances:
    """Return instances whose masks, if they have any, are measured."""
    if instances.masks is None:
        return instances
    return replace(instances, masks=TimedMasks(instances.masks, clock))
