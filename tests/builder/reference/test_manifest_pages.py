from functools import cache
from typing import Any

from builder.manifest.schema import MANIFESTS
from builder.manifest.steps import known_steps
from builder.reference.json_schema import schema
from builder.reference.manifest_pages import PAGES, Keys, pages


@cache
def text() -> str:
    """All pages, one after the other."""
    return "\n".join(pages().values())


def test_every_step_and_key_is_on_a_page() -> None:
    for section in ("preprocess", *MANIFESTS):
        assert [name for name in known_steps(section) if f"### `{name}`\n" not in text()] == []
    keys = [key for manifest in MANIFESTS.values() for key in manifest.model_fields]
    assert [key for key in keys if f"| `{key}` |" not in text()] == []


def test_every_model_of_the_schema_is_on_a_page() -> None:
    listed = {it.model.__name__ for page in PAGES for it in page.sections if isinstance(it, Keys)}
    definitions: dict[str, Any] = schema()["$defs"]
    steps = {f"{listing.capitalize()}Step" for listing in ("preprocess", *MANIFESTS)}
    models = {
        name.rpartition("__")[2]
        for name, definition in definitions.items()
        if definition.get("type") == "object" and name not in steps
    }
    classes = {
        step.__name__ for it in ("preprocess", *MANIFESTS) for step in known_steps(it).values()
    }
    assert models - classes - listed - {"Variants"} == set()


def test_every_key_of_every_step_is_explained() -> None:
    rows = [line for line in text().splitlines() if line.startswith("| `")]
    assert rows
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_index_links_every_page_and_every_step() -> None:
    index = pages()["docs/manifest.md"]
    for page in PAGES:
        assert f"(manifest/{page.file})" in index
    for section in ("preprocess", *MANIFESTS):
        for name in known_steps(section):
            assert f"[`{name}`](manifest/" in index
