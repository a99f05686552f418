"""Labels from elsewhere than the manifest: what a model says of itself, and files with lists."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import has_controls
from builder.manifest.label_formats import coco, cvat
from builder.manifest.labels import ESCAPED, Label
from builder.manifest.located_yaml import LocatedYaml
from builder.model.metadata import literal

LABEL_FILE = Rule(
    "label-file",
    "Unusable label file",
    "The file is missing, or its format is not supported.",
)
NO_MODEL_LABELS = Rule(
    "no-model-labels",
    "No labels in the model",
    "The model's metadata contains no usable class names.",
)


def from_metadata(metadata: Mapping[str, str], model: Path) -> list[Label]:
    """Labels from what a model says of itself.

    That is the `names` that Ultralytics writes, a Python literal in text, or else the `labels` in
    the `model_info` of an OpenVINO IR.

    Raises:
        ManifestError: there are none, or they are not what their key says.
    """
    text = metadata.get("names")
    if text is None and (words := words_of(metadata)):
        return [Label(name=word) for word in words]
    if text is None:
        raise ManifestError(
            Problem(
                "the model carries no class names",
                found=f"metadata keys of {model.name}: {', '.join(sorted(metadata)) or 'none'}",
                allowed="an entry `names`, as Ultralytics writes it, or `labels`, as OpenVINO does",
                hint="list the labels in the manifest instead of `labels: metadata`",
                rule=NO_MODEL_LABELS,
            )
        )
    try:
        names = literal(text)
    except ValueError as error:
        raise _bad_names(text, "cannot be read") from error
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if (
        not isinstance(names, dict)
        or not names
        or not all(isinstance(key, int) and not isinstance(key, bool) for key in names)
        or not all(isinstance(name, str) and 0 < len(name) <= 64 for name in names.values())
    ):
        raise _bad_names(text, "are not numbers with names of 1 to 64 characters")
    if sorted(names) != list(range(len(names))):
        raise _bad_names(text, "are not numbered from 0 without a gap")
    points = _keypoint_names(metadata)
    try:
        return [Label(name=names[number], sublabels=points) for number in range(len(names))]
    except ValidationError as error:
        raise _bad_names(text, "are not printable text without spaces at its ends") from error


def words_of(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The `labels` that OpenVINO's tools write: words between spaces, all of them different.

    Nothing where they are not what their key says.
    """
    words = metadata.get("labels", "").split()
    sane = all(re.fullmatch(r"[\w.()/+-]{1,64}", word) for word in words)
    return tuple(words) if sane and len(set(words)) == len(words) else ()


def _keypoint_names(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The keypoints' names that Ultralytics may write beside the classes'; nothing if it did not.

    They are a list, or class number -> list; only one list for all classes is of use.
    """
    try:
        names = literal(metadata.get("kpt_names", "()"))
    except ValueError:
        return ()
    lists = list(names.values()) if isinstance(names, dict) else [names]
    first = lists[0] if lists else ()
    if not isinstance(first, list) or any(other != first for other in lists):
        return ()
    sane = all(
        isinstance(name, str) and 0 < len(name) <= 64 and not has_controls(name) for name in first
    ) and not any(set(name) & ESCAPED for name in first)
    return tuple(first) if sane and len(set(first)) == len(first) else ()


def _bad_names(text: str, what: str) -> ManifestError:
    """The error for class names in metadata that make no sense."""
    return ManifestError(
        Problem(
            f"the class names in the model's metadata {what}",
            found=text[:80] + ("..." if len(text) > 80 else ""),
            allowed="{0: 'name', 1: 'name', ...}",
            hint="list the labels in the manifest instead of `labels: metadata`",
            rule=NO_MODEL_LABELS,
        )
    )


def from_file(file: Path, *, numbered: bool = False) -> list[Any]:
    """The entries of a label file, to be validated as if they stood in the manifest.

    Args:
        file: `.txt` with one name a line; `.yaml` or `.json` with a list of names or of labels,
            or with a key `names` (a list, or class number -> name) as Ultralytics' data.yaml has;
            COCO's annotations; the raw JSON of CVAT's constructor of labels.
        numbered: keep the numbers of COCO's categories. Without it their order counts: most models
            are trained on them without the gaps.

    Raises:
        ManifestError: it cannot be read or holds no labels.
    """
    if file.suffix.lower() == ".txt":
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(file, error) from error
        entries: Any = [line.strip() for line in lines if line.strip()]
    elif file.suffix.lower() == ".json":
        try:
            entries = json.loads(file.read_text("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise _unreadable(file, error) from error
    elif file.suffix.lower() in (".yaml", ".yml"):
        entries = LocatedYaml.read(file, text_keys=False).data
    else:
        raise ManifestError(
            Problem(
                "is not a label file",
                file=file,
                allowed=".txt, .yaml, .yml or .json",
                rule=LABEL_FILE,
            )
        )
    categories = coco(entries)
    if categories is not None:
        drop = () if numbered else ("id",)
        entries = [
            {key: value for key, value in it.items() if key not in drop}
            if isinstance(it, dict)
            else it
            for it in categories
        ]
    entries = cvat(entries) or entries
    if isinstance(entries, dict):
        entries = entries.get("names")
    if isinstance(entries, dict):
        numbers = [_number(key) for key in entries]
        if numbers == list(range(len(numbers))):
            entries = list(entries.values())
        else:
            entries = [
                {"name": name, "id": number}
                for number, name in zip(numbers, entries.values(), strict=True)
            ]
    if not isinstance(entries, list) or not entries:
        raise ManifestError(
            Problem(
                "holds no labels",
                file=file,
                allowed="a list, or a key `names`",
                rule=LABEL_FILE,
            )
        )
    return entries


def _unreadable(file: Path, error: Exception) -> ManifestError:
    """The error for a label file that cannot be read."""
    return ManifestError(Problem(f"cannot be read: {error}", file=file, rule=LABEL_FILE))


def _number(key: object) -> object:
    """A class number that JSON had to write as text."""
    return int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else key
