"""Diagnostics as text, as JSON, and as annotations for GitHub."""

import json
import re
import textwrap

from builder.diagnostics.problem import Problem
from builder.diagnostics.text import printable

_WHOLE = re.compile(r"`[^`]*`|(?<!\w)'[^']*'(?!\w)")
"""Text that a person may want to copy, so no line break may split it."""


def as_text(problem: Problem, width: int | None = None) -> str:
    """Return a problem as text, with its code at the end of the first line.

    Args:
        problem: the problem.
        width: the terminal's width in characters; longer lines are wrapped. None wraps no line.
    """
    head = f"{problem.head} [{problem.code}]"
    details = [f"  {f'{key}:':8} {text}" for key, text in problem.details.items()]
    if width is not None:
        head = _wrapped(head, " " * 2, width)
        details = [_wrapped(line, " " * 11, width) for line in details]
    return "\n".join([head, *details])


def _wrapped(line: str, indent: str, width: int) -> str:
    """Wrap a line at spaces, but not within quotes or backticks."""
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
    """Return a problem as one line of JSON that always has every key."""
    data = {
        "severity": problem.severity,
        "code": problem.code,
        "file": str(problem.file) if problem.file else "",
        "line": problem.line,
        "column": problem.column,
        "path": problem.place,
        "what": problem.what,
        "found": problem.found,
        "allowed": problem.allowed,
        "remedy": problem.hint,
    }
    # The escape for bytes that are not UTF-8 is the same as JSON's.
    return printable(json.dumps(data, ensure_ascii=False))


def as_annotation(problem: Problem) -> str:
    """Return a problem as a workflow command, which GitHub shows beside its line.

    Format: `::error file=F,line=L,col=C,title=T::MESSAGE`, with `%`, line breaks, and in
    the properties also `:` and `,`, percent-encoded (actions/toolkit, command.ts).
    """
    properties = {
        "file": str(problem.file) if problem.file else "",
        "line": str(problem.line or ""),
        "col": str(problem.column or ""),
        "title": f"{problem.rule.title} [{problem.code}]" if problem.rule else "",
    }
    listed = ",".join(f"{key}={_property(text)}" for key, text in properties.items() if text)
    said = ": ".join(part for part in (problem.place, problem.what) if part)
    message = "\n".join([said, *(f"{key}: {text}" for key, text in problem.details.items())])
    command = "notice" if problem.severity == "note" else problem.severity
    return printable(f"::{command} {listed}::{_message(message)}")


def _message(text: str) -> str:
    """Encode the text after the `::` of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Encode a property of a workflow command."""
    return _message(text).replace(":", "%3A").replace(",", "%2C")
