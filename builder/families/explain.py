"""The numbers of a drafted manifest, each with its evidence: `cvatbuild init --explain`."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

import orjson

from builder.families.draft import DraftRequest, doubt, preprocess_of, settings_of
from builder.families.match import DraftStep
from builder.families.yaml_writer import inline, printable

_DEFAULT = "the step's default"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A value of a drafted manifest.

    Attributes:
        path: its place in the manifest.
        value: the value.
        evidence: the reason for it.
        guessed: whether nothing in the file confirms it.
    """

    path: str
    value: Any
    evidence: str
    guessed: bool = False


def explain(request: DraftRequest) -> tuple[Explanation, ...]:
    """Return the family, the number of labels, and each number of the steps and settings."""
    return tuple(_explanations(request))


def as_text(explanations: Sequence[Explanation]) -> str:
    """Return one value per line, with its evidence below it."""
    lines = []
    for it in explanations:
        value = it.value if isinstance(it.value, str) else inline(it.value)
        lines.append(f"{it.path}: {printable(value)}")
        lines.append(f"  {'guessed: ' if it.guessed else ''}{printable(it.evidence)}")
    return "\n".join(lines)


def as_json(explanations: Sequence[Explanation]) -> str:
    """Return one JSON object per line."""
    return "\n".join(
        orjson.dumps(
            {
                "path": it.path,
                "value": it.value,
                "evidence": printable(it.evidence),
                "guessed": it.guessed,
            }
        ).decode()
        for it in explanations
    )


def _explanations(request: DraftRequest) -> Iterator[Explanation]:
    """Yield the values in the order of the manifest."""
    ranking, match = request.ranking, request.match
    reasons = ", ".join(match.reasons)
    unsure = ranking.sureness == "unsure"
    evidence = f"{reasons}; {doubt(ranking)}" if unsure else reasons
    yield Explanation("family", f"{match.name} ({ranking.sureness})", evidence, unsure)
    yield from _input_size(request)
    if match.classes is not None and match.classes.count is not None:
        yield Explanation("labels", match.classes.count, match.classes.why or "the family's")
    if match.keypoints:
        yield Explanation("keypoints", match.keypoints, reasons)
    sections = {"preprocess": preprocess_of(request), "postprocess": match.postprocess}
    for section, steps in sections.items():
        for index, step in enumerate(steps):
            yield from _numbers(f"{section}[{index}].{step.name}", step)
    if match.second is not None:
        for section, steps in (
            ("preprocess", match.second.preprocess),
            ("postprocess", match.second.postprocess),
        ):
            for index, step in enumerate(steps):
                yield from _numbers(f"then[0].{section}[{index}].{step.name}", step)
    for setting in settings_of(request):
        yield Explanation(setting.key, setting.value, setting.why)


def _input_size(request: DraftRequest) -> Iterator[Explanation]:
    """Yield height and width of the input, if the model file states them."""
    image = request.ranking.evidence[request.ranking.first].image
    if image is not None and image.height and image.width:
        why = f"the input {image.name} of the model"
        yield Explanation("input size", [image.height, image.width], why)
    elif image is not None and image.trained is not None:
        yield Explanation("input size", list(image.trained), "the metadata of the model")


def _numbers(path: str, step: DraftStep) -> Iterator[Explanation]:
    """Yield the fields that a step spells out, and its numbers that are defaults."""
    for field in fields(step.step):  # type: ignore[arg-type]
        if field.name in step.fields:
            value = step.fields[field.name]
            why = step.why or "the family's"
            yield Explanation(f"{path}.{field.name}", value, why, step.guessed)
        elif field.default is not MISSING and _is_numeric(field.default):
            value = list(field.default) if isinstance(field.default, tuple) else field.default
            why = f"{_DEFAULT}; {step.why}" if step.why else _DEFAULT
            yield Explanation(f"{path}.{field.name}", value, why, step.guessed)


def _is_numeric(value: object) -> bool:
    """Whether a value is a number, or several numbers."""
    if isinstance(value, tuple):
        return bool(value) and all(map(_is_numeric, value))
    return isinstance(value, int | float) and not isinstance(value, bool)
