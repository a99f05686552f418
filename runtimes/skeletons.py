"""Skeletons: which of an instance's keypoints make which, and what CVAT draws of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from runtimes.arrays import Array, Size
from runtimes.classes import Joints
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.step import Fraction, Item, Shape


def keypoints_of(instances: Instances, step: str) -> Array:
    """(N, K, 3) keypoints.

    Raises:
        BadModel: the decoder gives none.
    """
    if instances.keypoints is None:
        raise BadModel(f"`{step}` needs keypoints, which the decoder of this model does not give")
    return instances.keypoints


@dataclass(frozen=True, slots=True)
class Skeletons(Shape):
    """The manifest's `skeleton`, brought together with the labels: an instance's skeletons."""

    joints: tuple[Joints, ...]
    threshold: Fraction = 0.5

    label_type: ClassVar[str] = "skeleton"

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. CVAT drops a skeleton of which every point is outside; so does this."""
        points = keypoints_of(instances, "skeleton")
        count = points.shape[1]
        if not count:
            return  # a second model had nothing to look at
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
