"""What Ultralytics writes into a model's metadata: Python literals in text, or YAML beside it.

Files lie: thousands of entries, dictionaries that are not what their key says. Everything is
checked, and what does not check out is not there.
"""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import ManifestError, ModelError
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.located_yaml import LocatedYaml
from runtimes.arrays import Size

MODEL_METADATA = Rule(
    "model-metadata",
    "Unusable model metadata",
    "The metadata file beside the model is damaged or malformed.",
)


_MAX_LENGTH = 1_000_000


def literal(text: str) -> Any:
    """The value of a Python literal.

    Raises:
        ValueError: it is none, or far too long.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError("too long")
    try:
        # literal_eval reads constants only; it never runs what a hostile file says.
        return ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from error


def image_size(metadata: Mapping[str, str]) -> Size | None:
    """Height and width that the model was trained at: `imgsz`, or None."""
    try:
        size = literal(metadata.get("imgsz", ""))
    except ValueError:
        return None
    if not isinstance(size, list) or len(size) != 2:
        return None
    height, width = size
    sane = all(type(side) is int and 1 <= side <= 16384 for side in size)
    return (height, width) if sane else None


BESIDE = "metadata.yaml"
"""What Ultralytics calls the file that it writes into the folder of an OpenVINO IR."""


def beside(model: Path) -> dict[str, str]:
    """What the file beside an OpenVINO IR says of it, in the words that an ONNX file would carry.

    The file does not name its model, so it counts where there is no other that it could be of.

    Args:
        model: the IR's XML file.

    Raises:
        ModelError: the file cannot be read, or does not stop where metadata would.
    """
    file = model.with_name(BESIDE)
    if not file.is_file() or len(list(model.parent.glob("*.xml"))) != 1:
        return {}
    try:
        data = LocatedYaml.read(file, text_keys=False).data
    except ManifestError as error:
        raise ModelError(*(_unreadable(problem, model) for problem in error.problems)) from error
    if not isinstance(data, dict):
        return {}
    return {
        key: value if isinstance(value, str) else repr(value)
        for key, value in data.items()
        if isinstance(key, str)
    }


def _unreadable(problem: Problem, model: Path) -> Problem:
    """A problem of the file beside a model, told as one of the model's."""
    line = f", line {problem.line}" if problem.line else ""
    return Problem(
        f"{BESIDE} beside {model.name} cannot be used{line}: {problem.what}",
        file=model,
        found=problem.found,
        allowed="plain YAML, as Ultralytics writes it",
        hint="export the model again, or take the file away and list the labels in the manifest",
        rule=MODEL_METADATA,
    )
