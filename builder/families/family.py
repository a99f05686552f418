"""A family of models: what its models have in common."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from builder.families.input_format import InputFormat
from runtimes.step import Step

Aspect: TypeAlias = Literal["resizing", "channels", "values"]
"""A part of the input format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of models, or several that share the layout of their outputs.

    Attributes:
        name: what people call it.
        steps: the decoders, segmenters, trackers or embedders that read its models' outputs. A
            step belongs to one family.
        input_format: how images look to its models; None where that differs from model to model.
        required: the parts of `input_format` that hold for every model of the family. `check`
            warns of manifests that differ from them; the others are only what `init` writes.
        candidates_overlap: whether several candidates stand for one object, so that `nms` has to
            follow the decoder.
        encoder_speed: bytes of weights that an encoder of the family works off per second on two
            cores; None where that is not known.
    """

    name: str
    steps: tuple[type[Step], ...]
    input_format: InputFormat | None = None
    required: frozenset[Aspect] = frozenset()
    candidates_overlap: bool = False
    encoder_speed: float | None = None

    def requires(self, aspect: Aspect) -> InputFormat | None:
        """Return the input format if this part of it holds for every model, else None."""
        return self.input_format if aspect in self.required else None
