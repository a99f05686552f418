"""Semantic segmentation: scores [1, classes, h, w], or class IDs [1, h, w]."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from builder.families.catalog.heatmap import can_be_heatmaps, is_upright
from builder.families.catalog.yolov8 import YOLO_INPUT
from builder.families.class_count import of_labels
from builder.families.evidence import Evidence, fits, is_integer
from builder.families.family import Family
from builder.families.input_format import InputFormat, Resizing
from builder.families.match import ClassList, DraftStep, Match, step
from builder.families.preprocessing import (
    draft,
    from_model_info,
    resize,
    usual_normalization,
)
from builder.families.sureness import Strength
from runtimes.decoders.regions import layout_of
from runtimes.decoders.semantic import Semantic
from runtimes.shapes.region import Mask
from runtimes.signature import Tensor

_MASK = step(Mask, "the pixels of each class; or `polygon`")
_COLORS = 3
"""Channels of images; models that give images may end in a Sigmoid."""
_MANY_CHANNELS = 128
"""So many are features rather than classes, if they are also small."""

_ULTRALYTICS_INPUT = InputFormat(
    Resizing("letterbox", "Ultralytics letterboxes images"),
    replace(YOLO_INPUT.values, why="Ultralytics' models take 0..1"),
)


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize an output that covers the image."""
    if evidence.ultralytics.task not in (None, "semantic"):
        return
    maps = [
        it
        for it in evidence.outputs_of_rank(3, 4)
        if fits(it, (1, None, None, None), (1, None, None))
    ]
    if not maps or len(maps) != len(evidence.outputs):
        return
    tensor = maps[0]
    if is_integer(tensor):
        if len(maps) == 1 and _covers_image(evidence, tensor, 1):
            yield _class_ids(evidence, tensor)
    elif len(tensor.shape) == 4:
        yield from _scores(evidence, maps)


def _scores(evidence: Evidence, maps: list[Tensor]) -> Iterator[Match]:
    """Yield the match of scores, of which auxiliary heads may come after the main one."""
    tensor = maps[0]
    channels = tensor.shape[1 if layout_of(tensor.shape, None) == "nchw" else 3]
    if channels is None or channels < 2 or not _covers_image(evidence, tensor, channels):
        return
    if any(it.shape != tensor.shape for it in maps) or _are_features(evidence, tensor, channels):
        return
    if can_be_heatmaps(evidence, tensor, channels) and is_upright(evidence):
        return
    activation = evidence.graph.activation(tensor.name)
    fields: dict[str, Any] = {}
    why = f"{tensor}: scores of {channels} classes"
    if activation == "softmax" or (activation is None and evidence.is_fraction(tensor)):
        fields["activation"] = "none"
        why += ", after a Softmax" if activation == "softmax" else ", 0..1 already"
    elif activation == "sigmoid":
        fields |= {"activation": "none", "overlap": True}
        why += ", after a Sigmoid: classes may overlap"
    if len(maps) > 1:
        fields["output"] = tensor.name
    # Ultralytics' models have a background only if they name it; independent classes need none.
    is_named = bool(evidence.ultralytics.task)
    first = int("overlap" not in fields and (not is_named or evidence.ultralytics.background))
    background = "the background" if is_named else "assumed to be background"
    strength, reason = _strength(evidence, tensor, channels)
    yield SEMANTIC.match(
        evidence,
        strength,
        (f"{tensor}: {channels} channels over the image{reason}",),
        (step(Semantic, why, **fields), _MASK),
        name=f"{SEMANTIC.name}: scores",
        preprocess=_preprocess(evidence),
        classes=ClassList(
            channels - first,
            f"{tensor}: {channels} classes" + (f", the first is {background}" if first else ""),
            first,
        ),
    )


def _strength(evidence: Evidence, tensor: Tensor, channels: int) -> tuple[Strength, str]:
    """Return how strong the evidence for scores of classes is, and the evidence in words."""
    activation = evidence.graph.activation(tensor.name)
    if evidence.ultralytics.task:
        return Strength.METADATA, ""
    if can_be_heatmaps(evidence, tensor, channels):
        return Strength.SHAPE, ""
    if activation == "softmax":
        return Strength.STRUCTURE, ", after a Softmax"
    if evidence.labels in (channels, channels - 1):
        return Strength.EVIDENCE, f", and {evidence.labels} labels"
    if _are_distributions(evidence, tensor, channels):
        return Strength.EVIDENCE, ", whose values sum to 1 at each pixel"
    if activation == "sigmoid" and channels != _COLORS:
        return Strength.EVIDENCE, ", after a Sigmoid"
    return Strength.SHAPE, ""


