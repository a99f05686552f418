"""From pydantic's findings to problems with a place in the manifest."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from builder.diagnostics.errors import ManifestError, Problem, Refused, did_you_mean
from builder.manifest.located_yaml import Document, Path_
from builder.manifest.patterns import WORDS
from builder.manifest.steps import LISTINGS, known


class Strict(BaseModel):
    """What all models of the tool share: no unknown keys, no silent conversions, no changes."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,
    )


_Model = TypeVar("_Model", bound=BaseModel)

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "mapping_type": "keys and values",
    "model_type": "keys and values",
    "dataclass_type": "keys and values",
    "none_required": "nothing",
    "string_too_short": "text that is not empty",
    "too_short": "a list that is not empty",
}
"""pydantic's type of error -> what would have been right."""

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "string_too_long": ("at most this many characters:", "max_length"),
    "too_long": ("at most this many entries:", "max_length"),
}
"""pydantic's type of error -> how to say the bound, and where pydantic keeps it."""


def validate(model: type[_Model], data: Any, document: Document) -> _Model:
    """Read `data`, which came from `document` and may have been brought into a long form.

    Raises:
        ManifestError: with everything that is wrong.
    """
    try:
        return read(model, data)
    except ValidationError as error:
        raise ManifestError(*problems_of(error, model, data, document).values()) from None


def read(model: type[_Model], data: Any) -> _Model:
    """Read `data` strictly.

    Raises:
        ValidationError: with everything that is wrong, as pydantic says it.
    """
    # By way of JSON, since only there "strict" means what a person means by it: a list may become a
    # tuple, a word of a fixed set an enum, but "5" is no number and 1 is not true.
    return model.model_validate_json(json.dumps(data), strict=True)


def problems_of(
    error: ValidationError, model: type[BaseModel], data: Any, document: Document
) -> dict[Path_, Problem]:
    """One problem for each place, in the order of the file."""
    by_path: dict[Path_, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_path.setdefault(_path(detail, data), []).append(detail)
    # Where a value may be of several types, pydantic complains once for each. An error further
    # down says that the value at least began like one of them, so it is the one that matters.
    deepest = [
        path
        for path in by_path
        if not any(len(other) > len(path) and other[: len(path)] == path for other in by_path)
    ]
    problems = {path: _problem(path, by_path[path], model, document) for path in deepest}
    in_order = sorted(problems, key=lambda path: (problems[path].line, problems[path].column))
    return {path: problems[path] for path in in_order}


def _path(detail: ErrorDetails, data: Any) -> Path_:
    """Where an error lies in the data: its location without the names of union members."""
    path: list[str | int] = []
    value = data
    location = detail["loc"]
    for number, key in enumerate(location):
        last_is_absent = number == len(location) - 1 and detail["type"].startswith("missing")
        if isinstance(value, dict) and key in value:
            value = value[str(key)]
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        elif not last_is_absent:
            continue
        path.append(key)
    return tuple(path)


def _problem(
    path: Path_, details: Sequence[ErrorDetails], model: type[BaseModel], document: Document
) -> Problem:
    """One problem out of all that pydantic says of one place."""
    # Of all forms that a value may have, one that says more than "another type" is the one meant.
    first = next((it for it in details if it["type"] == "value_error"), details[0])
    kind, name = first["type"], str(path[-1]) if path else ""
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        keys = sorted(_keys(model, path[:-1]))
        what = "unknown step" if _is_step_list(path) else "unknown key"
        hint, code = did_you_mean(name, keys), what.replace(" ", "-")
        if what == "unknown step" and not hint:
            hint = _elsewhere(name)
        return document.problem(path, f"{what} '{name}'", "", ", ".join(keys), hint, code)
    if kind.startswith("missing"):
        return document.problem(path, "is missing", code="missing-key")
    if kind == "value_error":
        refused = first["ctx"]["error"]
        if not isinstance(refused, Refused):
            found = document.found(path)
            return document.problem(path, str(refused), found, code="wrong-value")
        place = (*path, refused.where) if refused.where else path
        found, allowed, hint = document.found(place), refused.allowed, refused.hint
        return document.problem(place, str(refused), found, allowed, hint, refused.code)
    allowed = " or ".join(dict.fromkeys(_allowed(detail) for detail in details))
    # A short form has no place of its own in the document; pydantic still has its value.
    found = document.found(path) or _scalar(first["input"])
    hint = did_you_mean(found, _choices(details))
    if isinstance(first["input"], dict) and "a list" in allowed:
        hint = "begin each entry of the list with `- `"
    if _is_step_list((*path, "")):
        allowed = "a step: `name`, `name: value` or `name: {field: value}`"
    if "text" in allowed and isinstance(first["input"], bool | int | float):
        hint = f'put it in quotes: "{found}"'
    return document.problem(
        path, "has the wrong value", found or "nothing", allowed, hint, "wrong-value"
    )


def _elsewhere(name: str) -> str:
    """A hint that says where a step can stand that cannot stand where it does, or nothing."""
    lists = [listing for listing in LISTINGS if name in known(listing)]
    if not lists:
        return ""
    if "preprocess" in lists:
        return f"`{name}` is a step of `preprocess`"
    return f"`{name}` is a step of `postprocess` in functions of type {' or '.join(lists)}"


def _scalar(value: object) -> str:
    """A value's text, where it is short enough to show."""
    if isinstance(value, dict):
        return "keys and values" if value else ""
    return "" if isinstance(value, list) else json.dumps(value)


def _choices(details: Sequence[ErrorDetails]) -> list[str]:
    """The words that pydantic would have taken, out of its list of them: `'a', 'b' or 'c'`."""
    listings = [str(detail.get("ctx", {}).get("expected", "")) for detail in details]
    return [word for listing in listings for word in re.findall(r"'([^']+)'", listing)]


def _allowed(detail: ErrorDetails) -> str:
    """What would have been right, in words."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        bound = context[key]
        return f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}"
    if kind == "string_pattern_mismatch":
        return WORDS[context["pattern"]]
    if kind in ("literal_error", "enum"):
        return str(context["expected"])
    if kind == "value_error":
        return str(context["error"])
    return detail["msg"].removeprefix("Input should be ")


def _is_step_list(path: Path_) -> bool:
    """Whether the last key of `path` is the name of a step."""
    return len(path) >= 3 and path[-3] in ("preprocess", "postprocess")


def _keys(model: type[BaseModel], path: Path_) -> set[str]:
    """The keys that may stand at `path`."""
    types: list[Any] = [model]
    for key in path:
        types = [
            below
            for above in types
            for below in (_structures(_field_types(above).get(str(key)), isinstance(key, int)))
        ] or types
    return {name for item in types for name in _field_types(item)}


def _field_types(item: Any) -> dict[str, Any]:
    """Field name -> annotation, of a pydantic model or a dataclass."""
    if isinstance(item, type) and issubclass(item, BaseModel):
        return {name: field.annotation for name, field in item.model_fields.items()}
    if is_dataclass(item):
        return {field.name: field.type for field in fields(item)}
    return {}


def _structures(annotation: Any, is_index: bool) -> Iterator[Any]:
    """The pydantic models and dataclasses that an annotation speaks of, at any depth."""
    if is_index or annotation is None:
        return
    if isinstance(annotation, type) and _field_types(annotation):
        yield annotation
    for argument in get_args(annotation):
        yield from _structures(argument, False)
