"""A kind of finding: how bad it is, and why anybody should care."""

from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["error", "warning"]


class Kind(NamedTuple):
    """A kind of finding.

    A named tuple, since every command imports the tables, and its class is made sooner than that
    of a dataclass.

    Attributes:
        severity: "error" where no function can be built, or none that works; "warning" where one
            can, but most likely does not do what its author thinks.
        title: in a few words.
        why: what would happen if nobody said it.
    """

    severity: Severity
    title: str
    why: str


def errors(kinds: dict[str, tuple[str, str]]) -> dict[str, Kind]:
    """Kinds of finding that are errors, from titles and reasons by code."""
    return {code: Kind("error", title, why) for code, (title, why) in kinds.items()}


def warnings(kinds: dict[str, tuple[str, str]]) -> dict[str, Kind]:
    """Kinds of finding that are warnings, from titles and reasons by code."""
    return {code: Kind("warning", title, why) for code, (title, why) in kinds.items()}