def _are_distributions(evidence: Evidence, tensor: Tensor, channels: int) -> bool:
    """Whether the channels of each pixel sum to 1 in each run."""
    runs = [it for it in evidence.values(tensor) if it.ndim == 4 and channels in it.shape]
    axis = 1 if layout_of(tensor.shape, None) == "nchw" else 3
    if not runs or not evidence.is_fraction(tensor):
        return False
    return all(bool(np.allclose(it.sum(axis), 1, atol=1e-3)) for it in runs)


def _class_ids(evidence: Evidence, tensor: Tensor) -> Match:
    """Return the match of a model that chooses the highest score itself."""
    graph, metadata = evidence.graph, evidence.ultralytics
    chosen = next((it for it in graph.upstream(tensor.name) if it.op == "ArgMax"), None)
    channels = graph.channel_count(chosen.inputs[0]) if chosen and chosen.inputs else None
    counted = of_labels(graph, tensor.name)
    if counted is not None:
        channels = counted.count
    if metadata.task:
        classes = ClassList(metadata.names, "metadata names")
    else:
        count = channels - 1 if channels and channels > 1 else None
        classes = ClassList(count, "the layer before the ArgMax, without a background", 1)
    strength = Strength.STRUCTURE if chosen else Strength.SHAPE
    if metadata.task:
        strength = Strength.METADATA
    elif not chosen and evidence.labels is not None:
        strength = _strength_of_ids(evidence, tensor)
    return SEMANTIC.match(
        evidence,
        strength,
        (f"{tensor}: integers over the image" + (" (ArgMax)" if chosen else ""),),
        (step(Semantic, f"{tensor}: class IDs"), _MASK),
        name=f"{SEMANTIC.name}: class IDs",
        preprocess=_preprocess(evidence),
        classes=classes,
    )


def _strength_of_ids(evidence: Evidence, tensor: Tensor) -> Strength:
    """Return how strong the evidence for integers without ArgMax is: IDs within the labels."""
    runs = evidence.values(tensor)
    labels = evidence.labels or 0
    fit = bool(runs) and all(it.size and it.min() >= 0 and it.max() <= labels for it in runs)
    return Strength.EVIDENCE if fit else Strength.SHAPE


def _preprocess(evidence: Evidence) -> tuple[DraftStep, ...]:
    """Return the preprocessing that the file describes, or the usual one."""
    if evidence.ultralytics.task:
        return draft(evidence, _ULTRALYTICS_INPUT)
    stretched = Resizing("resize", "usual for segmentation models", side=512)
    return from_model_info(evidence) or (
        resize(evidence, stretched),
        *usual_normalization(evidence),
    )


def _covers_image(evidence: Evidence, tensor: Tensor, channels: int) -> bool:
    """Whether an output has the aspect ratio of the input, and is not larger."""
    sides = [size for size in tensor.shape[1:] if size != channels or len(tensor.shape) == 3]
    if len(tensor.shape) == 4 and len(sides) > 2:
        sides = sides[-2:]
    if evidence.size is None or len(sides) < 2 or None in sides[:2]:
        return True
    height, width = (size or 0 for size in sides[:2])
    return (
        8 <= height <= evidence.size[0]
        and 8 <= width <= evidence.size[1]
        and abs(height * evidence.size[1] - width * evidence.size[0]) <= max(evidence.size)
    )


def _are_features(evidence: Evidence, tensor: Tensor, channels: int) -> bool:
    """Whether an output is an encoder's features rather than scores."""
    if "embed" in tensor.name.lower():
        return True
    sides = [size for size in tensor.shape[2:] if size is not None]
    small = evidence.size and sides and max(sides) * 16 <= max(evidence.size)
    return channels >= _MANY_CHANNELS and bool(small)


SEMANTIC = Family(
    name="semantic segmentation",
    steps=(Semantic,),
    recognize=recognize,
    precedence=170,
)
