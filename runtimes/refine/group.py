"""A step that says which instances belong together."""

from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.step import Fraction, Refine


@dataclass(frozen=True, slots=True)
class Group(Refine):
    """Put an instance in one group with what it lies in: a face with its person.

    An instance belongs to the smallest larger one of another class that holds most of its box.

    Example:
        - group: 0.7
    """

    inside: Fraction = 0.8
    """How much of its box, as a fraction, must lie in the other's."""

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
    """For each number the last of the chain of its holders; nothing holds itself but the last."""
    while True:
        further = holders[holders]
        if (further == holders).all():
            return holders
        holders = further
