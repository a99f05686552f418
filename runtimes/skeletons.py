"""Skeletons, bound to the labels' sublabels."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from runtimes.arrays import Size
from runtimes.classes import Joints
from runtimes.instances import Instances, keypoints_of
from runtimes.step import Fraction, Item, Shape


@dataclass(frozen=True, slots=True)
class Skeletons(Shape):
    """The manifest's `skeleton` step, bound to the labels: one skeleton for each matching label.

    Attributes:
        joints: the skeleton labels.
        threshold: see shapes.keypoints.Skeleton.
    """

    joints: tuple[Joints, ...]
    threshold: Fraction = 0.5

    label_type: ClassVar[str] = "skeleton"

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. Skeletons whose points are all outside are dropped, as in CVAT."""
        points = keypoints_of(instances, "skeleton")
        count = points.shape[1]
        if not count:
            return  # a second model that was not run on any instance
        for joints in self.joints:
            joints.check(count)
        places = points[..., :2].round(2).tolist()
        hidden = (points[..., 2] < self.threshold).tolist()
        for number, kind in enumerate(instances.classes.tolist()):
            for joints in self.joints:
                if kind not in joints.classes:
                    continue
                elements = [
                    {
                        "label": name,
                        "type": "points",
                        "points": places[number][point],
                        "outside": hidden[number][point],
                    }
                    for name, point in joints.points.items()
                ]
                if not all(element["outside"] for element in elements):
                    label = {"label": joints.label + self.suffix} if joints.label else {}
                    yield number, {**label, "type": "skeleton", "elements": elements}
