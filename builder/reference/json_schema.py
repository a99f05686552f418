"""The JSON Schema of manifests, for validation and completion in editors.

It is generated from the pydantic models that read manifests and from their docstrings. The models
see the entries of a list of steps in their long form; this module adds the short forms.
"""

import json
from dataclasses import MISSING, fields
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from builder.manifest.schema import MANIFESTS
from builder.manifest.steps import LISTINGS, entry_model, known_steps
from builder.reference.docstrings import Described
from builder.reference.examples import description
from runtimes.step import Step


def text() -> str:
    """Return the schema as the text of builder/reference/manifest.schema.json."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """Return the schema of a manifest of any function type."""
    models = tuple(MANIFESTS.values())
    union: Any = models[0]
    for model in models[1:]:
        union |= model
    made = _schema_of(Annotated[union, Field(discriminator="type")])
    definitions = made["$defs"]
    for listing in LISTINGS:
        name = entry_model(listing).__name__
        if name in definitions:
            definitions[name] = _entry(listing, definitions[name])
    # With if and then, an editor reports the errors of one branch; with a union those of all.
    branches = [
        {
            "if": {"properties": {"type": {"const": name}}},
            "then": {"$ref": f"#/$defs/{model.__name__}"},
        }
        for name, model in MANIFESTS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cvatbuild manifest",
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": list(MANIFESTS), "description": "The function type."}},
        "allOf": branches,
        "$defs": definitions,
    }


def _schema_of(item: Any) -> dict[str, Any]:
    """Return pydantic's schema of a type, with docstrings as descriptions."""
    return TypeAdapter(item).json_schema(schema_generator=Described)


def _entry(listing: str, long: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an entry of a list of steps, with its short forms.

    Args:
        listing: see builder.manifest.steps.known.
        long: pydantic's schema of the long form.
    """
    steps = known_steps(listing)
    bare = [
        {"const": name, "description": description(step)}
        for name, step in sorted(steps.items())
        if not any(_is_required(field) for field in fields(step))  # type: ignore[arg-type]
    ]
    properties = {
        name: {**_value(steps[name], long["properties"][name]), "description": description(it)}
        for name, it in sorted(steps.items())
    }
    keyed = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"title": long["title"], "anyOf": [*bare, keyed]}


def _value(step: type[Step], long: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a step's value: its fields, the value of the first field, or null."""
    listed = [field for field in fields(step) if not field.kw_only]  # type: ignore[arg-type]
    optional = {key: it for key, it in long.items() if key not in ("default", "title")}
    choices = [it for it in optional.pop("anyOf", [optional]) if it != {"type": "null"}]
    if listed and not any(_is_required(field) for field in listed[1:]):
        first = _schema_of(step)["properties"][listed[0].name]
        choices.append({key: it for key, it in first.items() if key != "default"})
    if not any(_is_required(field) for field in fields(step)):  # type: ignore[arg-type]
        choices.append({"type": "null"})
    return {"anyOf": choices}


def _is_required(field: Any) -> bool:
    """Return whether a field of a step has no default."""
    return field.default is MISSING and field.default_factory is MISSING
