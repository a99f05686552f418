"""The metadata of Ultralytics' exports, as far as families are recognized by them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builder.model.metadata import parse_literal
from runtimes.decoders.semantic import is_background

TASKS = ("detect", "segment", "pose", "obb", "classify", "semantic")
"""Ultralytics' names of tasks."""

_MOST_KEYPOINTS = 10_000
_MOST_DESCRIPTION = 200


@dataclass(frozen=True, slots=True)
class UltralyticsMetadata:
    """The valid entries of an export's metadata.

    Attributes:
        task: one of TASKS.
        names: the number of classes that it names.
        kpt_shape: the number of keypoints, and of values of each.
        suppressed: whether its outputs need no `nms`: `end2end`, or `nms` in `args`.
        rtdetr: whether its description names RT-DETR.
        background: whether it names class 0 like a background.
    """

    task: str | None = None
    names: int | None = None
    kpt_shape: tuple[int, int] | None = None
    suppressed: bool = False
    rtdetr: bool = False
    background: bool = False

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> "UltralyticsMetadata":
        """Read the entries. One with an invalid value counts as absent."""
        task = metadata.get("task")
        names = _literal(metadata, "names")
        args = _literal(metadata, "args")
        end2end = metadata.get("end2end", "").lower() == "true"
        description = metadata.get("description", "")[:_MOST_DESCRIPTION]
        return cls(
            task if task in TASKS else None,
            len(names) if isinstance(names, dict | list) and names else None,
            _keypoint_shape(metadata),
            end2end or (isinstance(args, dict) and args.get("nms") is True),
            re.search("rt-?detr", description, re.IGNORECASE) is not None,
            _names_background(names),
        )


def _names_background(names: object) -> bool:
    """Return whether `names`, a list or a mapping of class IDs, has a background as class 0."""
    mapping = dict(enumerate(names)) if isinstance(names, list) else names
    first = mapping.get(0) if isinstance(mapping, dict) else None
    return isinstance(first, str) and is_background(first)


def _keypoint_shape(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    """Return `kpt_shape`, or None if it is not the shape of keypoints."""
    found = _literal(metadata, "kpt_shape")
    if not isinstance(found, list | tuple) or len(found) != 2:
        return None
    count, values = found
    if type(count) is not int or type(values) is not int:
        return None
    return (count, values) if 0 < count < _MOST_KEYPOINTS and values in (2, 3) else None


def _literal(metadata: Mapping[str, str], key: str) -> Any:
    """Return a value that is a Python literal, or None if it is not."""
    try:
        return parse_literal(metadata.get(key, ""))
    except ValueError:
        return None
