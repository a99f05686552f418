"""Labels as other programs list them: COCO's annotations, and CVAT's constructor of labels."""

import re
from typing import Any


def coco(data: object) -> list[Any] | None:
    """The categories of a COCO file, in the order of their numbers, each with its own; or None.

    Format: https://cocodataset.org/#format-data. What is no category is left for validation to
    complain about.
    """
    listed = data.get("categories") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return None
    if not all(isinstance(it, dict) and type(it.get("id")) is int for it in listed):
        return listed
    return [
        _with_points({"name": it.get("name"), "id": it["id"]}, it)
        for it in sorted(listed, key=lambda it: it["id"])
    ]


def _with_points(entry: dict[str, Any], category: dict[str, Any]) -> dict[str, Any]:
    """A category with its keypoints, whose lines COCO counts from 1."""
    points = category.get("keypoints")
    if isinstance(points, list) and points:
        entry["sublabels"] = points
        lines = category.get("skeleton")
        entry["edges"] = [
            [points[end - 1] for end in line]
            for line in (lines if isinstance(lines, list) else [])
            if isinstance(line, list)
            and len(line) == 2
            and all(type(end) is int and 1 <= end <= len(points) for end in line)
        ]
    return entry


_FOREIGN = {"color", "svg", "elements", "has_parent", "parent_id"}
"""Keys that only CVAT writes."""
_EDGE = re.compile(r'data-node-from="?(\d{1,4})"?\s+data-node-to="?(\d{1,4})"?')


def cvat(entries: object) -> list[Any] | None:
    """What CVAT's constructor of labels shows as raw JSON, as a manifest has it; or None.

    Its numbers are those of CVAT's database, which mean nothing to a model, and are left out.
    """
    if not isinstance(entries, list) or not entries:
        return None
    if not all(isinstance(it, dict) and isinstance(it.get("name"), str) for it in entries):
        return None
    attributes = [
        each
        for it in entries
        for each in (it["attributes"] if isinstance(it.get("attributes"), list) else [])
    ]
    foreign = any(_FOREIGN & set(it) for it in entries) or any(
        isinstance(it, dict) and "mutable" in it for it in attributes
    )
    return [_label(it) for it in entries] if foreign else None


def _label(entry: dict[str, Any]) -> dict[str, Any]:
    """One label; its type is what the postprocessing draws."""
    found: dict[str, Any] = {"name": entry["name"]}
    listed = entry.get("attributes")
    if isinstance(listed, list) and listed:
        found["attributes"] = [_attribute(it) if isinstance(it, dict) else it for it in listed]
    points = entry.get("sublabels")
    if isinstance(points, list) and points:
        names = [it.get("name") if isinstance(it, dict) else it for it in points]
        found["sublabels"] = names
        pairs = _EDGE.findall(str(entry.get("svg", ""))[:100_000])
        found["edges"] = [
            [names[int(end) - 1] for end in pair]
            for pair in pairs
            if all(1 <= int(end) <= len(names) for end in pair)
        ]
    return found


def _attribute(entry: dict[str, Any]) -> dict[str, Any]:
    """One attribute; of free text CVAT writes a value that means nothing."""
    kept = ["name", "input_type"] + ["values"] * (entry.get("input_type") != "text")
    return {key: entry[key] for key in kept if key in entry}
