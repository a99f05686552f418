"""Skeletons and points: shapes made of an instance's keypoints."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from runtimes.arrays import Array, Size
from runtimes.errors import BadModel
from runtimes.instances import Instances
from runtimes.step import Fraction, Item, Shape


def _keypoints(instances: Instances, step: str) -> Array:
    """(N, K, 3) keypoints.

    Raises:
        BadModel: the decoder gives none.
    """
    if instances.keypoints is None:
        raise BadModel(f"`{step}` needs keypoints, which the decoder of this model does not give")
    return instances.keypoints


@dataclass(frozen=True, slots=True)
class Skeleton(Shape):
    """A skeleton: every keypoint under its own name."""

    threshold: Fraction = 0.5
    """The score that a keypoint must reach; below it CVAT shows it as outside."""
    sublabels: tuple[str, ...] | None = None
    """The keypoints' names in the model's order. Default: the sublabels of the labels."""

    label_type: ClassVar[str] = "skeleton"

    def bind(self, sublabels: tuple[str, ...]) -> "Skeleton":
        """See Shape.bind."""
        names = self.sublabels or sublabels
        if not names:
            raise BadModel(
                "the keypoints have no names",
                where="sublabels",
                hint="give the label `sublabels`, in the model's order of keypoints",
            )
        return replace(self, sublabels=names)

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape. CVAT drops a skeleton of which every point is outside; so does this."""
        points, names = _keypoints(instances, self.name()), self.sublabels or ()
        if not points.shape[1]:
            return  # a second model had nothing to look at
        if points.shape[1] != len(names):
            raise BadModel(
                f"the model gives {points.shape[1]} keypoints, the labels name {len(names)}",
                found=", ".join(names),
            )
        for number, rows in enumerate(points.round(2).tolist()):
            outside = [score < self.threshold for _, _, score in rows]
            if all(outside):
                continue
            elements = [
                {"label": name, "type": "points", "points": [x, y], "outside": hidden}
                for name, (x, y, _), hidden in zip(names, rows, outside, strict=True)
            ]
            yield number, {"type": "skeleton", "elements": elements}


@dataclass(frozen=True, slots=True)
class Points(Shape):
    """The keypoints that can be seen, without names."""

    threshold: Fraction = 0.5
    """The score that a keypoint must reach to be drawn."""

    label_type: ClassVar[str] = "points"

    def __call__(self, instances: Instances, size: Size) -> Iterator[tuple[int, Item]]:
        """See Shape."""
        for number, rows in enumerate(_keypoints(instances, self.name()).round(2).tolist()):
            seen = [value for x, y, score in rows if score >= self.threshold for value in (x, y)]
            if seen:
                yield number, {"type": "points", "points": seen}
