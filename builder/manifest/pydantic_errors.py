"""Problems from pydantic's validation errors."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from builder.diagnostics.errors import ManifestError, Refused
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import did_you_mean
from builder.manifest.located_yaml import LocatedYaml
from builder.manifest.patterns import WORDS, suggestion
from builder.manifest.places import error_at, hint_for_key, hint_places, keys_at, path_of
from builder.manifest.steps import LISTINGS, known_steps
from builder.manifest.validation import validate_strictly

MISSING_KEY = Rule(
    "missing-key",
    "Missing key",
    "The function cannot be built without it.",
)
UNKNOWN_KEY = Rule(
    "unknown-key",
    "Unknown key",
    "A misspelled key would be ignored, and its default would apply.",
)
UNKNOWN_STEP = Rule(
    "unknown-step",
    "Unknown step",
    "The list accepts no step of this name.",
)
INVALID_VALUE = Rule(
    "invalid-value",
    "Invalid value",
    "The value has the wrong type, is out of range, or has the wrong format.",
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
"""pydantic's error type -> the allowed values."""

_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "string_too_long": ("at most this many characters:", "max_length"),
    "too_long": ("at most this many entries:", "max_length"),
}
"""pydantic's error type -> the words for the bound, and the bound's key in its context."""


def validate(model: type[_Model], data: Any, source: LocatedYaml) -> _Model:
    """Validate `data`, the data of `source` with steps in their long form.

    Raises:
        ManifestError: with all mistakes.
    """
    try:
        return validate_strictly(model, data)
    except ValidationError as error:
        raise ManifestError(*problems_of(error, model, data, source).values()) from None


