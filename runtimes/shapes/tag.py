"""Tags: annotations of the whole image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from runtimes.arrays import Size
from runtimes.instances import Instances
from runtimes.step import Item, Shape


@dataclass(frozen=True, slots=True)
class Tag(Shape):
    """Tag the image with each class that was found.

    Example:
        - tag
    """

    label_type: ClassVar[str] = "tag"

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. Each class is tagged once, with its highest score."""
        seen: set[int] = set()
        for number, kind in enumerate(instances.classes.tolist()):
            if kind not in seen:
                seen.add(kind)
                yield number, {"type": "tag"}
