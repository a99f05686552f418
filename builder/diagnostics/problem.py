"""One diagnostic: an error or a warning, with its location and what to do about it."""

from dataclasses import dataclass
from pathlib import Path

from builder.diagnostics.path import Path_, spell
from builder.diagnostics.rule import Rule, Severity


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        what: what is wrong, in one sentence without a full stop.
        file: the file in question, if there is one.
        line, column: the location in that file, from 1; 0 if it has none.
        path: the keys and indexes that lead to the value in the manifest.
        found: the offending value.
        allowed: the values that are allowed.
        hint: how to fix it.
        rule: the rule that reports it; None stands for the default rule of the exception that
            carries the problem.
    """

    what: str
    file: Path | None = None
    line: int = 0
    column: int = 0
    path: Path_ = ()
    found: str = ""
    allowed: str = ""
    hint: str = ""
    rule: Rule | None = None

    @property
    def code(self) -> str:
        """The rule's code; empty without a rule."""
        return self.rule.code if self.rule else ""

    @property
    def severity(self) -> Severity:
        """The rule's severity."""
        return self.rule.severity if self.rule else "error"

    @property
    def is_error(self) -> bool:
        """Whether no function can be built because of it."""
        return self.severity == "error"

    @property
    def place(self) -> str:
        """The path as text, such as `postprocess[1].nms.iou`."""
        return spell(self.path)

    @property
    def head(self) -> str:
        """The location and what is wrong, on one line."""
        location = str(self.file) if self.file else ""
        if location and self.line:
            location += f":{self.line}:{self.column}"
        return ": ".join(part for part in (location, self.place, self.what) if part)

    @property
    def details(self) -> dict[str, str]:
        """The details that are given: `found`, `allowed`, `hint`."""
        details = {"found": self.found, "allowed": self.allowed, "hint": self.hint}
        return {key: text for key, text in details.items() if text}

    def __str__(self) -> str:
        return "\n".join(
            [self.head, *(f"  {f'{key}:':8} {text}" for key, text in self.details.items())]
        )
