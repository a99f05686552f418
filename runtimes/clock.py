"""Where the time of a request goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Clock:
    """Stage names and the milliseconds spent in each, in the order of their first use."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._start = perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the `with` block takes to stage `name`, also when it fails."""
        start = perf_counter()
        try:
            yield
        finally:
            spent = (perf_counter() - start) * 1000
            self.stages[name] = self.stages.get(name, 0.0) + spent

    def __str__(self) -> str:
        """One line: each stage, then all of it."""
        total = (perf_counter() - self._start) * 1000
        parts = [f"{name} {spent:.1f}" for name, spent in self.stages.items()]
        return ", ".join([*parts, f"total {total:.1f} ms"])
