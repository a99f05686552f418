"""Colors, line width and progress on a terminal.

Files, pipes and CI logs get none of them. NO_COLOR disables colors (https://no-color.org).
"""

import os
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from threading import Lock, Timer
from time import monotonic
from typing import Literal, TextIO, TypeAlias

Color: TypeAlias = Literal["red", "green", "yellow", "cyan", "bold"]
_CODES: dict[Color, str] = {
    "red": "31;1",
    "green": "32",
    "yellow": "33;1",
    "cyan": "36",
    "bold": "1",
}

_INTERVAL = 0.5
"""Seconds between two changes of a counter."""

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
"""The header of a hunk of a unified diff: its numbers of old and new lines, 1 if omitted."""
_CONTENT: dict[str, Color] = {"-": "red", "+": "green"}
"""First character of a content line -> its color."""


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether `stream` is a terminal. A closed standard stream is None."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, color: Color, stream: TextIO | None) -> str:
    """Return a text in a color, or unchanged if `stream` shows no colors."""
    if not is_terminal(stream) or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_CODES[color]}m{text}\x1b[0m"


def width(stream: TextIO | None) -> int | None:
    """Return the characters per line of a terminal, at least 40; None for other streams."""
    return max(40, shutil.get_terminal_size().columns) if is_terminal(stream) else None


def paint_diff(text: str, stream: TextIO | None) -> str:
    """Return a unified diff with removed lines in red and added lines in green.

    A removed line `-- x` looks like the header of a file, so the numbers in `@@ -1,3 +1,2 @@`
    decide which lines are content. Format: the GNU diff manual, "Detailed Description of Unified
    Format".
    """
    painted = []
    old = new = 0
    for line in StringIO(text):
        color: Color | None = None
        if old > 0 or new > 0:
            color = _CONTENT.get(line[0])
            old -= line[0] in "- "
            new -= line[0] in "+ "
        elif hunk := _HUNK.match(line):
            color = "cyan"
            old, new = (int(count or 1) for count in hunk.groups())
        elif line.startswith(("--- ", "+++ ")):
            color = "bold"
        body = line.rstrip("\n")
        painted.append(paint(body, color, stream) + line[len(body) :] if color else line)
    return "".join(painted)


class Progress:
    """A progress line on a terminal, shown for a step that takes longer than a delay."""

    def __init__(self, stream: TextIO, delay: float = 1.0) -> None:
        """Create a progress line; nothing is written before a step begins.

        Args:
            stream: the stream to write to, usually stderr.
            delay: seconds before a step is shown.
        """
        self._stream = stream
        self._delay = delay
        self._lock = Lock()
        self._what = ""
        self._late = False

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show `what` while the block runs, after the delay; clear the line when it ends."""
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
        """Show how much of a download is done; see builder.diagnostics.progress."""
        share = f" of {total / 2**20:.0f}" if total else ""
        with self._lock:
            if self._late:
                self._write(f"{self._what}: {done / 2**20:.0f}{share} MiB")

    def _is_late(self) -> None:
        """Show the current step; called after the delay."""
        with self._lock:
            if self._what:
                self._late = True
                self._write(f"{self._what} ...")

    def _write(self, text: str) -> None:
        """Replace the line by `text`."""
        room = (width(self._stream) or 80) - 1
        self._stream.write(f"\r\x1b[K{text[:room]}")
        self._stream.flush()


_WINDOW = 30.0
"""Seconds over which the speed is measured."""

_LINE_SECONDS = 10.0
"""Seconds between two lines where no line can be replaced."""


class Counter:
    """How much of a long run is done, with speed and time left; see builder.diagnostics.progress.

    On a terminal, a line is replaced; other streams get a line every ten seconds.
    """

    def __init__(
        self,
        stream: TextIO,
        what: str = "",
        clock: Callable[[], float] = monotonic,
        noun: str = "images",
    ) -> None:
        """Create a counter.

        Args:
            stream: the stream to write to, usually stderr.
            what: the beginning of the line.
            clock: time in seconds.
            noun: what is counted, in the plural.
        """
        self._stream = stream
        self._what = what
        self._noun = noun
        self._clock = clock
        self._is_terminal = is_terminal(stream)
        self._seen = deque([(clock(), 0)])
        self._shown = clock()
        self._done = self._total = 0

    def show(self, done: int, total: int, stored: int = 0) -> None:
        """See builder.diagnostics.progress.Counter. The speed is that of this run."""
        self._done, self._total = done, total
        now, own = self._clock(), done - stored
        if not own:
            self._seen = deque([(now, 0)])
        if now - self._shown < (_INTERVAL if self._is_terminal else _LINE_SECONDS):
            return
        self._shown = now
        self._seen.append((now, own))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        (before, fewer), share = self._seen[0], done / max(total, 1)
        speed = (own - fewer) / (now - before) if own else 0
        left = f", {duration((total - done) / speed)} left" if speed > 0 else ""
        head = f"{self._what}: " if self._what else ""
        text = f"{head}{done} of {total} {self._noun} ({share:.0%})"
        text += f", {stored} stored" if stored else ""
        text += f", {speed:.1f} {self._noun}/s{left}" if own else ""
        if self._is_terminal:
            room = (width(self._stream) or 80) - 1
            self._stream.write(f"\r\x1b[K{text[:room]}")
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """See builder.diagnostics.progress.Counter."""
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def stopped(self) -> None:
        """Print how much was done when the user stopped the run."""
        done = f"after {self._done} of {self._total} {self._noun}"
        after = done if self._done else "at the beginning"
        self._stream.write(f"stopped {after}; the same command continues\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """Return a duration as hours, minutes and seconds: `1:02:03`, or `2:03` below an hour."""
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
