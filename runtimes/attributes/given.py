"""Attributes that are not read from the model's outputs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from runtimes.arrays import Array
from runtimes.instances import Instances
from runtimes.step import Attribute, Count, InputType


@dataclass(frozen=True, slots=True)
class ConstantAttribute(Attribute):
    """Set an attribute to the same text for each instance, such as the name of the model.

    Example:
        - constant_attribute: {attribute: source, value: my-model v3}
    """

    attribute: str
    """Name of the attribute in CVAT."""
    value: str
    """Value of the attribute."""

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "text", (self.value,)

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        return instances.with_attribute(self.attribute, np.full(len(instances), self.value))


@dataclass(frozen=True, slots=True)
class ScoreAttribute(Attribute):
    """Store the confidence as an integer attribute, because CVAT does not store it otherwise.

    Example:
        - score_attribute: confidence
    """

    attribute: str = "score"
    """Name of the attribute in CVAT."""
    scale: Count = 100
    """Value of the attribute for a confidence of 1."""

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "number", ("0", str(self.scale), "1")

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        values = (instances.scores * self.scale).round().astype(int).clip(0, self.scale)
        return instances.with_attribute(self.attribute, values.astype(str))
