"""The steps of `runtimes`, and their entries in a manifest."""

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import fields
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, create_model

from runtimes.interfaces import Segmenter
from runtimes.step import Attribute, Decoder, Shape, Step

LISTINGS: dict[str, tuple[str, ...]] = {
    "preprocess": ("preprocess",),
    "detector": ("decoders", "refine", "attributes", "shapes"),
    "interactor": ("segmenters", "refine"),
    "tracker": ("trackers",),
    "reid": ("embedders",),
}
"""Listing -> the packages of `runtimes` whose steps it accepts. A listing is `preprocess`, which is
the same for all function types, or the `postprocess` of a function type."""


@cache
def known_steps(listing: str) -> dict[str, type[Step]]:
    """Return the steps that a listing accepts, by name.

    These are the subclasses of Step in the modules of the listing's packages.

    Args:
        listing: a key of LISTINGS.
    """
    found: dict[str, type[Step]] = {}
    for package in LISTINGS[listing]:
        parent = importlib.import_module(f"runtimes.{package}")
        for info in pkgutil.iter_modules(parent.__path__):
            module = importlib.import_module(f"{parent.__name__}.{info.name}")
            for item in vars(module).values():
                is_step = isinstance(item, type) and issubclass(item, Step)
                if is_step and item.__module__ == module.__name__:
                    found[item.name()] = item
    return found


@cache
def entry_model(listing: str) -> type[BaseModel]:
    """Return a pydantic model of a listing's entries in long form, `{step: {field: value}}`."""
    optional: Any = {name: (step | None, None) for name, step in known_steps(listing).items()}
    return create_model(
        f"{listing.capitalize()}Step",
        __config__=ConfigDict(extra="forbid", strict=True, defer_build=True),
        **optional,
    )


def long_form(listing: str, entry: Any) -> Any:
    """Return an entry of a listing in its long form.

    `yolo` becomes {yolo: {}}, {nms: 0.45} becomes {nms: {iou: 0.45}}. Invalid entries are returned
    unchanged; validation reports them.
    """
    if isinstance(entry, str):
        return {entry: {}}
    if not isinstance(entry, dict):
        return entry
    return {name: _field_values(listing, name, value) for name, value in entry.items()}


def _field_values(listing: str, name: str, value: Any) -> Any:
    """Return the field values of a step, from a mapping or from the value of the first field."""
    if value is None:
        return {}
    step = known_steps(listing).get(name)
    if step is None or isinstance(value, dict):
        return value
    names = [field.name for field in fields(step) if not field.kw_only]  # type: ignore[arg-type]
    return {names[0]: value} if names else value


def order_error(type_: str, steps: Iterable[Step], is_second: bool = False) -> str:
    """Return why the order of postprocessing steps is invalid; empty if it is valid.

    Args:
        type_: the function type.
        steps: the steps, in the manifest's order.
        is_second: whether a second model has the steps. It accepts no refinements and no shapes.
    """
    if is_second:
        listed = list(steps)
        if not all(isinstance(step, Decoder | Attribute) for step in listed):
            return "a second model accepts only decoders and attributes; move others to the top"
        decoders = [step for step in listed if isinstance(step, Decoder)]
        for decoder in decoders:
            if "keypoints" not in decoder.provides:
                return f"`{decoder.name()}` returns no keypoints, which a second model needs"
        many = len(decoders) > 1
        return f"{len(decoders)} decoders are listed; at most one is allowed" if many else ""
    if type_ == "interactor":
        segmenters = [isinstance(step, Segmenter) for step in steps]
        if segmenters.count(True) != 1:
            found = segmenters.count(True)
            return f"{found} segmenters are listed; exactly one is needed, as the first step"
        if not segmenters[0]:
            return "the segmenter must be the first step"
    if type_ != "detector":
        return ""
    ranks = [_rank(step) for step in steps]
    if ranks.count(0) != 1:
        return f"{ranks.count(0)} decoders are listed; exactly one is needed, as the first step"
    if ranks[0] != 0:
        return "the decoder must be the first step"
    if 2 not in ranks:
        return "no shape is listed; at least one is needed, as the last step"
    if ranks != sorted(ranks):
        return "a shape comes before a refinement; the order is decoder, refinements, shapes"
    return ""


def _rank(step: Step) -> int:
    """Return the rank of a postprocessing step: 0 decoder, 1 refinement or attribute, 2 shape."""
    return 0 if isinstance(step, Decoder) else 2 if isinstance(step, Shape) else 1
