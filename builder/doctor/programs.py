"""Running other programs, which may be missing or broken, or may hang."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Output:
    """The result of a program.

    Attributes:
        status: its exit status; negative if a signal ended it.
        out, err: the text of its stdout and stderr.
    """

    status: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The line that most likely states the error."""
        lines = [line.strip() for line in (self.err + "\n" + self.out).splitlines()]
        lines = [line for line in lines if line]
        # Docker warns about an unreadable configuration before it prints the error.
        telling = [line for line in lines if not line.lower().startswith("warning")]
        return next(iter(telling or lines), f"exit status {self.status}")


class ProgramError(Exception):
    """A program cannot be run, or does not end in time; the text states which."""


class ProgramNotFound(ProgramError):
    """The program does not exist."""


def run_program(
    program: str,
    *arguments: str,
    seconds: float = 15,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Output:
    """Run a program, without a shell and with a limit on its time.

    Args:
        program: its path, or its name on the PATH.
        arguments: its arguments.
        seconds: the time after which it is stopped.
        cwd: the directory to run it in.
        env: environment variables to add to those of this process.

    Raises:
        ProgramNotFound: the program does not exist.
        ProgramError: it cannot be run, or exceeds the time.
    """
    path = shutil.which(program)
    if path is None:
        raise ProgramNotFound(f"{program} is not on the PATH")
    try:
        done = subprocess.run(  # noqa: S603
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            cwd=cwd,
            env={**os.environ, **(env or {})},
        )
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{program} does not respond within {seconds:g} s") from None
    except OSError as error:
        raise ProgramError(f"{program} cannot be run: {error.strerror or error}") from error
    return Output(done.returncode, done.stdout, done.stderr)
