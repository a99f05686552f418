"""Docstrings of fields as descriptions in JSON Schemas.

pydantic's `use_attribute_docstrings` does the same, but parses the source of every class whenever
the tool starts, which takes longer than checking a manifest.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from builder.reference.examples import description


class Described(GenerateJsonSchema):
    """A generator of JSON Schemas with the docstrings of fields as descriptions."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Return the schema of a pydantic model."""
        return _described(schema["cls"], super().model_schema(schema))

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Return the schema of a dataclass, such as a step."""
        return _described(schema["cls"], super().dataclass_schema(schema))


def field_docstrings(cls: type) -> Mapping[str, str]:
    """Return the docstring of every field that has one, inherited fields included."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if inspect.get_annotations(base) and not base.__module__.startswith("pydantic"):
            found |= _own(base)
    return found


@cache
def _own(cls: type) -> dict[str, str]:
    """Return the docstrings of the fields that a class itself declares."""
    try:
        source = inspect.getsource(cls)
    except OSError:
        return {}  # a class created at run time, such as the entry of a list of steps
    (tree,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(tree, ast.ClassDef)
    return {
        field.target.id: _unwrapped(below.value.value)
        for field, below in zip(tree.body, tree.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _unwrapped(docstring: str) -> str:
    """Return a docstring with each paragraph on one line; editors wrap lines themselves."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _described(cls: type, made: dict[str, Any]) -> JsonSchemaValue:
    """Return a schema with descriptions of its fields and without the example of a step."""
    if "description" in made:
        made["description"] = description(cls)
    for name, text in field_docstrings(cls).items():
        if name in made.get("properties", {}):
            made["properties"][name]["description"] = text
    return made
