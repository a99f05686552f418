"""Salient objects or people: one value for each pixel, as of u2net and ISNet."""

from collections.abc import Iterator
from typing import Any

from builder.families.catalog.dbnet import dbnet_strength
from builder.families.evidence import Evidence, is_feature_map
from builder.families.family import Family
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Resizing,
    Values,
)
from builder.families.match import ClassList, DraftStep, Match, step
from builder.families.preprocessing import (
    from_model_info,
    is_from_tensorflow,
    normalize,
    resize,
    usual_normalization,
)
from builder.families.sureness import Strength
from runtimes.decoders.saliency import Saliency
from runtimes.shapes.region import Mask
from runtimes.signature import Tensor

_LEAST_SIDES = 3
"""Least number of outputs of models with side outputs; u2net has 7, ISNet 6."""


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize outputs of one channel that cover the image."""
    if evidence.ultralytics.task is not None or not evidence.outputs:
        return
    maps = [it for it in evidence.outputs if _is_single_channel(evidence, it)]
    features = [it for it in evidence.outputs if it not in maps]
    if evidence.outputs[:1] != tuple(maps[:1]) or not all(is_feature_map(it) for it in features):
        return
    tensor, several = maps[0], len(maps) > 1
    if features and not several:
        return  # a model with one map and features may be anything
    text = None if several else dbnet_strength(evidence, tensor)
    if text is Strength.STRUCTURE:
        return
    activation = evidence.graph.activation(tensor.name)
    fraction = evidence.is_fraction(tensor)
    fields: dict[str, Any] = {}
    why = f"{tensor}: one value for each pixel"
    if activation == "none" or (activation is None and fraction is False):
        fields["activation"] = "sigmoid"
        why += ", before a sigmoid"
    if several:
        why += f", the first of {len(maps)}"
    if features:
        why += f", beside {len(features)} outputs of features"
    guessed = activation is None and fraction is None
    strength = Strength.SHAPE
    if activation == "sigmoid" and text is None:
        # Side outputs of one size after sigmoids are u2net's and ISNet's. Depth may end in a
        # Sigmoid, too, also at several scales.
        if len({it.shape for it in maps}) == 1:
            strength = Strength.STRUCTURE if len(maps) >= _LEAST_SIDES else Strength.EVIDENCE
        why += ", after a Sigmoid"
    yield SALIENCY.match(
        evidence,
        strength,
        (why,),
        (
            step(Saliency, why, guessed=guessed, **fields),
            step(Mask, "the foreground; or `polygon`"),
        ),
        preprocess=_preprocess(evidence, features=bool(features)),
        classes=ClassList(1, f"{tensor}: one class", names=("foreground",)),
    )


def _preprocess(evidence: Evidence, *, features: bool) -> tuple[DraftStep, ...]:
    """Return the preprocessing that the file describes, or that of the best known models."""
    described = from_model_info(evidence)
    if described:
        return described
    side = 1024 if features else 320
    resized = resize(evidence, Resizing("resize", "usual for saliency models", side=side))
    if is_from_tensorflow(evidence):
        return resized, *usual_normalization(evidence)
    if features:
        why = "ISNet's mean and std: github.com/xuebinqin/DIS"
        values = Values(why, mean=(0.5,) * 3, std=(1.0,) * 3, guessed=True)
        return resized, *normalize(evidence, values)
    if len(evidence.outputs) > 1:
        why = "u2net's mean and std are ImageNet's"
        values = Values(why, mean=IMAGENET_MEAN, std=IMAGENET_STD, guessed=True)
        return resized, *normalize(evidence, values)
    return resized, *usual_normalization(evidence)


def _is_single_channel(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether an output has one fraction for each pixel."""
    shape = tensor.shape
    if not tensor.dtype.startswith("float") or shape[:1] not in ((1,), (None,)):
        return False
    if len(shape) == 4 and 1 in (shape[1], shape[3]):
        sides = shape[2:] if shape[1] == 1 else shape[1:3]
    elif len(shape) == 3:
        sides = shape[1:]
    else:
        return False
    if evidence.size is None or None in sides:
        return len(shape) == 4
    height, width = (size or 0 for size in sides)
    return height >= 8 and height * evidence.size[1] == width * evidence.size[0]


SALIENCY = Family(
    name="salient objects or people (u2net, ISNet, selfie)",
    steps=(Saliency,),
    recognize=recognize,
    precedence=210,
    side_outputs=True,
)
