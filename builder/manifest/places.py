"""Where keys belong: the keys that the schema allows at a path, and the places of a key."""

import copy
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from builder.diagnostics.path import Path_, is_within, spell
from builder.manifest.validation import validate_strictly

_MAX_DEPTH = 4
"""Keys above a key of a manifest, at most. Some models contain themselves."""


def keys_at(model: type[BaseModel], path: Path_) -> set[str]:
    """Return the keys that are allowed at `path`."""
    types: list[Any] = [model]
    for key in path:
        types = [
            below
            for above in types
            for below in (_structures(_field_types(above).get(str(key)), isinstance(key, int)))
        ] or types
    return {name for item in types for name in _field_types(item)}


def hint_for_key(model: type[BaseModel], path: Path_, data: Any) -> str:
    """Return a hint for an unknown key that is allowed at another place; empty if it is none.

    Args:
        model: the class of the whole manifest.
        path: the path of the key.
        data: the manifest's data.
    """
    *above, name = path
    value = _value_at(data, path)
    place = tuple(above)
    if above and isinstance(value, dict) and value and set(value) <= keys_at(model, place):
        return f"write its keys directly under `{spell(place)}`"
    places = hint_places(model, path, data)
    return f"move it to {places}" if places and isinstance(name, str) else ""


def hint_places(model: type[BaseModel], path: Path_, data: Any, valid: bool = False) -> str:
    """Return the places, as text, to which the key at `path` can be moved; empty without one.

    Args:
        model, path, data: see hint_for_key.
        valid: whether to leave out places where the value is not valid. Otherwise they are left
            out only if the value is valid at another place.
    """
    *above, name = path
    if not (path and isinstance(name, str)) or any(isinstance(it, int) for it in above):
        return ""
    places = [
        it
        for it in dict.fromkeys(_places(model, name, ()))
        if it != tuple(above) and _can_hold(data, it, name)
    ]
    # A key of a variant is most likely meant for that variant.
    same = [it for it in places if len(above) > 1 and it[:2] == tuple(above[:2])]
    fitting = [it for it in places if _is_valid_at(model, path, it, data)]
    chosen = [it for it in fitting if it in same] or fitting or ([] if valid else same or places)
    words = [f"`{spell(it)}`" if it else "the top level of the manifest" for it in chosen]
    return " or ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)


def error_at(
    model: type[BaseModel], path: Path_, value: object, data: Any
) -> tuple[ErrorDetails, ...]:
    """Return the errors within `path` of the manifest if it had `value` there.

    Raises:
        LookupError, TypeError: there is nothing that contains the path.
    """
    changed = copy.deepcopy(data)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return _errors_within(model, path, changed)


def _errors_within(model: type[BaseModel], path: Path_, data: Any) -> tuple[ErrorDetails, ...]:
    """Return the errors of the values within `path`."""
    try:
        validate_strictly(model, data)
    except ValidationError as error:
        found = error.errors(include_url=False)
        return tuple(it for it in found if is_within(path_of(it, data), path))
    return ()


def path_of(detail: ErrorDetails, data: Any) -> Path_:
    """Return the path of an error in the data: its location without the names of union members."""
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


def _is_valid_at(model: type[BaseModel], path: Path_, place: Path_, data: Any) -> bool:
    """Return whether the value at `path` is valid as a key of `place`."""
    changed = copy.deepcopy(data)
    above = changed
    for key in path[:-1]:
        above = above[key]
    value = above.pop(path[-1])
    parent = changed
    for key in place:
        parent = parent.setdefault(key, {})
    parent[path[-1]] = value
    return not _errors_within(model, (*place, path[-1]), changed)


def _can_hold(data: Any, place: Path_, name: str) -> bool:
    """Return whether the key can be added to the data at `place`."""
    for key in place:
        if not isinstance(data, dict):
            return False
        data = data.get(str(key), {})
    return isinstance(data, dict) and name not in data


def _value_at(data: Any, path: Path_) -> Any:
    """Return the value at `path`, which exists."""
    for key in path:
        data = data[key]
    return data


def _places(item: Any, name: str, path: Path_) -> Iterator[Path_]:
    """Yield the paths of the structures within `item` that have a key `name`, outside of lists."""
    types = _field_types(item)
    if name in types:
        yield path
    if len(path) < _MAX_DEPTH:
        for key, annotation in types.items():
            for below in _structures(annotation, False, within_lists=False):
                yield from _places(below, name, (*path, key))


def _field_types(item: Any) -> dict[str, Any]:
    """Return field name -> annotation of a pydantic model or a dataclass."""
    if isinstance(item, type) and issubclass(item, BaseModel):
        return {name: field.annotation for name, field in item.model_fields.items()}
    if is_dataclass(item):
        return {field.name: field.type for field in fields(item)}
    return {}


def _structures(annotation: Any, is_index: bool, within_lists: bool = True) -> Iterator[Any]:
    """Yield the pydantic models and dataclasses in an annotation, at any depth."""
    if is_index or annotation is None:
        return
    if isinstance(annotation, type) and _field_types(annotation):
        yield annotation
    if not within_lists and get_origin(annotation) in (tuple, list, dict):
        return
    for argument in get_args(annotation):
        yield from _structures(argument, False, within_lists)
