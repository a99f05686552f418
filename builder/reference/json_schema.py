"""The JSON Schema of manifests, which editors check and complete by.

It is made from the classes that read manifests, their docstrings included. Only what those get to
see in its long form, the entries of a list of steps, may be written shorter and is described here.
`python -m builder.reference.json_schema > builder/reference/manifest.schema.json` writes the
committed copy; a test compares.
"""

import json
import sys
from dataclasses import MISSING, fields
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from builder.manifest.schema import MANIFESTS
from builder.manifest.steps import LISTINGS, entry_model, known
from builder.reference.docstrings import Described
from builder.reference.examples import description
from runtimes.step import Step


def text() -> str:
    """The schema, as the committed file holds it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The schema of a manifest of any kind, which `type` tells."""
    kinds = tuple(MANIFESTS.values())
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union |= kind
    made = _schema_of(Annotated[union, Field(discriminator="type")])
    definitions = made["$defs"]
    for listing in LISTINGS:
        name = entry_model(listing).__name__
        if name in definitions:
            definitions[name] = _entry(listing, definitions[name])
    # Editors follow if and then; of a discriminated union they would tell every branch's errors.
    branches = [
        {
            "if": {"properties": {"type": {"const": kind}}},
            "then": {"$ref": f"#/$defs/{it.__name__}"},
        }
        for kind, it in MANIFESTS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A manifest of cvatbuild",
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"enum": list(MANIFESTS), "description": "What kind of function it is."}
        },
        "allOf": branches,
        "$defs": definitions,
    }


def _schema_of(item: Any) -> dict[str, Any]:
    """The schema of a type as pydantic makes it, with docstrings."""
    return TypeAdapter(item).json_schema(schema_generator=Described)


def _entry(listing: str, long: dict[str, Any]) -> dict[str, Any]:
    """An entry of a list of steps: a name, a name with its first value, or one with its fields.

    Args:
        listing: see builder.manifest.steps.known.
        long: the schema of the long form, as pydantic made it.
    """
    steps = known(listing)
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
    """What may follow a step's name: its fields, the value of the first of them, or nothing."""
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
    """Whether a step cannot do without this field."""
    return field.default is MISSING and field.default_factory is MISSING


if __name__ == "__main__":
    sys.stdout.write(text())
