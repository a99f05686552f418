from dataclasses import dataclass

from pydantic import BaseModel, TypeAdapter

from builder.reference.docstrings import Described, field_docstrings


@dataclass
class Base:
    kept: int
    """Said by the base, in a text
    of two lines.

    And a second paragraph."""
    changed: int
    """Said by the base."""
    silent: int


@dataclass
class Derived(Base):
    changed: int
    """Said by the derived class."""
    own: str = ""
    """Its own."""


class Model(BaseModel):
    inner: Derived
    """What the model says of it."""
    plain: str = ""


EXPECTED = {
    "kept": "Said by the base, in a text of two lines.\n\nAnd a second paragraph.",
    "changed": "Said by the derived class.",
    "own": "Its own.",
}


def test_docstrings_of_fields_are_inherited_and_replaced() -> None:
    assert field_docstrings(Derived) == EXPECTED


def test_json_schemas_of_dataclasses_and_models_have_descriptions() -> None:
    schema = TypeAdapter(Model).json_schema(schema_generator=Described)
    inner = schema["$defs"]["Derived"]["properties"]
    found = {name: it["description"] for name, it in inner.items() if "description" in it}
    assert found == EXPECTED
    assert schema["properties"]["inner"]["description"] == "What the model says of it."
    assert "description" not in schema["properties"]["plain"]
