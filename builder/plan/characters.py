"""The characters of a text recognizer, from the file that a manifest names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.files import ABSENT, unreadable
from builder.diagnostics.path import Path_
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import did_you_mean
from builder.manifest.reading import ManifestFile
from builder.manifest.text_encoding import decode
from runtimes.attributes.text import METADATA, TextAttribute

CHARACTER_FILE = Rule(
    "character-file",
    "Unusable file of characters",
    "The text that a recognizer reads consists of the characters in this file.",
)


def with_characters(
    step: TextAttribute, manifest_file: ManifestFile[Any], path: Path_
) -> TextAttribute:
    """Return a step with the characters in the file that it names.

    Lists and `metadata` are returned unchanged.

    Args:
        step: from the manifest.
        manifest_file: the manifest; the file is relative to it.
        path: of the step in the manifest.

    Raises:
        ManifestError: the file cannot be read, or is not text.
    """
    if not isinstance(step.characters, str) or step.characters == METADATA:
        return step
    file = manifest_file.resolve(step.characters)
    wrong = unreadable(file)
    if not wrong:
        try:
            return replace(step, characters=_lines(file))
        except ValueError as error:
            wrong = str(error)
    raise ManifestError(
        manifest_file.problem(
            (*path, "characters"),
            f"there is no file {file}" if wrong == ABSENT else f"{file} {wrong}",
            step.characters,
            "a text file with one character per line, a list, or `metadata`",
            did_you_mean(step.characters, [METADATA]),
            CHARACTER_FILE,
        )
    )


def _lines(file: Path) -> tuple[str, ...]:
    """Return the lines of a text file; a space is a character like others.

    Raises:
        ValueError: the file is not UTF-8 or UTF-16, or contains an empty line or no line.
    """
    try:
        text = decode(file.read_bytes())
    except UnicodeDecodeError as error:
        raise ValueError(f"is not a text file: {error.reason}") from error
    if text.assumed:
        raise ValueError("is not UTF-8")
    lines = tuple(line.rstrip("\r") for line in text.text.rstrip("\r\n").split("\n"))
    if "" in lines:
        raise ValueError(f"line {lines.index('') + 1} is empty")
    return lines
