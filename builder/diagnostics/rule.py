"""Rules: what a diagnostic can be about.

A rule is defined next to the check that reports it, as a module-level constant. The reference page
finds the rules by looking at all modules of `builder`; there is no second list of them.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of diagnostic.

    Attributes:
        code: the stable identifier that scripts match, such as `unknown-key`.
        title: the defect in 2 to 6 words, as a linter names it.
        why: what happens if the problem stays.
        severity: "error" if no function, or none that works, can be built; "warning" if one can,
            but most likely does not do what its author wants; "note" if it works, but an author
            may want to improve it.
        depends_on: a top-level key of the manifest. A diagnostic of this rule is a follow-up, and
            is dropped, if anything under that key was recovered after an error.
        stops_lint: whether lint rules skip the top-level key under which an error of this rule was
            reported.
    """

    code: str
    title: str
    why: str
    severity: Severity = "error"
    depends_on: str | None = None
    stops_lint: bool = True


def warning(code: str, title: str, why: str) -> Rule:
    """A rule whose diagnostics are warnings."""
    return Rule(code, title, why, "warning")


def note(code: str, title: str, why: str) -> Rule:
    """A rule whose diagnostics are notes."""
    return Rule(code, title, why, "note")
