"""Label files: text, YAML, JSON of COCO or CVAT, and TensorFlow's label maps."""

import json
import re
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.manifest.label_formats import coco, cvat, label_map
from builder.manifest.labels import Label, Name
from builder.manifest.located_yaml import LocatedYaml
from builder.manifest.pydantic_errors import validate
from builder.manifest.text_encoding import DecodedText, decode
from builder.manifest.validation import Strict

LABEL_ENCODING = warning(
    "label-encoding",
    "Encoding of the label file is assumed",
    "Letters of another code page would become wrong ones.",
)
LABEL_FILE = Rule(
    "label-file",
    "Unusable label file",
    "The file is missing, or its format is not supported.",
)


class _LabelFile(Strict):
    """The entries of a label file, under the key that they have in a manifest."""

    labels: tuple[Name | Label, ...]


def labels_in_file(file: Path, *, keep_ids: bool = False) -> tuple[Label, ...]:
    """Return the labels of a label file.

    Args:
        file: see from_file.
        keep_ids: see from_file.

    Raises:
        ManifestError: the file cannot be read, or a label is invalid.
    """
    data = {"labels": from_file(file, keep_ids=keep_ids)}
    entries = validate(_LabelFile, data, LocatedYaml(file, data, {}, {})).labels
    return tuple(it if isinstance(it, Label) else Label(name=it) for it in entries)


def from_file(file: Path, *, keep_ids: bool = False) -> list[Any]:
    """Return the entries of a label file, to be validated like labels in a manifest.

    Args:
        file: `.txt` or `.names` with one name per line; `.yaml` or `.json` with a list of names or
            labels, or with a key `names` (a list, or class ID -> name) as in Ultralytics' YAML;
            COCO annotations; the raw JSON of CVAT's label constructor; `.pbtxt` with a label map of
            TensorFlow. For the encodings see text_encoding.decode.
        keep_ids: whether to keep the category IDs of COCO. Otherwise classes are numbered in
            order, because most models are trained without the gaps.

    Raises:
        ManifestError: the file cannot be read or contains no labels.
    """
    if file.suffix.lower() in (".txt", ".names"):
        lines = _read(file).text.splitlines()
        entries: Any = [line.strip() for line in lines if line.strip()]
    elif file.suffix.lower() == ".pbtxt":
        entries = label_map(_read(file).text)
    elif file.suffix.lower() == ".json":
        try:
            entries = json.loads(_read(file).text)
        except (ValueError, RecursionError) as error:
            raise _unreadable(file, error) from error
    elif file.suffix.lower() in (".yaml", ".yml"):
        entries = LocatedYaml.read(file, text_keys=False).data
    else:
        raise ManifestError(
            Problem(
                "unsupported format of a label file",
                file=file,
                allowed=".txt, .names, .yaml, .yml, .json or .pbtxt",
                rule=LABEL_FILE,
            )
        )
    categories = coco(entries)
    if categories is not None:
        drop = () if keep_ids else ("id",)
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
        ids = [_class_id(key) for key in entries]
        if ids == list(range(len(ids))):
            entries = list(entries.values())
        else:
            entries = [
                {"name": name, "id": class_id}
                for class_id, name in zip(ids, entries.values(), strict=True)
            ]
    if not isinstance(entries, list) or not entries:
        raise ManifestError(
            Problem(
                "contains no labels",
                file=file,
                allowed="a list, or a key `names`",
                rule=LABEL_FILE,
            )
        )
    return entries


def encoding_problem(file: Path) -> Problem | None:
    """Return a warning if the encoding of a readable text file had to be assumed."""
    if file.suffix.lower() not in (".txt", ".names", ".json", ".pbtxt"):
        return None
    assumed = _read(file).assumed
    if not assumed:
        return None
    return Problem(
        f"{file.name} is not UTF-8; it was read as {assumed}",
        found=", ".join(dict.fromkeys(re.findall(r"\S*[^\x00-\x7f]\S*", _read(file).text)[:5])),
        hint="check these names, or save the file as UTF-8",
        rule=LABEL_ENCODING,
    )


def _read(file: Path) -> DecodedText:
    """Read a text file.

    Raises:
        ManifestError: the file cannot be read, or is not text.
    """
    try:
        return decode(file.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> ManifestError:
    """Return the error for a label file that cannot be read."""
    return ManifestError(Problem(f"cannot be read: {error}", file=file, rule=LABEL_FILE))


def _class_id(key: object) -> object:
    """Return a key as an integer if it is one in text, as in JSON."""
    return int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else key
