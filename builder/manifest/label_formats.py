"""Label lists of other programs: COCO annotations, and CVAT's label constructor."""

import re
from typing import Any


def coco(data: object) -> list[Any] | None:
    """Return the categories of a COCO file as labels, sorted by ID; None for other data.

    Invalid categories are returned unchanged; validation reports them.

    Format: https://cocodataset.org/#format-data.
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
    """Add the keypoints and edges of a category. COCO numbers keypoints from 1."""
    points = category.get("keypoints")
    if isinstance(points, list) and points:
        entry["sublabels"] = points
        edges = category.get("skeleton")
        entry["edges"] = [
            [points[end - 1] for end in edge]
            for edge in (edges if isinstance(edges, list) else [])
            if isinstance(edge, list)
            and len(edge) == 2
            and all(type(end) is int and 1 <= end <= len(points) for end in edge)
        ]
    return entry


_CVAT_KEYS = {"color", "svg", "elements", "has_parent", "parent_id"}
"""Keys of labels that only CVAT writes."""
_EDGE = re.compile(r'data-node-from="?(\d{1,4})"?\s+data-node-to="?(\d{1,4})"?')


def cvat(entries: object) -> list[Any] | None:
    """Return the labels in the raw JSON of CVAT's label constructor; None for other data.

    The IDs are omitted, because they are those of CVAT's database.
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
    is_cvat = any(_CVAT_KEYS & set(it) for it in entries) or any(
        isinstance(it, dict) and "mutable" in it for it in attributes
    )
    return [_label(it) for it in entries] if is_cvat else None


def _label(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a label without its type, which `postprocess` determines."""
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
    """Return an attribute. CVAT writes a meaningless value for free text."""
    kept = ["name", "input_type"] + ["values"] * (entry.get("input_type") != "text")
    return {key: entry[key] for key in kept if key in entry}
