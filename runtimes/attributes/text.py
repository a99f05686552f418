"""Text attributes: lines of text that a recognizer reads."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runtimes.arrays import Array
from runtimes.attributes.measured import bound_output
from runtimes.errors import BadModel, Fault
from runtimes.instances import Instances
from runtimes.signature import Signature, Tensor
from runtimes.step import Attribute, Fraction, InputType

METADATA = "metadata"
"""Value of `characters` that reads them from the model."""

METADATA_KEY = "character"
"""Key of the characters in a model's metadata, one per line, as RapidOCR's exports have it."""

_SLACK = 0.01
"""Tolerance of the range 0..1 of probabilities, for the rounding of half precision."""


@dataclass(frozen=True, slots=True)
class TextAttribute(Attribute):
    """Set an attribute to the text that a recognizer such as PP-OCR's reads in a line.

    The output has the probabilities of all characters at each step along the line, [1, steps,
    characters]; character 0 is CTC's blank. The most probable character of each step is taken,
    repeated characters are joined, and blanks are dropped. Source: best path decoding in Graves et
    al., "Connectionist Temporal Classification", 2006.

    The step belongs to a second model, under `then`. Use `resize_height` to preprocess its crops,
    and `crop: oriented` to turn them upright.

    Example:
        - text_attribute: {attribute: text, characters: en_dict.txt}
    """

    attribute: str
    """Name of the attribute in CVAT."""
    characters: str | tuple[str, ...] = METADATA
    """The characters in the order of the output, without the blank: `metadata` to read them from
    the model, the path of a text file with one per line, or a list. If the output has one
    character more, that is the space, which PP-OCR appends to its lists."""
    least_score: Fraction = 0.5
    """Minimum of the mean probability of a text's characters; other texts are left out. PP-OCR
    takes 0.5."""
    output: str | None = None
    """Name of the output. Default: the only output."""

    def __post_init__(self) -> None:
        if not self.characters:
            raise ValueError("characters is empty")

    def declare(self) -> tuple[InputType, tuple[str, ...]]:
        """See Attribute.declare."""
        return "text", ()

    def bind(self, signature: Signature) -> "TextAttribute":
        """Return this step with the output's name, and the characters of the model's metadata."""
        name = bound_output(self.output, signature)
        tensor = next(it for it in signature.outputs if it.name == name)
        if len(tensor.shape) != 3 or tensor.shape[0] not in (1, None):
            raise BadModel(
                f"the output {tensor} does not hold the characters of one line",
                where="output",
                allowed="[1, steps, characters]",
                fault=Fault.OUTPUT_LAYOUT,
            )
        characters = self.characters
        if isinstance(characters, str):
            characters = _of_metadata(signature)
        return replace(self, output=name, characters=_matched(characters, tensor))

    def __call__(self, instances: Instances, outputs: Mapping[str, Array]) -> Instances:
        """See Attribute."""
        values, rows = outputs[self.output or ""], instances.rows
        if rows is None or values.ndim != 3 or values.shape[2] != len(self.characters) + 1:
            raise BadModel(
                f"`{self.name()}` reads [lines, steps, {len(self.characters) + 1}], "
                f"got {list(values.shape)}",
                where="output",
                hint="use the step for a second model, under `then`",
            )
        texts = [self._read(values[row]) for row in rows.tolist()]
        return instances.with_attribute(self.attribute, np.array(texts, object))

    def _read(self, steps: Array) -> str:
        """Return the text of a line; empty if there is none, or if its score is too low.

        Args:
            steps: (T, 1 + characters), probabilities.
        """
        best = steps.argmax(axis=1)
        scores = np.take_along_axis(steps, best[:, None], axis=1)[:, 0].astype(np.float64)
        if scores.max(initial=0) > 1 + _SLACK:
            raise BadModel(
                f"`{self.name()}` reads scores that are not probabilities",
                found=f"a score of {scores.max():.4g}",
                allowed="scores from 0 to 1",
                hint="export the model with its Softmax",
                fault=Fault.SCORE_RANGE,
            )
        is_new = np.concatenate([[True], best[1:] != best[:-1]])
        kept = is_new & (best > 0)
        if not kept.any() or not scores[kept].mean() >= self.least_score:
            return ""
        return "".join(self.characters[number - 1] for number in best[kept].tolist())


def _of_metadata(signature: Signature) -> tuple[str, ...]:
    """Return the characters in a model's metadata.

    Raises:
        BadModel: the metadata have no characters.
    """
    text = signature.metadata.get(METADATA_KEY, "")
    if not text:
        raise BadModel(
            "the model's metadata have no list of characters",
            where="characters",
            found=", ".join(signature.metadata) or "no metadata",
            hint="write `characters: FILE`, with the text file of characters that the model was "
            "trained with, one per line",
        )
    return tuple(text.split("\n"))


def _matched(characters: tuple[str, ...], tensor: Tensor) -> tuple[str, ...]:
    """Return the characters with a space at the end if the output has one character more.

    Raises:
        BadModel: the output has another number of characters.
    """
    count = tensor.shape[2]
    if count is None or count == len(characters) + 1:
        return characters
    if count == len(characters) + 2:
        return (*characters, " ")
    raise BadModel(
        f"the output {tensor} has {count - 1} characters and the blank, the list has "
        f"{len(characters)} characters",
        where="characters",
        found=str(len(characters)),
        allowed=f"{count - 1}, or {count - 2} and the space",
        hint="use the list of characters that the model was trained with",
        fault=Fault.CLASS_COUNT,
    )
