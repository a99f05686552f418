"""What a person at the command line is told: problems, findings, and what takes long."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from builder.cli.terminal import Colour, Progress
    from builder.diagnostics.errors import Problem
    from builder.doctor.finding import Finding
    from builder.families.init import Begun

INTERRUPTED = 130
"""What a shell says of a program that Ctrl-C ended."""


@contextmanager
def reported() -> Iterator[None]:
    """Print what the tool raises on purpose, and leave with its status."""
    from builder.diagnostics.errors import CvatbuildError

    try:
        yield
    except CvatbuildError as error:
        for problem in error.problems:
            tell(problem)
        raise typer.Exit(error.status) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def tell(problem: "Problem") -> None:
    """Print one problem to stderr, its severity coloured on a terminal."""
    from builder.cli.terminal import paint, width
    from builder.diagnostics.formats import as_text

    severity = problem.severity
    room = width(sys.stderr)
    text = as_text(problem, room and room - len(f"{severity}: "))
    head = paint(f"{severity}:", "red" if severity == "error" else "yellow", sys.stderr)
    typer.echo(f"{head} {text}", err=True)


def tell_program(problem: "Problem", form: str) -> None:
    """Print one problem to stdout in a form of --format that programs read."""
    from builder.diagnostics.formats import as_annotation, as_json

    give(as_json(problem) if form == "json" else as_annotation(problem))


def tell_of_manifest(manifest: Path, begun: "Begun | None") -> None:
    """Say by which manifest a model is built, and how it came to be if it was written now."""
    if begun is None:
        typer.echo(f"by {manifest}, which is there already", err=True)
        return
    family = begun.verdict.matches[0].family
    typer.echo(f"wrote {manifest}: {family} ({begun.verdict.sureness})", err=True)
    for note in begun.notes:
        tell(note)


def give(text: str) -> None:
    """Print what programs read to stdout: in UTF-8, whatever a terminal's encoding is."""
    typer.echo(text.encode("utf-8", "backslashreplace"))


@contextmanager
def written_out() -> Iterator[None]:
    """Let stdout and stderr be of any encoding, and say where a disk is too full for them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        # Else Python would try once more at its end, and fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        typer.echo(f"error: the output cannot be written: {error.strerror}", err=True)
        sys.exit(1)


def show(finding: "Finding") -> None:
    """Print a finding of the doctor as a person reads it."""
    from builder.cli.terminal import paint

    colours: dict[str, Colour] = {"ok": "green", "warning": "yellow", "error": "red"}
    severity = paint(f"{finding.severity:7}", colours[finding.severity], sys.stdout)
    remedy = f"\n{'':21} remedy: {finding.remedy}" if finding.remedy else ""
    typer.echo(f"{severity}  {finding.subject:11}  {finding.what}{remedy}")


def progress() -> "Progress":
    """What says on stderr what takes long."""
    from builder.cli.terminal import Progress

    return Progress(sys.stderr)
