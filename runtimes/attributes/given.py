"""Attributes that need nothing but what is known already."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.step import Attribute, Count, InputType


@dataclass(frozen=True, slots=True)
class ConstantAttribute(Attribute):
    """The same text for every instance, such as who drew it.

    Example:
        - constant_attribute: {attribute: source, value: my-model v3}
    """

    attribute: str
    """The attribute's name in CVAT."""
    value: str
    """Its value."""

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "text", (self.value,)

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        return instances.with_attribute(self.attribute, np.full(len(instances), self.value))


@dataclass(frozen=True, slots=True)
class ScoreAttribute(Attribute):
    """The score as a whole number, for people to sort by: CVAT itself ignores scores.

    Example:
        - score_attribute: confidence
    """

    attribute: str = "score"
    """The attribute's name in CVAT."""
    scale: Count = 100
    """What a score of 1 becomes."""

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "number", ("0", str(self.scale), "1")

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        values = (instances.scores * self.scale).round().astype(int).clip(0, self.scale)
        return instances.with_attribute(self.attribute, values.astype(str))
