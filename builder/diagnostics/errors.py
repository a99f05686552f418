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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, TypeVar

from builder.diagnostics.findings import KINDS, Severity
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
        code: which kind of finding it is; see builder.diagnostics.findings. Without one it is
            the general one of the error that carries it.
    """

    what: str
    file: Path | None = None
    line: int = 0
    column: int = 0
    path: str = ""
    found: str = ""
    allowed: str = ""
    hint: str = ""
    code: str = ""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return KINDS[self.code].severity if self.code else "error"

    @property
    def head(self) -> str:
        """Where it is, and what is wrong."""
        place = str(self.file) if self.file else ""
        if place and self.line:
            place += f":{self.line}:{self.column}"
        return ": ".join(part for part in (place, self.path, self.what) if part)

    @property
    def details(self) -> dict[str, str]:
        """What else there is to say, by name."""
        details = {"found": self.found, "allowed": self.allowed, "hint": self.hint}
        return {key: text for key, text in details.items() if text}

    def __str__(self) -> str:
        return "\n".join(
            [self.head, *(f"  {f'{key}:':8} {text}" for key, text in self.details.items())]
        )

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
            code=error.fault.value if error.fault else "",
        )


class CvatbuildError(Exception):
    """What the command line reports without a traceback.

    Attributes:
        problems: at least one.
    """

    status: ClassVar[int] = 1
    code: ClassVar[str] = "manifest"

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(
            problem if problem.code else replace(problem, code=self.code) for problem in problems
        )


class CommandLineError(CvatbuildError):
    """An argument that makes no sense."""

    status = 2
    code = "command-line"


class ManifestError(CvatbuildError):
    """A manifest, or what it says of its model, cannot be used."""


class ModelError(CvatbuildError):
    """A model file cannot be fetched or read."""

    code = "model"


class OutputError(CvatbuildError):
    """The output directory cannot be written without losing something."""

    code = "output"


class BuiltError(CvatbuildError):
    """A built function cannot be started or does not answer as it must."""

    code = "function"


class Refused(ValueError):
    """What a validator of the manifest's schema raises.

    Args:
        what: what is wrong, in one sentence without a full stop.
        code: the finding's.
        where: the key that it is about, of the model that is validated.
        allowed, hint: see Problem.
    """

    def __init__(
        self, what: str, code: str, where: str = "", allowed: str = "", hint: str = ""
    ) -> None:
        super().__init__(what)
        self.code = code
        self.where = where
        self.allowed = allowed
        self.hint = hint


_Result = TypeVar("_Result")


def collect(problems: list[Problem], part: Callable[[], _Result]) -> _Result | None:
    """What `part` returns, or None with its problems added to the list."""
    try:
        return part()
    except CvatbuildError as error:
        problems += error.problems
        return None


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to a mistyped one, if one is close."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names the known word closest to a mistyped one, or nothing."""
    close = closest(word, known)
    return "" if close is None else f"did you mean '{close}'?"
