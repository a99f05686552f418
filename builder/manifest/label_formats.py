"""Label lists of other programs: COCO, CVAT's label constructor, TensorFlow's label maps."""

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


_TOKEN = re.compile(
    r"""
    \s+ | \#[^\n]*
    | (?P<text> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<word> [\w.+-]+ )
    | (?P<mark> [{}:,;<>] )
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")


def label_map(text: str) -> list[Any]:
    """Return the labels of a label map, `item { id: 1 name: "cat" display_name: "Cat" }`.

    TensorFlow's IDs begin at 1, since 0 is the background. The labels get class IDs from 0, and no
    IDs if there are no gaps. The list is empty if the text is not a label map.

    Format: object_detection/protos/string_int_label_map.proto in github.com/tensorflow/models.
    """
    items: list[dict[str, str]] = []
    words = _words(text)
    depth, key = 0, ""
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if word in "{<":
            depth += 1
            if depth == 1:
                items.append({})
        elif word in "}>":
            depth -= 1
        elif following == ":" and depth == 1:
            key = word
        elif word not in ":,;" and depth == 1 and key and items:
            items[-1].setdefault(key, word)
            key = ""
    found = []
    for item in items:
        name = item.get("display_name") or item.get("name")
        number = item.get("id", "")
        if name and number.isascii() and number.isdecimal() and len(number) < 9:
            found.append((int(number), _unquoted(name)))
    found.sort(key=lambda pair: pair[0])
    first = 0 if found and found[0][0] == 0 else 1
    ids = [number - first for number, _ in found]
    if ids == list(range(len(ids))):
        return [name for _, name in found]
    return [{"name": name, "id": number} for number, (_, name) in zip(ids, found, strict=True)]


def _words(text: str) -> list[str]:
    """Return the words, quoted texts and marks of a message in text form; empty if it is none."""
    found: list[str] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return []
        position = match.end()
        if match.lastgroup:
            found.append(match.group())
    return found


def _unquoted(text: str) -> str:
    """Return a text without its quotes and escapes."""
    return _ESCAPE.sub(r"\1", text[1:-1]) if text[:1] in ("'", '"') else text
