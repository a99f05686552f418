"""Console output: diagnostics, progress, and streams of any encoding."""

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
    from builder.cli.terminal import Color, Counter, Progress
    from builder.diagnostics.problem import Problem
    from builder.doctor.check_result import CheckResult
    from builder.families.init import ManifestDraft

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in a shell: 128 + SIGINT."""


_FALLBACK = "running on the CPU: "
"""The beginning of the warning of a function that runs without its device; see
runtimes.backends.onnxruntime_cuda."""


@contextmanager
def errors_reported() -> Iterator[None]:
    """Print the problems of a CvatbuildError and exit with its status.

    Raises:
        typer.Exit: with the error's status, or INTERRUPTED after Ctrl-C.
    """
    from builder.diagnostics.errors import CvatbuildError

    try:
        yield
    except CvatbuildError as error:
        for problem in error.problems:
            print_problem(problem)
        raise typer.Exit(error.status) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def print_problem(problem: "Problem", form: str = "text") -> None:
    """Print a problem.

    Args:
        problem: the problem.
        form: a value of --format. "text" goes to stderr, in color on a terminal; "json" and
            "github" go to stdout, one line each.
    """
    from builder.cli.terminal import paint, width
    from builder.diagnostics.formats import as_annotation, as_json, as_text

    if form != "text":
        print_utf8(as_json(problem) if form == "json" else as_annotation(problem))
        return
    severity = problem.severity
    room = width(sys.stderr)
    text = as_text(problem, room and room - len(f"{severity}: "))
    colors: dict[str, Color] = {"error": "red", "warning": "yellow", "note": "cyan"}
    head = paint(f"{severity}:", colors[severity], sys.stderr)
    typer.echo(f"{head} {text}", err=True)


def print_warning(warning: str) -> None:
    """Print a warning of a started function, with a hint if it runs without its device."""
    typer.echo(f"warning: {warning}", err=True)
    if warning.startswith(_FALLBACK):
        typer.echo("  hint:    `cvatbuild doctor` shows what the GPU variant needs", err=True)


def print_fallback(missing: str) -> None:
    """Print that a function runs on the CPU because its device is missing."""
    print_warning(_FALLBACK + missing)


def print_manifest_origin(manifest: Path, draft: "ManifestDraft | None") -> None:
    """Print whether the manifest of a model was written now or existed before.

    Args:
        manifest: the manifest's path.
        draft: the draft that was written; None for an existing manifest.
    """
    if draft is None:
        typer.echo(f"using the existing manifest {manifest}", err=True)
        return
    family = draft.ranking.matches[0].name
    typer.echo(f"wrote {manifest}: {family} ({draft.ranking.sureness})", err=True)
    for note in draft.notes:
        print_problem(note)


def print_result(result: "CheckResult") -> None:
    """Print a result of the doctor, with its remedy on a line of its own."""
    from builder.cli.terminal import paint

    colors: dict[str, Color] = {"ok": "green", "warning": "yellow", "error": "red"}
    severity = paint(f"{result.severity:7}", colors[result.severity], sys.stdout)
    remedy = f"\n{'':21} remedy: {result.remedy}" if result.remedy else ""
    typer.echo(f"{severity}  {result.subject:11}  {result.what}{remedy}")


def print_utf8(text: str) -> None:
    """Print text for programs to stdout, in UTF-8 whatever the terminal's encoding is."""
    typer.echo(text.encode("utf-8", "backslashreplace"))


@contextmanager
def safe_output() -> Iterator[None]:
    """Escape characters that the terminal's encoding lacks, and report a full disk.

    Exits with status 1 if stdout cannot be written.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        # Python flushes stdout at exit, which would fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        typer.echo(f"error: cannot write the output: {error.strerror}", err=True)
        sys.exit(1)


def progress() -> "Progress":
    """Return a progress line on stderr."""
    from builder.cli.terminal import Progress

    return Progress(sys.stderr)


def counter(what: str = "", noun: str = "images") -> "Counter":
    """Return a line on stderr that counts `noun`; `what` is the beginning of the line."""
    from builder.cli.terminal import Counter

    return Counter(sys.stderr, what, noun=noun)
