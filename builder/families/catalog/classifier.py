"""Classifiers: scores of classes for the whole image, [1, classes]."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from builder.families.catalog.embedding import embedding_strength, length_of
from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.input_format import Resizing, Values
from builder.families.match import ClassList, DraftStep, Match, step
from builder.families.preprocessing import (
    from_model_info,
    normalize,
    resize,
    usual_normalization,
)
from builder.families.sureness import Strength
from builder.model.graph import Activation
from runtimes.decoders.classify import Classify
from runtimes.refine.suppress import TopK
from runtimes.shapes.tag import Tag
from runtimes.signature import Tensor

_TOP = step(TopK, "the best class alone", k=1)
_TAG = step(Tag, "a tag of the whole image")


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize scores, as logits or as probabilities."""
    if len(evidence.outputs) != 1 or evidence.image is None:
        return
    (tensor,) = evidence.outputs
    count, task = length_of(tensor), evidence.ultralytics.task
    if count is None or count < 2 or task not in (None, "classify"):
        return
    if "NonMaxSuppression" in evidence.graph.ops:
        return
    if task == "classify":
        why, strength = "metadata task: classify", Strength.METADATA
        if evidence.labels not in (None, count):
            why += f"; but {count} scores and {evidence.labels} names"
            strength = Strength.SHAPE
        elif evidence.is_fraction(tensor) is False:
            why += "; but the scores are not in 0..1"
            strength = Strength.SHAPE
        yield _match(evidence, tensor, "none", strength, why)
        return
    embedding = embedding_strength(evidence, tensor)
    if embedding is not None and embedding > Strength.SHAPE:
        return
    activation = _activation(evidence, tensor)
    labeled = evidence.labels == count
    bare = Strength.EVIDENCE if labeled else Strength.SHAPE
    by_graph = evidence.graph.activation(tensor.name) is not None
    if activation == "softmax":
        strength = Strength.STRUCTURE if by_graph else Strength.EVIDENCE
        yield _match(evidence, tensor, "none", strength, "scores sum to 1")
    elif activation == "sigmoid":
        why = "the graph ends in Sigmoid: classes are not mutually exclusive"
        yield _match(evidence, tensor, "none", Strength.EVIDENCE, why)
    elif activation == "none":
        why = f"{tensor}: no activation at the end: logits"
        yield _match(evidence, tensor, "softmax", bare, _with_labels(why, evidence, labeled))
    else:
        why = _with_labels(f"{tensor}: either logits or probabilities", evidence, labeled)
        yield _match(evidence, tensor, "softmax", bare, why)
        yield _match(evidence, tensor, "none", bare, why)


def _with_labels(why: str, evidence: Evidence, labeled: bool) -> str:
    """Return a reason, with the labels that support it."""
    return f"{why}, and {evidence.labels} labels" if labeled else why


def _activation(evidence: Evidence, tensor: Tensor) -> Activation | None:
    """Return the activation by the graph, or else by the output for a blank image."""
    activation = evidence.graph.activation(tensor.name)
    runs = evidence.values(tensor)
    if activation is not None or not runs:
        return activation
    if not evidence.is_fraction(tensor):
        return "none"
    # Logits that happen to sum to 1 are not to be expected.
    return "softmax" if all(abs(float(np.sum(it)) - 1) < 1e-3 for it in runs) else None


def _match(
    evidence: Evidence, tensor: Tensor, activation: str, strength: Strength, why: str
) -> Match:
    """Return the match of a classifier whose decoder has to apply `activation`."""
    fields: dict[str, Any] = {} if activation == "none" else {"activation": activation}
    several = activation == "none" and evidence.graph.activation(tensor.name) == "sigmoid"
    result = {"softmax": "logits", "none": "probabilities"}[activation]
    count = length_of(tensor)
    return CLASSIFIER.match(
        evidence,
        strength,
        (why,),
        (step(Classify, why, **fields), *([] if several else [_TOP]), _TAG),
        name=f"{CLASSIFIER.name}: {result}",
        preprocess=_preprocess(evidence),
        classes=ClassList(count, f"{tensor}: {count} classes"),
    )


def _preprocess(evidence: Evidence) -> tuple[DraftStep, ...]:
    """Return the preprocessing that the file describes, or the usual one."""
    cut = resize(evidence, Resizing("center_crop", "classifiers crop the center", side=224))
    if evidence.ultralytics.task == "classify":
        return cut, *normalize(evidence, Values("Ultralytics takes 0..1"))
    return from_model_info(evidence) or (cut, *usual_normalization(evidence))


CLASSIFIER = Family(
    name="classifier",
    steps=(Classify,),
    recognize=recognize,
    precedence=220,
)
