"""Metadata that exporters write: literals in the model, or a YAML file next to it.

Metadata are not trusted: invalid values are treated as missing.
"""

import ast
import json
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


def parse_literal(text: str) -> Any:
    """Return the value of a literal in Python's or JSON's spelling.

    Raises:
        ValueError: the text is neither, or is too long.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError("too long")
    try:
        # literal_eval reads constants only and never runs code.
        return ast.literal_eval(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError, TypeError):
        try:
            return json.loads(text)  # such as {"nms": false}
        except RecursionError as error:
            raise ValueError(str(error)) from error


def image_size(metadata: Mapping[str, str]) -> Size | None:
    """Return the image size of the training, height and width, from `imgsz`; None if absent."""
    try:
        size = parse_literal(metadata.get("imgsz", ""))
    except ValueError:
        return None
    if not isinstance(size, list) or len(size) != 2:
        return None
    height, width = size
    is_valid = all(type(side) is int and 1 <= side <= 16384 for side in size)
    return (height, width) if is_valid else None


METADATA_FILE = "metadata.yaml"
"""The file that Ultralytics writes into the folder of an OpenVINO IR."""


def read_metadata_file(model: Path) -> dict[str, str]:
    """Return the metadata from the file next to an OpenVINO IR, with values as in ONNX metadata.

    The file does not name its model, so it is ignored if the folder contains several models.

    Args:
        model: the XML file of the IR.

    Raises:
        ModelError: the metadata file cannot be read, is not YAML, or is too large.
    """
    file = model.with_name(METADATA_FILE)
    if not file.is_file() or len(list(model.parent.glob("*.xml"))) != 1:
        return {}
    try:
        data = LocatedYaml.read(file, text_keys=False).data
    except ManifestError as error:
        raise ModelError(*(_model_problem(problem, model) for problem in error.problems)) from error
    if not isinstance(data, dict):
        return {}
    return {
        key: value if isinstance(value, str) else repr(value)
        for key, value in data.items()
        if isinstance(key, str)
    }


def _model_problem(problem: Problem, model: Path) -> Problem:
    """Return a problem of the model file from a problem of its metadata file."""
    line = f", line {problem.line}" if problem.line else ""
    return Problem(
        f"{METADATA_FILE} of {model.name} is invalid{line}: {problem.what}",
        file=model,
        found=problem.found,
        allowed="YAML as Ultralytics writes it",
        hint=f"export the model again, or remove {METADATA_FILE} and list labels in the manifest",
        rule=MODEL_METADATA,
    )
