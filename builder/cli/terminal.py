"""What is only for a person at a terminal: colours, its width, and a line about what takes long.

Files, pipes and CI logs get none of it. NO_COLOR switches colours off (https://no-color.org).
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import StringIO
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

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
"""The head of a piece of a unified diff: how many old and new lines it has, 1 where not said."""
_CONTENT: dict[str, Colour] = {"-": "red", "+": "green"}
"""The first character of a line of content -> its colour."""

Step: TypeAlias = Callable[[str], AbstractContextManager[object]]
"""Called with what is being done, it gives a context to do it in."""


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person is looking at what is written to `stream`; None is one that was closed."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: Colour, stream: TextIO | None) -> str:
    """Text in a colour, where `stream` shows colours and the person wants them."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m"


def width(stream: TextIO | None) -> int | None:
    """How many characters fit in a line of a terminal; None for what is none."""
    return max(40, shutil.get_terminal_size().columns) if is_terminal(stream) else None


def paint_diff(text: str, stream: TextIO | None) -> str:
    """A unified diff with what goes in red and what comes in green.

    A removed line `-- x` looks like the head of a file, so it is the numbers in `@@ -1,3 +1,2 @@`
    that say which lines are content. Format: the GNU diff manual, "Detailed Description of Unified
    Format".
    """
    painted = []
    old = new = 0
    for line in StringIO(text):
        colour: Colour | None = None
        if old > 0 or new > 0:
            colour = _CONTENT.get(line[0])
            old -= line[0] in "- "
            new -= line[0] in "+ "
        elif hunk := _HUNK.match(line):
            colour = "cyan"
            old, new = (int(count or 1) for count in hunk.groups())
        elif line.startswith(("--- ", "+++ ")):
            colour = "bold"
        body = line.rstrip("\n")
        painted.append(paint(body, colour, stream) + line[len(body) :] if colour else line)
    return "".join(painted)


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
        """Say how far a download is; see builder.model.download.Progress."""
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
