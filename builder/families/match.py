"""Matches: what a model may be, the reasons for it, and the manifest that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.families.sureness import Strength
from builder.manifest.function_type import FunctionType
from runtimes.step import Step


@dataclass(frozen=True, slots=True)
class DraftStep:
    """A step of a drafted manifest.

    Attributes:
        step: its class.
        why: the reason for the step and its fields, in a few words.
        guessed: whether nothing in the file confirms it.
        fields: the fields that the manifest spells out.
    """

    step: type[Step]
    why: str = ""
    guessed: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The step's name in a manifest."""
        return self.step.name()


def step(cls: type[Step], why: str = "", *, guessed: bool = False, **fields: Any) -> DraftStep:
    """Return a drafted step with these fields; see DraftStep."""
    return DraftStep(cls, why, guessed, fields)


@dataclass(frozen=True, slots=True)
class Setting:
    """A further key of a drafted manifest.

    Attributes:
        key: its name.
        value: its value.
        why: the reason for the value, in a few words.
    """

    key: str
    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class ClassList:
    """The classes of a model.

    Attributes:
        count: the number of classes that get a label; None if it is not known.
        why: the source of the number.
        first: the ID of the first class that gets a label; classes before it are background.
        names: the names, where every model of the family has the same.
    """

    count: int | None
    why: str = ""
    first: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftSecond:
    """The second model of a drafted manifest, in its key `then`.

    Attributes:
        settings: its keys before the steps.
        preprocess, postprocess: its steps.
    """

    settings: tuple[Setting, ...]
    preprocess: tuple[DraftStep, ...]
    postprocess: tuple[DraftStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A family that a model may belong to.

    Attributes:
        name: the family's name, with what sets this model apart within it.
        type: the type of function.
        strength: how strong the evidence is.
        reasons: the evidence, for people.
        preprocess, postprocess: the manifest's steps.
        classes: the classes of a detector; None for other types of function.
        keypoints: the number of keypoints of an instance.
        keypoint_names: their names, where every model of the family has the same.
        settings: further keys of the manifest.
        other_tasks: tasks, in words, of models that cvatbuild does not know and whose outputs look
            the same.
        second: the second model, if the match is for two files and the other one is not a decoder.
    """

    name: str
    type: FunctionType
    strength: Strength
    reasons: tuple[str, ...]
    preprocess: tuple[DraftStep, ...]
    postprocess: tuple[DraftStep, ...]
    classes: ClassList | None = None
    keypoints: int = 0
    keypoint_names: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    other_tasks: tuple[str, ...] = ()
    second: DraftSecond | None = None
