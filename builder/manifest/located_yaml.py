"""YAML as plain data, with the location of every value."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import has_controls, without_password

INVALID_YAML = Rule(
    "invalid-yaml",
    "Invalid YAML",
    "The file is not valid YAML, or it uses tags, merge keys or keys that are not text.",
)
DUPLICATE_KEY = Rule(
    "duplicate-key",
    "Duplicate key",
    "YAML readers silently keep the last value.",
)

MAX_BYTES = 4 * 2**20
MAX_VALUES = 50_000
"""Aliases let a few lines of YAML stand for billions of values; no manifest needs this many. Lists
of labels need twice the 21,841 of ImageNet, and the parser takes a tenth of a millisecond for each.
"""
MAX_DEPTH = 50
_TOO_LARGE = "has too many or too deeply nested values"


class _Loader(yaml.SafeLoader):
    """YAML 1.1 without dates: `2024-01-01` stays text, because no manifest key takes a date."""

    def __init__(self, text: str) -> None:
        """Create a loader for a text."""
        super().__init__(text)
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node; stop at more than MAX_VALUES nodes."""
        self._nodes += 1
        if self._nodes > MAX_VALUES:
            raise _TooManyNodes(problem_mark=parent.start_mark if parent else None)
        return super().compose_node(parent, index)


