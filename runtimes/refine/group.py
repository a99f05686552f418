"""A step that groups instances."""

from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.step import Fraction, Refine


@dataclass(frozen=True, slots=True)
class Group(Refine):
    """Group each instance with the instance that contains it, such as a face with its person.

    The container is the smallest larger instance of another class that contains most of the box.

    Example:
        - group: 0.7
    """

    inside: Fraction = 0.8
    """Minimum fraction of the instance's box that must lie inside the container's box."""

    def __call__(self, instances: Instances) -> Instances:
        """See Refine; no instance is dropped."""
        count = len(instances)
        lows, highs = instances.boxes[:, :2], instances.boxes[:, 2:]
        areas = (highs - lows).clip(0).prod(axis=1)
        holders = np.arange(count)
        for number in range(count):
            sides = np.minimum(highs, highs[number]) - np.maximum(lows, lows[number])
            held = sides.clip(0).prod(axis=1) >= self.inside * areas[number]
            held &= (instances.classes != instances.classes[number]) & (areas > areas[number])
            if held.any():
                holders[number] = np.where(held, areas, np.inf).argmin()
        return replace(instances, groups=_outermost(holders))


def _outermost(holders: Array) -> Array:
    """Return the outermost holder of each index; an index without a holder is its own holder."""
    while True:
        further = holders[holders]
        if (further == holders).all():
            return holders
        holders = further
