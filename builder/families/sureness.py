"""How sure the recognition of a model is: four levels, from strongest to weakest evidence."""

from enum import IntEnum
from typing import Literal, TypeAlias

Sureness: TypeAlias = Literal["certain", "sure", "likely", "unsure", "unknown"]


class Strength(IntEnum):
    """How strong the evidence for a match is. Two matches of the same strength are rivals."""

    SHAPE = 1
    """The shapes of the outputs fit; models of other families or tasks may have the same."""
    EVIDENCE = 2
    """The shapes fit, and at least one independent piece of evidence: the values of a short run,
    as many labels as classes, or the names of the outputs."""
    STRUCTURE = 3
    """The graph has a pattern that no other known family has."""
    METADATA = 4
    """The metadata name the family or the task, and the graph agrees."""


_SURENESS: dict[Strength, Sureness] = {
    Strength.METADATA: "certain",
    Strength.STRUCTURE: "sure",
    Strength.EVIDENCE: "likely",
    Strength.SHAPE: "unsure",
}
"""Strength of a match without rivals -> how sure it is."""

LEVELS: dict[Sureness, str] = {
    "certain": "The metadata in the file name the family or the task, and the graph agrees.",
    "sure": "The graph has a pattern that no other known family has.",
    "likely": "The shapes of the outputs fit, and there is at least one independent piece of "
    "evidence: the values of a short run, as many labels as classes, or the names of the outputs.",
    "unsure": "Only the shapes of the outputs fit, or two families fit equally well.",
}
"""Level -> its definition, for people."""


def sureness_of(strength: Strength, *, rivals: bool) -> Sureness:
    """Return the level of the strongest match.

    Args:
        strength: the strength of the match.
        rivals: whether matches of other families or layouts are as strong.
    """
    return "unsure" if rivals else _SURENESS[strength]
