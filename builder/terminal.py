"""What is only for a person at a terminal: colours, its width, and a line about what takes long.

Files, pipes and CI logs get none of it. NO_COLOR switches colours off (https://no-color.org).
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock, Timer
from typing import Literal, TextIO, TypeAlias

Colour: TypeAlias = Literal["red", "green", "yellow", "cyan", "bold"]
_CODES: dict[Colour, str] = {
    "red": "31;1",
    "green": "32",
    "yellow": "33;1",
    "cyan": "36",
    "bold": "1",
}

Step: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""Called with what is being done, it gives a context to do it in."""


def is_terminal(stream: TextIO) -> bool:
    """Whether a person is looking at what is written to `stream`."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: Colour, stream: TextIO) -> str:
    """Text in a colour, where `stream` shows colours and the person wants them."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def width(stream: TextIO) -> int | None:
    """How many characters fit in a line of a terminal; None for what is none."""
    return max(40, shutil.get_terminal_size().columns) if is_terminal(stream) else None


def paint_diff(text: str, stream: TextIO) -> str:
    """A unified diff with what goes in red and what comes in green."""
    colours: dict[str, Colour] = {"---": "bold", "+++": "bold", "@@": "cyan"}
    colours |= {"-": "red", "+": "green"}
    lines = []
    for line in text.splitlines(keepends=True):
        colour = next((it for start, it in colours.items() if line.startswith(start)), None)
        body = line.rstrip("\n")
        lines.append(paint(body, colour, stream) + line[len(body) :] if colour else line)
    return "".join(lines)


class Progress:
    """A line that says what is being done, on a terminal, once it has taken a second."""

    def __init__(self, stream: TextIO, delay: float = 1.0) -> None:
        """Take note of where to write.

        Args:
            stream: stderr.
            delay: seconds before anything is said.
        """
        self._stream = stream
        self._delay = delay
        self._lock = Lock()
        self._what = ""
        self._late = False

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say `what` while the block takes long; the line is gone when it ends."""
        if not is_terminal(self._stream):
            yield
            return
        with self._lock:
            self._what, self._late = what, False
        timer = Timer(self._delay, self._is_late)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                if self._late:
                    self._write("")
                self._what, self._late = "", False

    def bytes(self, done: int, total: int | None) -> None:
        """Say how far a download is; see builder.download.Progress."""
        share = f" of {total / 2**20:.0f}" if total else ""
        with self._lock:
            if self._late:
                self._write(f"{self._what}: {done / 2**20:.0f}{share} MiB")

    def _is_late(self) -> None:
        """What is being done has taken long."""
        with self._lock:
            if self._what:
                self._late = True
                self._write(f"{self._what} ...")

    def _write(self, text: str) -> None:
        """Put `text` in place of the line."""
        room = (width(self._stream) or 80) - 1
        self._stream.write(f"\r\x1b[K{text[:room]}")
        self._stream.flush()
