"""Rectangles and ellipses: shapes for boxes and oriented boxes."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import degrees
from typing import ClassVar

from runtimes.arrays import Size
from runtimes.instances import Instances
from runtimes.step import Item, Shape


def rotation(angle: float) -> float:
    """Convert an angle in radians to CVAT's degrees, 0 (inclusive) to 360 (exclusive)."""
    return round(degrees(angle) % 360, 3) % 360


@dataclass(frozen=True, slots=True)
class Rectangle(Shape):
    """Draw the instance's box as a rectangle, rotated if the model has oriented boxes.

    Example:
        - rectangle: {suffix: -box}
    """

    label_type: ClassVar[str] = "rectangle"

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. Corners are rounded to a thousandth of a pixel."""
        if instances.rotated is None:
            for number, points in enumerate(instances.boxes.round(3).tolist()):
                yield number, {"type": "rectangle", "points": points}
            return
        for number, (x, y, width, height, angle) in enumerate(instances.rotated.tolist()):
            corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            yield (
                number,
                {
                    "type": "rectangle",
                    "points": [round(value, 3) for value in corners],
                    "rotation": rotation(angle),
                },
            )


@dataclass(frozen=True, slots=True)
class Ellipse(Shape):
    """Draw an ellipse inscribed in the instance's box, rotated if the model has oriented boxes.

    Example:
        - ellipse: {suffix: -ellipse}
    """

    label_type: ClassVar[str] = "ellipse"

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. CVAT's points are the center, then the rightmost x and the topmost y."""
        if instances.rotated is None:
            for number, (x1, y1, x2, y2) in enumerate(instances.boxes.tolist()):
                points = ((x1 + x2) / 2, (y1 + y2) / 2, x2, y1)
                yield number, {"type": "ellipse", "points": [round(value, 3) for value in points]}
            return
        for number, (x, y, width, height, angle) in enumerate(instances.rotated.tolist()):
            points = (x, y, x + width / 2, y - height / 2)
            yield (
                number,
                {
                    "type": "ellipse",
                    "points": [round(value, 3) for value in points],
                    "rotation": rotation(angle),
                },
            )
