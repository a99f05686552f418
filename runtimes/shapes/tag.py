"""Tags: what is said of the whole image."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from runtimes.arrays import Size
from runtimes.instances import Instances
from runtimes.step import Item, Shape


@dataclass(frozen=True, slots=True)
class Tag(Shape):
    """A tag of the image: that there is such an instance, not where.

    Example:
        - tag
    """

    label_type: ClassVar[str] = "tag"

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. A class that was found more than once is told once, with its best score."""
        seen: set[int] = set()
        for number, kind in enumerate(instances.classes.tolist()):
            if kind not in seen:
                seen.add(kind)
                yield number, {"type": "tag"}
