"""Commands of other programs, which are shown before they run."""

import re
import shlex
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from builder.diagnostics.errors import DeployError
from builder.diagnostics.problem import Problem

_LINES = 400
"""Lines of a program's output that are kept."""

_SECONDS_TO_EXIT = 10.0
"""Time that an interrupted program gets to exit before it is killed."""

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
"""A color of a terminal, which nuctl writes also to files."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments, which no shell interprets.

    Attributes:
        words: the program's name on the PATH, and its arguments.
    """

    words: tuple[str, ...]

    def __str__(self) -> str:
        """Return the command as it would be typed in a shell."""
        return shlex.join(self.words)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a command.

    Attributes:
        status: the exit status.
        output: the last lines of its output, or all of stdout if it was read silently.
    """

    status: int
    output: str


class Runner:
    """Runs commands, and shows each one first.

    Args:
        show: receives the command and the lines of its output.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def read(self, command: Command) -> Result:
        """Run a command that changes nothing, and return its output without showing it.

        Raises:
            DeployError: the program does not exist or cannot be run.
        """
        self._show(f"$ {command}")
        with _started(command, subprocess.DEVNULL) as process:
            assert process.stdout
            output = process.stdout.read()
        return Result(process.returncode, output)

    def run(self, command: Command) -> Result:
        """Run a command, and show its output while it runs.

        Raises:
            DeployError: the program does not exist or cannot be run.
        """
        self._show(f"$ {command}")
        kept: deque[str] = deque(maxlen=_LINES)
        with _started(command, subprocess.STDOUT) as process:
            for line in _lines(process.stdout):
                kept.append(line)
                self._show(f"  {line}")
        return Result(process.returncode, "\n".join(kept))

    @contextmanager
    def background(self, command: Command) -> Iterator[Iterator[str]]:
        """Run a command until the `with` block ends.

        Yields:
            The lines of its output.

        Raises:
            DeployError: the program does not exist or cannot be run.
        """
        self._show(f"$ {command}")
        with _started(command, subprocess.STDOUT) as process:
            try:
                yield _lines(process.stdout)
            finally:
                _end(process)


@contextmanager
def _started(command: Command, errors: int) -> Iterator["subprocess.Popen[str]"]:
    """Start a command, and end it if the `with` block raises, for example after Ctrl-C."""
    program = command.words[0]
    path = shutil.which(program)
    if path is None:
        raise DeployError(Problem(f"{program} is not on the PATH", hint="run `cvatbuild doctor`"))
    try:
        process = subprocess.Popen(  # noqa: S603
            [path, *command.words[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            errors="replace",
        )
    except OSError as error:
        what = f"{program} cannot be run: {error.strerror or error}"
        raise DeployError(Problem(what, hint="run `cvatbuild doctor`")) from error
    with process:
        try:
            yield process
        except BaseException:
            _end(process)
            raise


def _end(process: "subprocess.Popen[str]") -> None:
    """End a program that may still run."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        process.wait(_SECONDS_TO_EXIT)
    except subprocess.TimeoutExpired:
        process.kill()


def _lines(stream: IO[str] | None) -> Iterator[str]:
    """Yield the lines of a stream without colors and other control characters."""
    for line in stream or ():
        plain = _COLOR.sub("", line.rstrip())
        yield "".join(it for it in plain if it.isprintable() or it == "\t")