def problems_of(
    error: ValidationError, model: type[BaseModel], data: Any, source: LocatedYaml
) -> dict[Path_, Problem]:
    """Return one problem for each location, in the order of the file."""
    by_path: dict[Path_, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        by_path.setdefault(path_of(detail, data), []).append(detail)
    # For a value of several types pydantic reports an error for each type. An error further down
    # means that the value matched one of the types so far, so it is the relevant one.
    above = {path[:length] for path in by_path for length in range(len(path))}
    deepest = [path for path in by_path if path not in above]
    problems = {path: _problem(path, by_path[path], model, data, source) for path in deepest}
    _join_misspelled(problems)
    paths = sorted(problems, key=lambda path: (problems[path].line, problems[path].column))
    return {path: problems[path] for path in paths}


def _join_misspelled(problems: dict[Path_, Problem]) -> None:
    """Join a missing key of an entry with the unknown key that may be a misspelling of it.

    The joined problem gets the path of the entry, since recovery cannot keep an entry without the
    key.
    """
    absent = [it for it, problem in problems.items() if problem.rule is MISSING_KEY]
    for missing in absent:
        beside = [it for it in absent if it[:-1] == missing[:-1]]
        unknown = [
            path
            for path, problem in problems.items()
            if problem.rule is UNKNOWN_KEY and path[:-1] == missing[:-1]
        ]
        # The other keys of a whole manifest are too many for a guess.
        if len(missing) > 1 and len(beside) == len(unknown) == 1:
            hint = f"did you mean '{missing[-1]}'?"
            problems[missing[:-1]] = replace(problems.pop(unknown[0]), hint=hint)
            del problems[missing]


def _problem(
    path: Path_,
    details: Sequence[ErrorDetails],
    model: type[BaseModel],
    data: Any,
    source: LocatedYaml,
) -> Problem:
    """Return one problem for all errors of one location."""
    # The error of a validator is more specific than a type error.
    first = next((it for it in details if it["type"] == "value_error"), details[0])
    error_type, name = first["type"], str(path[-1]) if path else ""
    if error_type in ("extra_forbidden", "unexpected_keyword_argument"):
        keys = sorted(keys_at(model, path[:-1]))
        allowed, hint = ", ".join(keys), did_you_mean(name, keys)
        if not _is_step(path):
            hint = hint_for_key(model, path, data) or hint
            return source.problem(path, f"unknown key '{name}'", "", allowed, hint, UNKNOWN_KEY)
        hint = hint or _list_of(name)
        return source.problem(path, f"unknown step '{name}'", "", allowed, hint, UNKNOWN_STEP)
    if error_type.startswith("missing"):
        return source.problem(path, "is missing", rule=MISSING_KEY)
    if error_type == "value_error":
        refused = first["ctx"]["error"]
        if isinstance(refused, Refused):
            return source.locate(refused.problem, path)
        return source.problem(path, str(refused), source.found(path), rule=INVALID_VALUE)
    allowed = " or ".join(dict.fromkeys(_allowed(detail) for detail in details))
    if any(it["type"] in ("model_type", "dataclass_type") for it in details):
        named = ", ".join(sorted(keys_at(model, path)))
        allowed = allowed.replace("keys and values", f"keys and values: {named}".rstrip(": "))
    # The value of a short form has no location of its own, but pydantic reports it.
    found = source.found(path) or _scalar(first["input"])
    hint = did_you_mean(found, _choices(details))
    if isinstance(first["input"], dict) and "a list" in allowed:
        hint = "begin each entry of the list with `- `"
    if _is_step((*path, "")):
        allowed = "a step: `name`, `name: value` or `name: {field: value}`"
    if "text" in allowed and isinstance(first["input"], bool | int | float):
        hint = f'put it in quotes: "{found}"'
        refused_text = _errors_of(path, found, model, data)
        if refused_text:
            allowed, hint = _allowed(refused_text[0]), _pattern_hint(name, refused_text[0], found)
    elif allowed in ("a number", "a whole number") and isinstance(first["input"], str):
        hint = _number_hint(first["input"], whole=allowed == "a whole number")
    elif isinstance(first["input"], str) and not hint:
        hint = _bare_hint(path, first["input"], model, data)
    if error_type == "string_pattern_mismatch":
        hint = _pattern_hint(name, first, found)
    if not hint and error_type in ("literal_error", "enum"):
        places = hint_places(model, path, data, valid=True)
        hint = f"`{name}: {found}` is allowed at {places}" if places else ""
    return source.problem(path, "invalid value", found or "nothing", allowed, hint, INVALID_VALUE)


def _pattern_hint(name: str, detail: ErrorDetails, text: str) -> str:
    """Return a hint with the value that was most likely meant; empty without one."""
    meant = suggestion(str(detail.get("ctx", {}).get("pattern", "")), text)
    if not meant:
        return ""
    quoted = json.dumps(meant) if re.fullmatch("[0-9.]+", meant) else meant
    return f"write `{name}: {quoted}`"


def _errors_of(
    path: Path_, value: object, model: type[BaseModel], data: Any
) -> tuple[ErrorDetails, ...]:
    """Return the errors of the value at `path` if it were `value`; none if it cannot be set."""
    try:
        return error_at(model, path, value, data)
    except (LookupError, TypeError):
        return ()


_BARE = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
"""Word -> the value that YAML 1.1 reads without quotes."""


def _bare_hint(path: Path_, text: str, model: type[BaseModel], data: Any) -> str:
    """Return a hint for text that would be valid without its quotes; empty for other text."""
    value: int | None = _BARE.get(text.lower())
    if value is None and re.fullmatch("[0-9]{1,9}", text):
        value = int(text)
    if value is None or _errors_of(path, value, model, data):
        return ""
    return f"write {json.dumps(value)}, without quotes"


def _number_hint(text: str, whole: bool) -> str:
    """Return a hint for text that is meant as a number, such as 1e-3; empty for other text."""
    try:
        number = float(text)
    except ValueError:
        return ""
    if not math.isfinite(number) or (whole and not number.is_integer()):
        return ""
    # YAML 1.1 reads a number with an exponent as text unless it has a point and a sign.
    spelled = repr(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    if "e" in spelled and "." not in spelled:
        spelled = spelled.replace("e", ".0e")
    return f"write {spelled}, without quotes"


def _list_of(name: str) -> str:
    """Return a hint that names the lists in which a step is allowed; empty for unknown steps."""
    lists = [listing for listing in LISTINGS if name in known_steps(listing)]
    if not lists:
        return ""
    if "preprocess" in lists:
        return f"`{name}` is a step of `preprocess`"
    return f"`{name}` is a step of `postprocess` in functions of type {' or '.join(lists)}"


def _scalar(value: object) -> str:
    """Return the text of a scalar value."""
    if isinstance(value, dict):
        return "keys and values" if value else ""
    return "" if isinstance(value, list) else json.dumps(value)


def _choices(details: Sequence[ErrorDetails]) -> list[str]:
    """Return the allowed words from pydantic's text: `'a', 'b' or 'c'`."""
    listings = [str(detail.get("ctx", {}).get("expected", "")) for detail in details]
    return [word for listing in listings for word in re.findall(r"'([^']+)'", listing)]


def _allowed(detail: ErrorDetails) -> str:
    """Return a description of the allowed values."""
    error_type, context = detail["type"], detail.get("ctx", {})
    if error_type in _EXPECTED:
        return _EXPECTED[error_type]
    if error_type in _BOUNDS:
        words, key = _BOUNDS[error_type]
        bound = context[key]
        return f"{words} {bound:g}" if isinstance(bound, float) else f"{words} {bound}"
    if error_type == "string_pattern_mismatch":
        return WORDS[context["pattern"]]
    if error_type in ("literal_error", "enum"):
        return str(context["expected"])
    if error_type == "value_error":
        return str(context["error"])
    return detail["msg"].removeprefix("Input should be ")


def _is_step(path: Path_) -> bool:
    """Return whether the last key of `path` is the name of a step."""
    return len(path) >= 3 and path[-3] in ("preprocess", "postprocess")
