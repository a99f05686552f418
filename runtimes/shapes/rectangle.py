"""Rectangles."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from runtimes.instances import Instances
from runtimes.step import Item, Shape


@dataclass(frozen=True, slots=True)
class Rectangle(Shape):
    """An upright rectangle: the instance's box."""

    label_type: ClassVar[str] = "rectangle"

    def __call__(self, instances: Instances) -> Iterator[tuple[int, Item]]:
        """See Shape. Corners are rounded to a thousandth of a pixel."""
        for number, points in enumerate(instances.boxes.round(3).tolist()):
            yield number, {"type": "rectangle", "points": points}
