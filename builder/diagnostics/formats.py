"""Findings as text for people, as JSON for programs, and as annotations for GitHub."""

import json
import re
import textwrap

from builder.diagnostics.errors import Problem
from builder.diagnostics.findings import KINDS
from builder.diagnostics.text import printable

_WHOLE = re.compile(r"`[^`]*`|(?<!\w)'[^']*'(?!\w)")
"""What a person may want to copy, which no break of a line must go through."""


def as_text(problem: Problem, width: int | None = None) -> str:
    """A problem as people read it, its code at the end of the first line.

    Args:
        problem: what was found.
        width: of the terminal in characters, to break long lines at; None breaks none.
    """
    head = f"{problem.head} [{problem.code}]"
    details = [f"  {f'{key}:':8} {text}" for key, text in problem.details.items()]
    if width is not None:
        head = _wrapped(head, " " * 2, width)
        details = [_wrapped(line, " " * 11, width) for line in details]
    return "\n".join([head, *details])


def _wrapped(line: str, indent: str, width: int) -> str:
    """A line broken at blanks, but not within what stands in quotes or backticks."""
    kept = _WHOLE.sub(lambda found: found[0].replace(" ", "\0"), line)
    broken = textwrap.fill(
        kept,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return broken.replace("\0", " ")


def as_json(problem: Problem) -> str:
    """A problem as one line of JSON; every key is always there."""
    data = {
        "severity": problem.severity,
        "code": problem.code,
        "file": str(problem.file) if problem.file else "",
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "what": problem.what,
        "found": problem.found,
        "allowed": problem.allowed,
        "remedy": problem.hint,
    }
    # The escape of what is no Unicode happens to be JSON's own.
    return printable(json.dumps(data, ensure_ascii=False))


def as_annotation(problem: Problem) -> str:
    """A problem as a workflow command, which GitHub shows beside the line that it is about.

    Format: `::error file=F,line=L,col=C,title=T::MESSAGE`, with `%`, line breaks and in the
    properties also `:` and `,` written as in an address (actions/toolkit, command.ts).
    """
    properties = {
        "file": str(problem.file) if problem.file else "",
        "line": str(problem.line or ""),
        "col": str(problem.column or ""),
        "title": f"{KINDS[problem.code].title} [{problem.code}]",
    }
    listed = ",".join(f"{key}={_property(text)}" for key, text in properties.items() if text)
    said = ": ".join(part for part in (problem.path, problem.what) if part)
    message = "\n".join([said, *(f"{key}: {text}" for key, text in problem.details.items())])
    return printable(f"::{problem.severity} {listed}::{_message(message)}")


def _message(text: str) -> str:
    """Text after the `::` of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Text within the properties of a workflow command."""
    return _message(text).replace(":", "%3A").replace(",", "%2C")
