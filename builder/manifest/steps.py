"""Finding the steps that `runtimes` has, and reading them from a manifest."""

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
"""A list of steps -> the packages in `runtimes` whose steps it may name: `preprocess`, which is the
same for every kind of function, and the `postprocess` of each kind."""


@cache
def known(listing: str) -> dict[str, type[Step]]:
    """Every step that a manifest may name in a list, by name.

    A step is known because its class stands in a module of one of the list's packages; there is no
    other list of them.

    Args:
        listing: "preprocess", or the kind of function whose `postprocess` it is.
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
    """A pydantic model of one entry of a list in its long form: one key, the step's name."""
    optional: Any = {name: (step | None, None) for name, step in known(listing).items()}
    return create_model(
        f"{listing.capitalize()}Step",
        __config__=ConfigDict(extra="forbid", strict=True, defer_build=True),
        **optional,
    )


def long_form(listing: str, entry: Any) -> Any:
    """An entry of a manifest's list in its long form.

    `yolo` is {yolo: {}}, {nms: 0.45} is {nms: {iou: 0.45}}; what is neither stays as it is, for
    validation to complain about.
    """
    if isinstance(entry, str):
        return {entry: {}}
    if not isinstance(entry, dict):
        return entry
    return {name: _fields(listing, name, value) for name, value in entry.items()}


def _fields(listing: str, name: str, value: Any) -> Any:
    """The fields of a step, where the manifest may have given only the value of the first."""
    if value is None:
        return {}
    step = known(listing).get(name)
    if step is None or isinstance(value, dict):
        return value
    names = [field.name for field in fields(step) if not field.kw_only]  # type: ignore[arg-type]
    return {names[0]: value} if names else value


def in_order(kind: str, steps: Iterable[Step], second: bool = False) -> str:
    """What is wrong with the order of postprocessing steps, or nothing.

    Args:
        kind: of the function.
        steps: in the manifest's order.
        second: whether they are those of a second model, which refines nothing and draws nothing.
    """
    if second:
        listed = list(steps)
        if not all(isinstance(step, Decoder | Attribute) for step in listed):
            return "a second model gives keypoints and attributes; refine and draw at the top"
        decoders = [step for step in listed if isinstance(step, Decoder)]
        for decoder in decoders:
            if "keypoints" not in decoder.provides:
                return f"`{decoder.name()}` gives no keypoints; a second model finds nothing else"
        many = len(decoders) > 1
        return f"{len(decoders)} decoders are listed; at most one is allowed" if many else ""
    if kind == "interactor":
        segmenters = [isinstance(step, Segmenter) for step in steps]
        if segmenters.count(True) != 1:
            found = segmenters.count(True)
            return f"{found} segmenters are listed; exactly one is needed, as the first step"
        if not segmenters[0]:
            return "the segmenter has to come first"
    if kind != "detector":
        return ""
    kinds = [_rank(step) for step in steps]
    if kinds.count(0) != 1:
        return f"{kinds.count(0)} decoders are listed; exactly one is needed, as the first step"
    if kinds[0] != 0:
        return "the decoder has to come first"
    if 2 not in kinds:
        return "no shape is listed; the last step says what CVAT is to draw"
    if kinds != sorted(kinds):
        return "a shape comes before a refinement; the order is decoder, refinements, shapes"
    return ""


def _rank(step: Step) -> int:
    """Where a postprocessing step belongs: 0 decoder, 1 refinement or attribute, 2 shape."""
    return 0 if isinstance(step, Decoder) else 2 if isinstance(step, Shape) else 1
