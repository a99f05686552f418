"""Labels in the metadata of a model file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


NAME_KEYS = ("names", "class_names", "classes", "id2label", "label_map", "character")
"""Keys of metadata with class names: Ultralytics' `names`, RapidOCR's and RapidLayout's
`character`, and other exporters' words, in the order in which they are read."""


def names_key(metadata: Mapping[str, str]) -> str | None:
    """Return the key of the metadata that has the class names; None if there is none."""
    return next((key for key in NAME_KEYS if key in metadata), None)


def from_metadata(metadata: Mapping[str, str], model: Path) -> list[Label]:
    """Return the labels in a model's metadata.

    They are read from the first of NAME_KEYS: a list or a mapping in Python's or JSON's spelling,
    or one name per line; or from `labels` in the `model_info` of an OpenVINO IR. The keys of a
    mapping are class IDs from 0 or from 1, as numbers or text.

    Args:
        metadata: the metadata.
        model: the model file, for messages.

    Raises:
        ManifestError: there are no labels, or they are invalid.
    """
    key = names_key(metadata)
    if key is None and (words := openvino_labels(metadata)):
        return [Label(name=word) for word in words]
    if key is None:
        raise ManifestError(
            Problem(
                "the model's metadata contains no class names",
                found=f"metadata keys of {model.name}: {', '.join(sorted(metadata)) or 'none'}",
                allowed="`names`, as Ultralytics writes it, `character`, as RapidOCR writes it, or "
                "`labels`, as OpenVINO writes it",
                hint="list the labels in the manifest instead of `labels: metadata`",
                rule=NO_MODEL_LABELS,
            )
        )
    text = metadata[key]
    names = _mapping(text)
    if names is None:
        raise _invalid_names(text, "cannot be read")
    if not names or not all(
        type(class_id) is int and isinstance(name, str) and 0 < len(name) <= 64
        for class_id, name in names.items()
    ):
        raise _invalid_names(text, "are not class IDs with names of 1 to 64 characters")
    first = min(names)
    if first not in (0, 1) or sorted(names) != list(range(first, first + len(names))):
        raise _invalid_names(text, "have class IDs with gaps, or not from 0 or 1")
    points = _keypoint_names(metadata)
    try:
        return [Label(name=names[number], sublabels=points) for number in sorted(names)]
    except ValidationError as error:
        raise _invalid_names(text, "have control characters, or spaces at their ends") from error


def _mapping(text: str) -> dict[Any, Any] | None:
    """Return class ID -> name, both not validated; None if the text has no names."""
    try:
        names = parse_literal(text)
    except ValueError:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        # RapidOCR joins the names by line breaks. One line is more likely a damaged literal.
        return dict(enumerate(lines)) if len(lines) > 1 and text[:1] not in "[{(" else None
    if isinstance(names, list | tuple):
        return dict(enumerate(names))
    if not isinstance(names, dict):
        return None
    if names and all(type(it) is int for it in names.values()):
        # As Keras' `class_indices`: name -> class ID.
        swapped = {class_id: name for name, class_id in names.items()}
        return swapped if len(swapped) == len(names) else None
    numbered = {_class_id(key): name for key, name in names.items()}
    return numbered if len(numbered) == len(names) else None


def _class_id(key: object) -> object:
    """Return a key as an integer if it is one in text, as in JSON."""
    is_number = isinstance(key, str) and key.isascii() and key.isdecimal() and len(key) < 9
    return int(str(key)) if is_number else key


def valid_names(value: object) -> dict[int, str]:
    """Return class ID -> name of a mapping with numbers as keys; empty if it is none."""
    if not isinstance(value, dict):
        return {}
    found = {_class_id(key): name for key, name in value.items()}
    names: dict[int, str] = {}
    for class_id, name in sorted(found.items(), key=lambda pair: str(pair[0])):
        if type(class_id) is not int or class_id < 0 or not isinstance(name, str):
            return {}
        try:
            names[class_id] = Label(name=name).name
        except ValidationError:
            return {}
    return dict(sorted(names.items()))


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
            allowed="{0: 'name', 1: 'name', ...}, ['name', 'name', ...], or one name per line",
            hint="list the labels in the manifest instead of `labels: metadata`",
            rule=NO_MODEL_LABELS,
        )
    )
