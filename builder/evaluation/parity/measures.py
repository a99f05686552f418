"""What is measured on two items of a pair, and the limits of the differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from builder.diagnostics.errors import CommandLineError
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import did_you_mean
from builder.evaluation.parity.item import Item
from builder.evaluation.parity.pairing import iou
from runtimes.arrays import Array

_RELATIVE = 0.01
"""Difference of two numbers in attributes, relative to the numbers from 1, that is none."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that describes how two items differ.

    Attributes:
        title: what it is, with its unit.
        tolerance: the name of its limit on the command line.
        limit: the default limit.
        is_iou: whether the least value is the worst one, not the greatest.
    """

    title: str
    tolerance: str
    limit: float
    is_iou: bool = False

    def is_within(self, value: float) -> bool:
        """Return whether a value is within the limit."""
        return value >= self.limit if self.is_iou else value <= self.limit

    def badness(self, value: float) -> float:
        """Return how bad a value is, relative to the limit: 1 at the limit, 0 for no difference."""
        if self.is_iou:
            return (1 - value) / max(1 - self.limit, 1e-6)
        return value / max(self.limit, 1e-6)


MEASURES: Mapping[str, Measure] = {
    "score": Measure("confidence", "score", 0.01),
    "box": Measure("box corners, pixels", "px", 0.5),
    "rotated": Measure("IoU of rotated boxes", "iou", 0.98, is_iou=True),
    "mask": Measure("IoU of masks", "iou", 0.98, is_iou=True),
    "polygon": Measure("IoU of polygons", "iou", 0.95, is_iou=True),
    "keypoint": Measure("keypoints, pixels", "px", 0.5),
    "points": Measure("points, pixels", "px", 0.5),
}
"""Name -> measure of two items of a pair. Polygons are simplified, which enlarges differences."""

COUNTS: Mapping[str, str] = {
    "unmatched": "unmatched items",
    "visibility": "keypoints visible on one side only",
    "attributes": "attributes that differ",
}
"""Name -> title of a number of differences; also the name of its limit, which is 0 by default."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The differences that are accepted.

    Attributes:
        measures: as MEASURES, with the limits to apply.
        counts: name of COUNTS -> greatest number.
    """

    measures: Mapping[str, Measure]
    counts: Mapping[str, int]

    @property
    def score(self) -> float:
        """The limit of the difference of two confidences."""
        return self.measures["score"].limit


def limits_of(options: Sequence[str]) -> Limits:
    """Return the limits with those changed that --tolerance names.

    Args:
        options: such as `px=0.5`.

    Raises:
        CommandLineError: an option has another form, an unknown name or an invalid number.
    """
    measures, counts = dict(MEASURES), dict.fromkeys(COUNTS, 0)
    names = (*dict.fromkeys(it.tolerance for it in measures.values()), *counts)
    for option in options:
        name, equals, text = option.partition("=")
        value = _number(text)
        if not equals or name not in names or value is None:
            what = "--tolerance needs a name and a number"
            allowed = f"NAME=NUMBER; names: {', '.join(names)}"
            hint = did_you_mean(name, names) if name not in names else "for example px=0.5"
            raise CommandLineError(Problem(what, found=option, allowed=allowed, hint=hint))
        if name == "iou" and value > 1:
            what = "--tolerance iou is the least IoU"
            raise CommandLineError(Problem(what, found=option, allowed="0 to 1"))
        if name in counts:
            if value != int(value):
                what = f"--tolerance {name} is a number of differences"
                raise CommandLineError(Problem(what, found=option, allowed="a whole number"))
            counts[name] = int(value)
        for key, measure in measures.items():
            if measure.tolerance == name:
                measures[key] = replace(measure, limit=value)
    return Limits(measures, counts)


def _number(text: str) -> float | None:
    """Return a finite number from 0, or None for another text."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


@dataclass(frozen=True, slots=True)
class Difference:
    """How the two items of a pair differ.

    Attributes:
        values: name of MEASURES -> value; only those that apply to the items.
        counts: name of COUNTS -> number.
    """

    values: Mapping[str, float]
    counts: Mapping[str, int]


def difference(one: Item, other: Item) -> Difference:
    """Measure how two items of the same form differ."""
    counts: dict[str, int] = {"attributes": _attributes(one, other)}
    if one.visible is not None and other.visible is not None:
        counts["visibility"] = int((one.visible != other.visible).sum())
    return Difference(dict(_values(one, other)), counts)


def _values(one: Item, other: Item) -> Iterator[tuple[str, float]]:
    """Yield the measures that apply to two items of the same form."""
    if one.confidence is not None and other.confidence is not None:
        yield "score", abs(one.confidence - other.confidence)
    if one.form == "box":
        yield "box", _corner_gap(one.points, other.points)
        if one.rotated or other.rotated:
            yield "rotated", iou(one, other)
    elif one.form == "region":
        name = "mask" if one.type == other.type == "mask" else "polygon"
        yield name, iou(one, other)
    elif one.form == "points":
        yield "points", _point_gap(one.points, other.points)
    elif one.visible is not None and other.visible is not None:
        both = one.visible & other.visible
        if both.any():
            gaps = np.linalg.norm(one.points - other.points, axis=1)
            yield "keypoint", float(gaps[both].max())


def _corner_gap(one: Array, other: Array) -> float:
    """Return the largest difference of a coordinate of two boxes, (4, 2) x y each.

    Rotated boxes may start at another corner.
    """
    gaps = [np.abs(one - np.roll(other, turn, axis=0)).max() for turn in range(4)]
    return float(min(gaps))


def _point_gap(one: Array, other: Array) -> float:
    """Return the largest distance of two points, or the Hausdorff distance of unequal numbers."""
    if len(one) == len(other):
        return float(np.linalg.norm(one - other, axis=1).max(initial=0))
    gaps = np.linalg.norm(one[:, None] - other[None, :], axis=2)
    return float(max(gaps.min(axis=0).max(), gaps.min(axis=1).max()))


def _attributes(one: Item, other: Item) -> int:
    """Return the number of attributes that differ; 0 if one side does not know them."""
    if one.attributes is None or other.attributes is None:
        return 0
    names = {*one.attributes, *other.attributes}
    return sum(not _is_same(one.attributes.get(name), other.attributes.get(name)) for name in names)


def _is_same(one: str | None, other: str | None) -> bool:
    """Return whether two values are equal, as texts or nearly as numbers."""
    if one == other or one is None or other is None:
        return one == other
    try:
        first, second = float(one), float(other)
    except ValueError:
        return False
    return abs(first - second) <= _RELATIVE * max(1.0, abs(first), abs(second))
