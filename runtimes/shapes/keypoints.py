"""Skeletons and points: shapes for an instance's keypoints."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from runtimes.arrays import Size
from runtimes.classes import Joints
from runtimes.instances import Instances, keypoints_of
from runtimes.skeletons import Skeletons
from runtimes.step import Capability, Fraction, Item, Shape


@dataclass(frozen=True, slots=True)
class Skeleton(Shape):
    """Draw a skeleton: each keypoint is a sublabel of the instance's label.

    If the label has `skeletons`, draw one of each, under their names.

    Example:
        - skeleton: 0.3
    """

    threshold: Fraction = 0.5
    """Minimum confidence of a keypoint; below it, the keypoint is marked as outside."""

    label_type: ClassVar[str] = "skeleton"
    needs: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def bind(self, joints: tuple[Joints, ...]) -> Skeletons:
        """See Shape.bind."""
        return Skeletons(joints, self.threshold, suffix=self.suffix)


@dataclass(frozen=True, slots=True)
class Points(Shape):
    """Draw the visible keypoints as points, without names.

    Example:
        - points: 0.3
    """

    threshold: Fraction = 0.5
    """Minimum confidence of a keypoint; below it, the keypoint is not drawn."""

    label_type: ClassVar[str] = "points"
    needs: ClassVar[frozenset[Capability]] = frozenset({"keypoints"})

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape."""
        for number, points in enumerate(keypoints_of(instances, self.name())):
            seen = points[points[:, 2] >= self.threshold, :2]
            if len(seen):
                yield number, {"type": "points", "points": seen.round(2).ravel().tolist()}
