"""Label files: text, YAML, and JSON of COCO or CVAT."""

import json
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.label_formats import coco, cvat
from builder.manifest.located_yaml import LocatedYaml

LABEL_FILE = Rule(
    "label-file",
    "Unusable label file",
    "The file is missing, or its format is not supported.",
)


def from_file(file: Path, *, keep_ids: bool = False) -> list[Any]:
    """Return the entries of a label file, to be validated like labels in a manifest.

    Args:
        file: `.txt` with one name per line; `.yaml` or `.json` with a list of names or labels, or
            with a key `names` (a list, or class ID -> name) as in Ultralytics' data.yaml; COCO
            annotations; the raw JSON of CVAT's label constructor.
        keep_ids: whether to keep the category IDs of COCO. Otherwise classes are numbered in
            order, because most models are trained without the gaps.

    Raises:
        ManifestError: the file cannot be read or contains no labels.
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
                "unsupported format of a label file",
                file=file,
                allowed=".txt, .yaml, .yml or .json",
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


def _unreadable(file: Path, error: Exception) -> ManifestError:
    """Return the error for a label file that cannot be read."""
    return ManifestError(Problem(f"cannot be read: {error}", file=file, rule=LABEL_FILE))


def _class_id(key: object) -> object:
    """Return a key as an integer if it is one in text, as in JSON."""
    return int(key) if isinstance(key, str) and key.isascii() and key.isdecimal() else key
