"""A family of models: how its models are recognized, and what they have in common."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from builder.families.evidence import Evidence
from builder.families.input_format import InputFormat
from builder.families.match import ClassList, DraftSecond, DraftStep, Match, Setting
from builder.families.preprocessing import draft
from builder.families.sureness import Strength
from builder.manifest.function_type import FunctionType
from runtimes.interfaces import Embedder, Segmenter, Tracking
from runtimes.step import Decoder, Step

Aspect: TypeAlias = Literal["resizing", "channels", "values"]
"""A part of the input format."""

_TYPES: dict[type[Step], FunctionType] = {
    Decoder: "detector",
    Segmenter: "interactor",
    Tracking: "tracker",
    Embedder: "reid",
}
"""The base class of a family's steps -> the type of function that they are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of models, or several that share the layout of their outputs.

    Attributes:
        name: its name in messages.
        steps: the decoders, segmenters, trackers or embedders that read its models' outputs. A
            step belongs to one family.
        recognize: yields what a model file may be; None if the family's models have two files.
        recognize_pair: the same for two files; the first one takes the image.
        precedence: the order of families with equally strong matches: the lowest is drafted, the
            others are listed as rivals.
        input_format: how images look to its models; None where that differs from model to model.
        required: the parts of `input_format` that hold for every model of the family. `check`
            warns of manifests that differ from them; the others are only what `init` writes.
        side_outputs: whether its models repeat their result in further outputs of the same shape,
            or return the features of layers, which only their training needs.
        candidates_overlap: whether several candidates stand for one object, so that `nms` has to
            follow the decoder.
        encoder_speed: bytes of weights that an encoder processes per second on two cores; None if
            unknown.
    """

    name: str
    steps: tuple[type[Step], ...]
    recognize: Callable[[Evidence], Iterator[Match]] | None = None
    recognize_pair: Callable[[Evidence, Evidence], Iterator[Match]] | None = None
    precedence: int = 1000
    input_format: InputFormat | None = None
    required: frozenset[Aspect] = frozenset()
    side_outputs: bool = False
    candidates_overlap: bool = False
    encoder_speed: float | None = None

    @property
    def type(self) -> FunctionType:
        """The type of function that its models are for."""
        return next(name for base, name in _TYPES.items() if issubclass(self.steps[0], base))

    def requires(self, aspect: Aspect) -> InputFormat | None:
        """Return the input format if this part of it holds for every model, else None."""
        return self.input_format if aspect in self.required else None

    def match(
        self,
        evidence: Evidence,
        strength: Strength,
        reasons: tuple[str, ...],
        postprocess: tuple[DraftStep, ...],
        *,
        name: str | None = None,
        input_format: InputFormat | None = None,
        preprocess: tuple[DraftStep, ...] | None = None,
        classes: ClassList | None = None,
        keypoints: int = 0,
        keypoint_names: tuple[str, ...] = (),
        settings: tuple[Setting, ...] = (),
        other_tasks: tuple[str, ...] = (),
        second: DraftSecond | None = None,
    ) -> Match:
        """Return a match of this family.

        Args:
            evidence: of the model that takes the image.
            strength: how strong it is.
            reasons: what it is, for people.
            postprocess: see Match.
            name: the family's name for this model. Default: `name`.
            input_format: that of the model. Default: the family's.
            preprocess: the steps. Default: drafted from the input format.
            classes: see Match.
            keypoints: see Match.
            keypoint_names: see Match.
            settings: see Match.
            other_tasks: see Match.
            second: see Match.
        """
        format_ = input_format or self.input_format
        if preprocess is None:
            preprocess = draft(evidence, format_) if format_ else ()
        return Match(
            name=name or self.name,
            type=self.type,
            strength=strength,
            reasons=reasons,
            preprocess=preprocess,
            postprocess=postprocess,
            classes=classes,
            keypoints=keypoints,
            keypoint_names=keypoint_names,
            settings=settings,
            other_tasks=other_tasks,
            second=second,
        )
