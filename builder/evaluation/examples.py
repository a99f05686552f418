"""The samples that a report shows: the worst and the best."""

import heapq

from builder.evaluation.evaluation import Example

MOST = 12
"""Number of examples of each sort."""

_Heap = list[tuple[tuple[float, float, int, int], Example]]


class Examples:
    """Keeps the worst of the flawed samples, and the best of the others."""

    def __init__(self) -> None:
        self._worst: _Heap = []
        self._best: _Heap = []
        self._count = 0

    def add(
        self,
        index: int,
        score: float,
        note: str,
        flawed: bool,
        weight: float = 0,
        match: tuple[int, int, int] | None = None,
    ) -> None:
        """Add a sample.

        Args:
            index: number of the sample, from 0.
            score: from 0 (worst) to 1 (best).
            note: what is right and wrong in it.
            flawed: whether it can be among the worst; otherwise it can be among the best.
            weight: decides between samples with the same score; the larger one is kept.
            match: see Example.
        """
        heap, sign = (self._worst, -1) if flawed else (self._best, 1)
        # The number of entries before it is unique, so that examples are never compared.
        self._count += 1
        order = (sign * score, weight, -index, -self._count)
        entry = (order, Example(index, score, note, match))
        (heapq.heappush if len(heap) < MOST else heapq.heappushpop)(heap, entry)

    @property
    def worst(self) -> tuple[Example, ...]:
        """The samples with the lowest scores, the worst first."""
        return tuple(it for _, it in sorted(self._worst, reverse=True))

    @property
    def best(self) -> tuple[Example, ...]:
        """The samples with the highest scores, the best first."""
        return tuple(it for _, it in sorted(self._best, reverse=True))
