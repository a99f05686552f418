"""The sum of the differences over all images."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from builder.evaluation.parity.item import Item, forms_of
from builder.evaluation.parity.measures import COUNTS, Limits, difference
from builder.evaluation.parity.pairing import LEAST_IOU, overlaps, pair

MOST_WORST = 5
"""Number of images that are named as the worst."""

MOST_UNMATCHED = 20
"""Number of unmatched items that are listed."""

_WORTH_NAMING = 0.1
"""Least difference of an image that is named as one of the worst, relative to the limits."""

_FAILED = 1e6
"""Badness of an image that one side cannot answer."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An item that only one side has.

    Attributes:
        image: name of the image.
        side: 0 or 1.
        label, confidence: of the item.
        margin: how far the confidence is above the threshold; None if either is not known.
        at_threshold: whether the margin is within the limit of the confidence, so that the other
            side may have dropped the item.
        other_label: label of an unmatched item of the other side at the same place; empty if there
            is none.
    """

    image: str
    side: int
    label: str
    confidence: float | None
    margin: float | None
    at_threshold: bool
    other_label: str


@dataclass(slots=True)
class Sum:
    """All values of a measure.

    Attributes:
        count, total: number and sum of the values.
        worst: the worst value.
        image: the image with the worst value; empty if there is no difference at all.
    """

    count: int = 0
    total: float = 0.0
    worst: float = 0.0
    image: str = ""

    @property
    def mean(self) -> float:
        """The mean of the values; there is at least one."""
        return self.total / self.count


@dataclass(slots=True)
class Tally:
    """The differences of all images so far. Its size does not depend on the number of images.

    Attributes:
        limits: the differences that are accepted.
        threshold: the confidence threshold of both sides; None if it is not known.
        images: number of images that both sides have answered.
        items: number of items of each side.
        pairs: number of pairs.
        types: for each side: label -> the shape types of its items.
        sums: name of a measure -> its values.
        counts: name of COUNTS -> number of differences. Items at the threshold do not count.
        at_threshold: number of unmatched items at the threshold.
        unmatched: the first MOST_UNMATCHED of them, those at the threshold last.
        failures: number of images that a side could not answer.
        first_failure: why it could not answer the first of them.
    """

    limits: Limits
    threshold: float | None = None
    images: int = 0
    items: list[int] = field(default_factory=lambda: [0, 0])
    pairs: int = 0
    types: tuple[dict[str, set[str]], ...] = field(default_factory=lambda: ({}, {}))
    sums: dict[str, Sum] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    at_threshold: int = 0
    unmatched: list[Unmatched] = field(default_factory=list)
    failures: int = 0
    first_failure: str = ""
    _worst: list[tuple[float, int, str]] = field(default_factory=list)

    def add_failure(self, image: str, reason: str) -> None:
        """Add an image that a side could not answer."""
        self.failures += 1
        self.first_failure = self.first_failure or f"{image}: {reason}"
        self._rank(image, _FAILED)

    def add(self, image: str, one: Sequence[Item], other: Sequence[Item]) -> None:
        """Add the items that both sides give for an image."""
        self.images += 1
        for side, items in enumerate((one, other)):
            self.items[side] += len(items)
            for item in items:
                self.types[side].setdefault(item.label, set()).add(item.type)
        pairing = pair(one, other)
        self.pairs += len(pairing.pairs)
        badness = 0.0
        for first, second, _ in pairing.pairs:
            badness = max(badness, self._add_pair(image, one[first], other[second]))
        badness += self._add_unmatched(image, (one, other), pairing.only)
        self._rank(image, badness)

    @property
    def is_within(self) -> bool:
        """Whether all differences are within the limits, and all images were answered."""
        return (
            not self.failures
            and all(self.counts[name] <= most for name, most in self.limits.counts.items())
            and all(
                self.limits.measures[name].is_within(it.worst) for name, it in self.sums.items()
            )
        )

    def other_types(self) -> list[tuple[str, str]]:
        """Return the types of both sides for labels whose items cannot be paired, sorted.

        Items of different forms are not paired; see builder.evaluation.parity.item.Form.
        """
        one, other = self.types
        return sorted(
            {
                (" and ".join(sorted(types)), " and ".join(sorted(other[label])))
                for label, types in one.items()
                if label in other and forms_of(types).isdisjoint(forms_of(other[label]))
            }
        )

    def worst_images(self) -> list[str]:
        """Return the images that differ most, the worst first; see _WORTH_NAMING."""
        ranked = sorted(self._worst, reverse=True)
        return [image for badness, _, image in ranked if badness >= _WORTH_NAMING]

    def _add_pair(self, image: str, one: Item, other: Item) -> float:
        """Add a pair; return its badness."""
        found = difference(one, other)
        badness = 0.0
        for name, value in found.values.items():
            measure = self.limits.measures[name]
            badness = max(badness, measure.badness(value))
            kept = self.sums.setdefault(name, Sum())
            if not kept.count or measure.badness(value) > measure.badness(kept.worst):
                kept.worst, kept.image = value, image if measure.badness(value) else ""
            kept.count += 1
            kept.total += value
        for name, number in found.counts.items():
            self.counts[name] += number
            badness += number
        return badness

    def _add_unmatched(
        self, image: str, items: tuple[Sequence[Item], ...], only: tuple[tuple[int, ...], ...]
    ) -> float:
        """Add the items without a partner; return their badness."""
        alone = [[items[side][it] for it in only[side]] for side in (0, 1)]
        allowed = np.array(
            [[a.form == b.form != "tag" for b in alone[1]] for a in alone[0]], bool
        ).reshape(len(alone[0]), len(alone[1]))
        ious = overlaps(alone[0], alone[1], allowed)
        badness = 0.0
        for side, shared in ((0, ious), (1, ious.T)):
            for number, item in enumerate(alone[side]):
                row = shared[number]
                near = bool(len(row)) and float(row.max()) >= LEAST_IOU
                other = alone[1 - side][int(row.argmax())].label if near else item.label
                found = self._unmatched(image, side, item, other)
                self.at_threshold += found.at_threshold
                self.counts["unmatched"] += not found.at_threshold
                badness += 0.5 if found.at_threshold else 10
                self._list(found)
        return badness

    def _unmatched(self, image: str, side: int, item: Item, other_label: str) -> Unmatched:
        """Describe an item without a partner."""
        margin = None
        if item.confidence is not None and self.threshold is not None:
            margin = item.confidence - self.threshold
        near = margin is not None and margin <= self.limits.score
        # Two items of one label and one place are an object that one side has twice.
        other = other_label if other_label != item.label else ""
        return Unmatched(image, side, item.label, item.confidence, margin, near, other)

    def _list(self, found: Unmatched) -> None:
        """List an unmatched item, if there is room."""
        self.unmatched.append(found)
        self.unmatched.sort(key=lambda it: it.at_threshold)
        del self.unmatched[MOST_UNMATCHED:]

    def _rank(self, image: str, badness: float) -> None:
        """Keep an image if it is among the worst; the first of equal ones."""
        heapq.heappush(self._worst, (badness, -self.images - self.failures, image))
        if len(self._worst) > MOST_WORST:
            heapq.heappop(self._worst)
