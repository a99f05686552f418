"""Markdown of the reference pages: tables of keys, sections of steps, links."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from builder.reference.docstrings import Described
from builder.reference.examples import description, example


def keys_of(cls: type) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of every key of a model or step; `required` is added to each."""
    schema = TypeAdapter(cls).json_schema(schema_generator=Described)
    # The schema of a recursive class is a reference to its own definition.
    schema = schema.get("$defs", {}).get(schema.get("$ref", "").split("/")[-1], schema)
    required = schema.get("required", [])
    return {
        str(key): {**field, "required": key in required}
        for key, field in schema.get("properties", {}).items()
    }


def key_table(keys: dict[str, dict[str, Any]]) -> str:
    """Return a table of keys with defaults and descriptions; empty without keys."""
    rows = [
        f"| `{key}` | {_default(schema)} | {one_line(str(schema.get('description', '')))} |"
        for key, schema in keys.items()
    ]
    return (
        "\n".join(["| key | default | description |", "|---|---|---|", *rows, ""]) if rows else ""
    )


def step_section(name: str, step: type) -> str:
    """Return the section of a step: description, example and keys."""
    parts = [f"### `{name}`", description(step), f"```yaml\n{example(step)}\n```"]
    table = key_table(keys_of(step))
    return "\n\n".join([*parts, table] if table else [*parts, ""])


def step_list(steps: dict[str, type], file: str = "") -> str:
    """Return a table of steps with links to their sections.

    Args:
        steps: step by name.
        file: the page with the sections, relative to the page with the table; empty for the same.
    """
    rows = [
        f"| [`{name}`]({file}#{anchor(name)}) | {one_line(summary(step))} |"
        for name, step in steps.items()
    ]
    return "\n".join(["| step | description |", "|---|---|", *rows, ""])


def summary(cls: type) -> str:
    """Return the first paragraph of a docstring."""
    return description(cls).split("\n\n")[0]


def contents(titles: list[str]) -> Iterator[str]:
    """Yield a list entry with a link for every heading of a page."""
    for title in titles:
        yield f"- [{title}](#{anchor(title)})"


def anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def one_line(text: str) -> str:
    """Return a text as the content of a table cell."""
    return " ".join(text.split()).replace("|", "\\|")


def _default(schema: dict[str, Any]) -> str:
    """Return the cell of a key's default; empty if the default is an object."""
    if schema["required"]:
        return "required"
    default = schema.get("default", {})
    return "" if isinstance(default, dict) else f"`{_yaml(default)}`"


def _yaml(value: object) -> str:
    """Return a default as it is written in a manifest; "-" for None."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "-"}[value]
    return "[]" if value == [] else '""' if value == "" else str(value)
