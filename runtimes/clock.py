"""Where the time of a request goes, and what else its line in the log is to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Clock:
    """Stage names and the milliseconds spent in each, in the order of their first use.

    Notes are what a stage has to say beside its time.
    """

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.notes: list[str] = []
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

    def note(self, text: str) -> None:
        """Have the request's line in the log say something more."""
        self.notes.append(text)

    def __str__(self) -> str:
        """One line: the notes, each stage, then all of it."""
        total = (perf_counter() - self._start) * 1000
        parts = [f"{name} {spent:.1f}" for name, spent in self.stages.items()]
        times = ", ".join([*parts, f"total {total:.1f} ms"])
        return "; ".join([*self.notes, times])
