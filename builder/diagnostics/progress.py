"""The progress of long operations, for whoever shows it."""

from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Shows what takes long; the command line implements it."""

    def step(self, what: str) -> AbstractContextManager[object]:
        """Return a context in which `what` is done."""

    def bytes(self, done: int, total: int | None) -> None:
        """Report how many bytes of a download are done; `total` is None if it is unknown."""


class Counter(Protocol):
    """Shows how much of a long run is done, such as images; the command line implements it."""

    def show(self, done: int, total: int, stored: int = 0) -> None:
        """Report that `done` of `total` images, samples or rounds are done.

        Args:
            done, total: their numbers.
            stored: how many of `done` come from an earlier run.
        """

    def close(self) -> None:
        """Remove the line from a terminal."""
