"""Every error that the tool raises on purpose.

    CvatbuildError
      CommandLineError   an argument that makes no sense: exit status 2
      ManifestError      a manifest, or what it says of its model, cannot be used
      ModelError         a model file cannot be fetched or read
      OutputError        the output directory cannot be written without losing something
      BuiltError         a built function cannot be started or does not answer as it must

The library raises, the command line prints. Each error carries all the problems that were found,
not only the first.
"""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from runtimes.errors import FunctionError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, for a person to read.

    Attributes:
        what: what is wrong, in one sentence without a full stop.
        file: the file that it is about, if there is one.
        line, column: where in that file, from 1; 0 where that has no meaning.
        path: where in the manifest, such as `postprocess[1].nms.iou`.
        found: the offending value.
        allowed: what would have been right.
        hint: what to do about it.
    """

    what: str
    file: Path | None = None
    line: int = 0
    column: int = 0
    path: str = ""
    found: str = ""
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = str(self.file) if self.file else ""
        if place and self.line:
            place += f":{self.line}:{self.column}"
        head = ": ".join(part for part in (place, self.path, self.what) if part)
        details = (("found", self.found), ("allowed", self.allowed), ("hint", self.hint))
        return "\n".join([head, *(f"  {f'{key}:':8} {text}" for key, text in details if text)])

    @classmethod
    def of(cls, error: FunctionError, file: Path | None = None) -> "Problem":
        """The problem that a step or a function reported by an exception."""
        return cls(
            error.what,
            file=file,
            path=error.where,
            found=error.found,
            allowed=error.allowed,
            hint=error.hint,
        )


class CvatbuildError(Exception):
    """What the command line reports without a traceback.

    Attributes:
        problems: at least one.
    """

    status = 1

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class CommandLineError(CvatbuildError):
    """An argument that makes no sense."""

    status = 2


class ManifestError(CvatbuildError):
    """A manifest, or what it says of its model, cannot be used."""


class ModelError(CvatbuildError):
    """A model file cannot be fetched or read."""


class OutputError(CvatbuildError):
    """The output directory cannot be written without losing something."""


class BuiltError(CvatbuildError):
    """A built function cannot be started or does not answer as it must."""


_Result = TypeVar("_Result")


def collect(problems: list[Problem], part: Callable[[], _Result]) -> _Result | None:
    """What `part` returns, or None with its problems added to the list."""
    try:
        return part()
    except CvatbuildError as error:
        problems += error.problems
        return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word closest to a mistyped one, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""
