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
