"""The page that lists every step and key, made from the same docstrings as the schema.

Each step has an example, which its docstring ends with.
`python -m builder.reference.manifest_page > docs/manifest.md` writes the page; a test compares.
"""

import sys
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter

from builder.manifest.labels import Attribute, Label, Skeleton, Sublabel
from builder.manifest.model_source import RemoteModel, WheelModel
from builder.manifest.schema import (
    DetectorManifest,
    InteractorManifest,
    Manifest,
    ReidManifest,
    SecondModel,
    TrackerManifest,
)
from builder.manifest.steps import known
from builder.manifest.variants import CpuVariant, GpuVariant, Resources, Variant
from builder.reference.docstrings import Described
from builder.reference.examples import description, example
from runtimes.interfaces import Embedder, Segmenter, Tracking
from runtimes.step import Attribute as AttributeStep
from runtimes.step import Decoder, Refine, Shape

_HEAD = """\
# Manifest reference

This page is generated from the code's own docstrings: `python -m builder.reference.manifest_page`.

A step is written as a name, a name with its first value, or a name with its fields:

```yaml
postprocess:
  - yolo
  - nms: 0.45
  - polygon: {epsilon: 1.5, parts: all}
```
"""

_PARTS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("Every manifest", Manifest),
    ("`type: detector`", DetectorManifest),
    ("`type: interactor`", InteractorManifest),
    ("`type: tracker`", TrackerManifest),
    ("`type: reid`", ReidManifest),
    ("A label", Label),
    ("An attribute of a label", Attribute),
    ("An entry of a label's `skeletons`", Skeleton),
    ("A sublabel (keypoint) of a skeleton", Sublabel),
    ("A model from an address", RemoteModel),
    ("A model from a wheel", WheelModel),
    ("An entry of `then`", SecondModel),
    ("`variants.cpu` and `variants.gpu`", Variant),
    ("Only `variants.cpu`", CpuVariant),
    ("Only `variants.gpu`", GpuVariant),
    ("`resources`", Resources),
)

_KINDS: tuple[tuple[str, str, type], ...] = (
    ("Decoders: from the model's outputs to instances", "detector", Decoder),
    ("Refinements: from instances to fewer, or cleaner ones", "detector", Refine),
    ("Attributes: more about each instance", "detector", AttributeStep),
    ("Shapes: what CVAT draws", "detector", Shape),
    ("Segmenters: from what is clicked to masks", "interactor", Segmenter),
    ("Trackers: from a template to where it is now", "tracker", Tracking),
    ("Embedders: what ReID compares", "reid", Embedder),
)


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD]
    listed: dict[type, set[str]] = {}
    for title, model in _PARTS:
        # What a class inherits is listed once, with the class that it is from.
        inherited = {key for base in model.__mro__[1:] for key in listed.get(base, ())}
        fields = {key: it for key, it in _fields(model).items() if key not in inherited}
        parts.append(f"## {title}\n\n{_summary(model)}\n\n{_table(fields)}")
        listed[model] = set(fields)
    parts.append("## Preprocessing steps\n")
    parts += [_step(name, step) for name, step in sorted(known("preprocess").items())]
    for title, section, kind in _KINDS:
        parts.append(f"## {title}\n")
        parts += [
            _step(name, step)
            for name, step in sorted(known(section).items())
            if issubclass(step, kind)
        ]
    return "\n".join(parts).rstrip() + "\n"


def _step(name: str, step: type) -> str:
    """A step's section."""
    table = _table(_fields(step))
    head = f"### `{name}`\n\n{description(step)}\n\n```yaml\n{example(step)}\n```\n"
    return head + (f"\n{table}" if table else "")


def _summary(model: type[BaseModel]) -> str:
    """The first paragraph of a class's docstring."""
    return description(model).split("\n\n")[0]


def _fields(item: type) -> dict[str, dict[str, Any]]:
    """Key -> its JSON Schema."""
    schema = TypeAdapter(item).json_schema(schema_generator=Described)
    # A class that speaks of itself is a reference to its own definition.
    schema = schema.get("$defs", {}).get(schema.get("$ref", "").split("/")[-1], schema)
    required = schema.get("required", [])
    return {
        str(key): {**field, "required": key in required}
        for key, field in schema.get("properties", {}).items()
    }


def _table(fields: dict[str, dict[str, Any]]) -> str:
    """A table of keys; empty where there are none."""
    rows = list(_rows(fields))
    return "\n".join(["| key | default | what |", "|---|---|---|", *rows]) + "\n" if rows else ""


def _rows(fields: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A row for each key."""
    for key, schema in fields.items():
        text = " ".join(str(schema.get("description", "")).split()).replace("|", "\\|")
        default = schema.get("default")
        shown = f"`{_yaml(default)}`" if "default" in schema and default != {} else ""
        shown = "" if isinstance(default, dict) else shown
        yield f"| `{key}` | {'required' if schema['required'] else shown} | {text} |"


def _yaml(value: object) -> str:
    """A default as a manifest would spell it."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "-"}[value]
    return "[]" if value == [] else '""' if value == "" else str(value)


if __name__ == "__main__":
    sys.stdout.write(page())
