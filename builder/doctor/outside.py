"""Asking other programs, which may be absent, broken or silent."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program said.

    Attributes:
        status: its exit status; negative where a signal ended it.
        out, err: what it wrote.
    """

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The line in which it most likely says what is wrong."""
        lines = [line.strip() for line in (self.err + "\n" + self.out).splitlines()]
        lines = [line for line in lines if line]
        # Docker warns of a configuration that it cannot read before it says what is the matter.
        telling = [line for line in lines if not line.lower().startswith("warning")]
        return next(iter(telling or lines), f"exit status {self.status}")


class NoAnswer(Exception):
    """A program that cannot be run, or does not end in time. Its text says which."""


class Absent(NoAnswer):
    """There is no such program."""


def ask(
    program: str,
    *arguments: str,
    seconds: float = 15,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Answer:
    """Run a program, without a shell and with a limit on its time.

    Args:
        program: its path, or its name on the PATH.
        arguments: one by one.
        seconds: after which it is stopped.
        cwd: the folder to run it in.
        env: variables to set besides those of this process.

    Raises:
        Absent: there is no such program.
        NoAnswer: it cannot be run, or took too long.
    """
    path = shutil.which(program)
    if path is None:
        raise Absent(f"{program} is not on the PATH")
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
        raise NoAnswer(f"{program} does not answer within {seconds:g} s") from None
    except OSError as error:
        raise NoAnswer(f"{program} cannot be run: {error.strerror or error}") from error
    return Answer(done.returncode, done.stdout, done.stderr)