class _TooManyNodes(yaml.MarkedYAMLError):
    """The file has more than MAX_VALUES nodes."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class LocatedYaml:
    """A parsed file.

    Attributes:
        file: the path of the file.
        data: dictionaries with string keys, lists, strings, numbers, booleans and None.
        locations: path of a value -> line and column, from 1, of its key or, in a list, of itself.
        texts: path of a scalar -> its text in the file, such as `no` for False.
    """

    file: Path
    data: Any
    locations: dict[Path_, tuple[int, int]]
    texts: dict[Path_, str]

    @classmethod
    def read(cls, file: Path, text_keys: bool = True) -> "LocatedYaml":
        """Parse a file.

        Args:
            file: YAML.
            text_keys: whether a key that is not text, such as a number, is an error.

        Raises:
            ManifestError: the file cannot be read, is not YAML, or has a duplicate key.
        """
        try:
            with file.open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
            if len(raw) > MAX_BYTES:
                raise ManifestError(
                    Problem(
                        f"is larger than {MAX_BYTES // 2**20} MiB", file=file, rule=INVALID_YAML
                    )
                )
            # Windows PowerShell writes UTF-16 when output is redirected.
            wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            return cls.parse(raw.decode("utf-16" if wide else "utf-8-sig"), file, text_keys)
        except OSError as error:
            raise ManifestError(
                Problem(f"cannot be read: {error.strerror or error}", file=file, rule=INVALID_YAML)
            ) from error
        except UnicodeDecodeError as error:
            is_text = b"\0" not in error.object
            raise ManifestError(
                Problem(
                    "is not UTF-8 text",
                    file=file,
                    line=error.object.count(b"\n", 0, error.start) + 1 if is_text else 0,
                    column=1 if is_text else 0,
                    found=f"byte 0x{error.object[error.start]:02x} at offset {error.start}",
                    hint="save it again as UTF-8"
                    if is_text
                    else "a manifest is a YAML file; the model is named inside it",
                    rule=INVALID_YAML,
                )
            ) from error

    @classmethod
    def parse(cls, text: str, file: Path, text_keys: bool = True) -> "LocatedYaml":
        """Parse text that came from `file`.

        Raises:
            ManifestError: the text is not YAML, or has a duplicate key.
        """
        loader = None
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            reader = _Reader(loader, file, text_keys)
            data = None if node is None else reader.value(node, (), 0)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise ManifestError(
                Problem(
                    _TOO_LARGE
                    if isinstance(error, _TooManyNodes)
                    else f"is not valid YAML: {error.problem or error.context}",
                    file=file,
                    line=mark.line + 1 if mark else 0,
                    column=mark.column + 1 if mark else 0,
                    rule=INVALID_YAML,
                )
            ) from error
        except RecursionError as error:
            raise ManifestError(Problem(_TOO_LARGE, file=file, rule=INVALID_YAML)) from error
        except (yaml.YAMLError, ValueError) as error:
            reason = " ".join(str(error).split())
            what = f"is not valid YAML: {reason}"
            raise ManifestError(Problem(what, file=file, rule=INVALID_YAML)) from error
        finally:
            if loader is not None:
                loader.dispose()
        return cls(file, data, reader.locations, reader.texts)

    def problem(
        self,
        path: Sequence[str | int],
        what: str,
        found: str = "",
        allowed: str = "",
        hint: str = "",
        rule: Rule | None = None,
    ) -> Problem:
        """Return a problem at `path`, located at the nearest value that exists in the file."""
        place = tuple(path)
        while place and place not in self.locations:
            place = place[:-1]
        line, column = self.locations.get(place, (0, 0))
        return Problem(what, self.file, line, column, tuple(path), found, allowed, hint, rule)

    def locate(self, problem: Problem, path: Path_) -> Problem:
        """Return a problem that a value of this file caused, with its location.

        Args:
            problem: its path is relative to `path`.
            path: the value that the problem is about.
        """
        found = problem.found or self.found((*path, *problem.path))
        details = (found, problem.allowed, problem.hint)
        return self.problem((*path, *problem.path), problem.what, *details, problem.rule)

    def found(self, path: Sequence[str | int]) -> str:
        """Return the text of the value at `path`, shortened and without the passwords of URLs.

        It is empty for keys and values.
        """
        value = self.data
        for key in path:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return ""
        if isinstance(value, dict):
            return ""
        text = self.texts.get(tuple(path)) or ("nothing" if value is None else _flow(value))
        text = without_password(text)
        # A line break in a value must not look like a line of the message.
        text = "".join(
            letter.encode("unicode_escape").decode() if has_controls(letter) else letter
            for letter in text
        )
        return text if len(text) <= 80 else text[:77] + "..."


_SHOWN = 20
"""Entries of a list that are shown; messages cut longer texts anyway."""


def _flow(value: Any) -> str:
    """Return a value as YAML on one line, without quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(it)}' for key, it in value.items())}}}"
    if isinstance(value, list):
        more = ["..."] if len(value) > _SHOWN else []
        return f"[{', '.join([*map(_flow, value[:_SHOWN]), *more])}]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    """Turns YAML nodes into plain data and records the location of each value."""

    def __init__(self, loader: yaml.SafeLoader, file: Path, text_keys: bool) -> None:
        self.locations: dict[Path_, tuple[int, int]] = {}
        self.texts: dict[Path_, str] = {}
        self._loader = loader
        self._file = file
        self._text_keys = text_keys
        self._count = 0

    def value(self, node: yaml.Node, path: Path_, depth: int) -> Any:
        """Return the data of the node at `path`."""
        self._count += 1
        if self._count > MAX_VALUES or depth > MAX_DEPTH:
            raise self._error(node, path, _TOO_LARGE)
        self.locations.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        plain = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
        if not isinstance(node, yaml.ScalarNode) and node.tag not in plain:
            raise self._error(node, path, f"has a YAML tag that is not allowed: {node.tag}")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value(child, (*path, index), depth + 1)
                for index, child in enumerate(node.value)
            ]
        self.texts[path] = node.value
        return self._scalar(node, path)

    def _scalar(self, node: yaml.Node, path: Path_) -> str | int | float | bool | None:
        """Return the data of a scalar node."""
        try:
            value = self._loader.construct_object(node, deep=True)
        except yaml.YAMLError:
            raise
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            raise self._error(node, path, "does not match its YAML tag") from error
        if not isinstance(value, str | int | float | bool | None):
            raise self._error(node, path, f"has a YAML tag that is not allowed: {node.tag}")
        if isinstance(value, int) and abs(value) >= 2**63:
            raise self._error(node, path, "is an integer of more than 64 bits")
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise self._error(node, path, "contains a lone surrogate")
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path_, depth: int) -> dict[Any, Any]:
        """Return the dictionary of a mapping node; its keys must be unique text."""
        data: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise self._error(key_node, path, "uses a merge key (<<), which is not allowed")
            is_scalar = isinstance(key_node, yaml.ScalarNode)
            key = self._scalar(key_node, path) if is_scalar else None
            if not isinstance(key, str) and (self._text_keys or not isinstance(key, int)):
                raise self._error(
                    key_node,
                    path,
                    "has a key that is not text",
                    found=str(key_node.value) if is_scalar else "a list, or keys and values",
                    hint="put the key in quotes",
                )
            below = (*path, key)
            if key in data:
                line, _ = self.locations[below]
                raise self._error(
                    key_node,
                    below,
                    f"duplicate key, first given in line {line}",
                    hint="remove one of them",
                    rule=DUPLICATE_KEY,
                )
            self.locations[below] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            data[key] = self.value(value_node, below, depth + 1)
        return data

    def _error(
        self,
        node: yaml.Node,
        path: Path_,
        what: str,
        found: str = "",
        hint: str = "",
        rule: Rule = INVALID_YAML,
    ) -> ManifestError:
        """Return the error for a problem at a node."""
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        return ManifestError(Problem(what, self._file, line, column, path, found, "", hint, rule))
