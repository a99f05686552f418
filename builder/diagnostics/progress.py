"""The progress of long operations, for whoever shows it."""

from contextlib import AbstractContextManager
from typing import Protocol


class Progress(Protocol):
    """Shows what takes long; the command line implements it."""

    def step(self, what: str) -> AbstractContextManager[object]:
        """Return a context in which `what` is done."""

    def bytes(self, done: int, total: int | None) -> None:
        """Report how many bytes of a download are done; `total` is None if it is unknown."""
