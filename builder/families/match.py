"""What a family answers: what the model is, why, and the steps that it needs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal, TypeAlias

from builder.families.evidence import Facts

Kind = Literal["detector", "interactor", "tracker", "reid"]


class Evidence(IntEnum):
    """How much speaks for a match. Two of the same worth contradict each other."""

    SHAPE = 1
    """The shapes fit; others may fit as well."""
    STRUCTURE = 2
    """The graph, the tensors' names or the values for a blank image speak for it."""
    METADATA = 3
    """The file says so itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A step of the manifest, or another of its keys, with where it comes from.

    Attributes:
        name: the step's or key's name.
        fields: its values; empty for a step without any.
        why: where it comes from, in a few words.
        guessed: whether nothing in the file says so.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class ClassList:
    """The classes of a model.

    Attributes:
        count: how many there are; None if it is not known.
        why: what says so.
        first: the model's number of the first class that is a label; those before are background.
        names: where the family knows them.
    """

    count: int | None
    why: str = ""
    first: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """One family that a model may be of.

    Attributes:
        family: what people call it.
        evidence: how much speaks for it.
        reasons: what does.
        preprocess, postprocess: the manifest's steps.
        classes: the labels; None for kinds of functions without any.
        keypoints: how many an instance has.
        extras: further keys of the manifest.
        kind: the type of function.
    """

    family: str
    evidence: Evidence
    reasons: tuple[str, ...]
    preprocess: tuple[Entry, ...]
    postprocess: tuple[Entry, ...]
    classes: ClassList | None = None
    keypoints: int = 0
    extras: tuple[Entry, ...] = ()
    kind: Kind = "detector"


Family: TypeAlias = Callable[[Facts], Iterator[Match]]


def step(name: str, why: str = "", *, guessed: bool = False, **fields: Any) -> Entry:
    """A step of the manifest."""
    return Entry(name, fields, why, guessed)
