"""Labels in the metadata of a model file."""

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import has_controls
from builder.manifest.labels import ESCAPED, Label
from builder.model.metadata import parse_literal

NO_MODEL_LABELS = Rule(
    "no-model-labels",
    "No labels in the model",
    "The model's metadata contains no usable class names.",
)


def from_metadata(metadata: Mapping[str, str], model: Path) -> list[Label]:
    """Return the labels in a model's metadata.

    They are read from Ultralytics' `names`, the text of a Python literal, or from `labels` in the
    `model_info` of an OpenVINO IR.

    Args:
        metadata: the metadata.
        model: the model file, for messages.

    Raises:
        ManifestError: there are no labels, or they are invalid.
    """
    text = metadata.get("names")
    if text is None and (words := openvino_labels(metadata)):
        return [Label(name=word) for word in words]
    if text is None:
        raise ManifestError(
            Problem(
                "the model's metadata contains no class names",
                found=f"metadata keys of {model.name}: {', '.join(sorted(metadata)) or 'none'}",
                allowed="`names`, as Ultralytics writes it, or `labels`, as OpenVINO writes it",
                hint="list the labels in the manifest instead of `labels: metadata`",
                rule=NO_MODEL_LABELS,
            )
        )
    try:
        names = parse_literal(text)
    except ValueError as error:
        raise _invalid_names(text, "cannot be read") from error
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if (
        not isinstance(names, dict)
        or not names
        or not all(isinstance(key, int) and not isinstance(key, bool) for key in names)
        or not all(isinstance(name, str) and 0 < len(name) <= 64 for name in names.values())
    ):
        raise _invalid_names(text, "are not class IDs with names of 1 to 64 characters")
    if sorted(names) != list(range(len(names))):
        raise _invalid_names(text, "have class IDs with gaps, or not from 0")
    points = _keypoint_names(metadata)
    try:
        return [Label(name=names[number], sublabels=points) for number in range(len(names))]
    except ValidationError as error:
        raise _invalid_names(text, "have control characters, or spaces at their ends") from error


def openvino_labels(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the class names in the `labels` of OpenVINO's tools, which spaces separate.

    The result is empty if a name is invalid or occurs twice.
    """
    words = metadata.get("labels", "").split()
    valid = all(re.fullmatch(r"[\w.()/+-]{1,64}", word) for word in words)
    return tuple(words) if valid and len(set(words)) == len(words) else ()


def _keypoint_names(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keypoint names in Ultralytics' `kpt_names`; empty if they are missing or invalid.

    They are a list, or class ID -> list. Lists that differ between classes are ignored.
    """
    try:
        names = parse_literal(metadata.get("kpt_names", "()"))
    except ValueError:
        return ()
    lists = list(names.values()) if isinstance(names, dict) else [names]
    first = lists[0] if lists else ()
    if not isinstance(first, list) or any(other != first for other in lists):
        return ()
    valid = all(
        isinstance(name, str) and 0 < len(name) <= 64 and not has_controls(name) for name in first
    ) and not any(set(name) & ESCAPED for name in first)
    return tuple(first) if valid and len(set(first)) == len(first) else ()


def _invalid_names(text: str, what: str) -> ManifestError:
    """Return the error for invalid class names in metadata."""
    return ManifestError(
        Problem(
            f"the class names in the model's metadata {what}",
            found=text[:80] + ("..." if len(text) > 80 else ""),
            allowed="{0: 'name', 1: 'name', ...}",
            hint="list the labels in the manifest instead of `labels: metadata`",
            rule=NO_MODEL_LABELS,
        )
    )
