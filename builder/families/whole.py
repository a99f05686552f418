"""Models that say something about the image as a whole: classes, or a vector."""

from collections.abc import Iterator

import numpy as np

from builder.families.evidence import Facts
from builder.families.match import ClassList, Entry, Evidence, Match, step
from builder.families.preprocessing import from_model_info, imagenet, sized, unit, unknown, values
from runtimes.signature import Tensor

_VECTORS = (64, 96, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, 2048)
"""Lengths that vectors have and numbers of classes seldom."""
_TOP = step("top_k", "the best class alone", k=1)
_TAG = step("tag", "a tag of the whole image")


def _length(tensor: Tensor) -> int | None:
    """How many numbers an output has for an image; None if that is not what it has."""
    shape = tensor.shape
    if not tensor.dtype.startswith("float") or len(shape) not in (2, 4):
        return None
    if shape[0] not in (1, None) or any(size != 1 for size in shape[2:]):
        return None
    return shape[1]


def classifier(facts: Facts) -> Iterator[Match]:
    """Scores of classes: [1, classes]."""
    if len(facts.outputs) != 1 or facts.image is None:
        return
    (tensor,) = facts.outputs
    count = _length(tensor)
    if count is None or count < 2 or facts.said.task not in (None, "classify"):
        return
    if "NonMaxSuppression" in facts.graph.ops:
        return
    if facts.said.task == "classify":
        yield _classes(facts, tensor, count, "none", Evidence.METADATA, "metadata task: classify")
        return
    activation = facts.graph.activation(tensor.name)
    found = facts.values.get(tensor.name)
    if activation is None and found is not None:
        one = bool(facts.is_unit(tensor))
        # Logits that happen to sum to 1 are not to be expected.
        if one and abs(float(np.sum(found)) - 1) < 1e-3:
            activation = "softmax"
        elif not one:
            activation = "none"
    vector = _vector(facts, tensor)
    if vector is Evidence.STRUCTURE:
        return
    evidence = Evidence.SHAPE if vector else Evidence.STRUCTURE
    if activation == "softmax":
        yield _classes(facts, tensor, count, "none", Evidence.STRUCTURE, "scores sum to 1")
    elif activation == "sigmoid":
        why = "the graph ends in Sigmoid: classes that do not exclude each other"
        yield _classes(facts, tensor, count, "none", Evidence.STRUCTURE, why)
    elif activation == "none":
        why = f"{tensor}: no activation at the end: logits"
        yield _classes(facts, tensor, count, "softmax", evidence, why)
    else:
        why = f"{tensor}: nothing says whether these are logits or probabilities"
        yield _classes(facts, tensor, count, "softmax", Evidence.SHAPE, why)
        yield _classes(facts, tensor, count, "none", Evidence.SHAPE, why)


def _classes(
    facts: Facts, tensor: Tensor, count: int, activation: str, evidence: Evidence, why: str
) -> Match:
    """A classifier whose decoder is to apply `activation`."""
    own = facts.said.task == "classify"
    resized = sized(facts, "center_crop", "classifiers cut out the middle", side=224)
    normal = unit(facts, "Ultralytics takes 0..1") if own else unknown(facts)
    fields = {} if activation == "none" else {"activation": activation}
    several = activation == "none" and facts.graph.activation(tensor.name) == "sigmoid"
    kind = {"softmax": "logits", "none": "probabilities"}[activation]
    return Match(
        f"classifier: {kind}",
        evidence,
        (why,),
        (None if own else from_model_info(facts)) or (resized, *normal),
        (Entry("classify", fields, why), *([] if several else [_TOP]), _TAG),
        ClassList(count, f"{tensor}: {count} classes"),
    )


def _vector(facts: Facts, tensor: Tensor) -> Evidence | None:
    """How much speaks for an embedding."""
    length = _length(tensor)
    graph = facts.graph
    if length is None or facts.said.task is not None or facts.said.names is not None:
        return None
    if graph.activation(tensor.name) in ("softmax", "sigmoid"):
        return None
    last = graph.giver(graph.source(tensor.name))
    if last is not None and last.op == "LpNormalization":
        return Evidence.STRUCTURE
    if last is not None and last.op == "Div":
        near = {graph.end(name) for name in last.inputs}
        norms = {"ReduceL2", "Clip", "Max", "Sqrt", "Expand", "Pow"}
        if near & norms or "ReduceL2" in graph.ops:
            return Evidence.STRUCTURE
    if last is not None and last.op in ("BatchNormalization", "GlobalAveragePool", "ReduceMean"):
        return Evidence.STRUCTURE
    if any(word in tensor.name.lower() for word in ("embed", "feat", "descriptor")):
        return Evidence.STRUCTURE
    found = facts.values.get(tensor.name)
    if found is not None and found.size and abs(float(np.linalg.norm(found)) - 1) < 1e-3:
        return Evidence.STRUCTURE
    return Evidence.SHAPE if length in _VECTORS else None


def embedding(facts: Facts) -> Iterator[Match]:
    """ReID and faces: [N, D], a vector for each crop."""
    if len(facts.outputs) != 1 or facts.image is None:
        return
    (tensor,) = facts.outputs
    evidence = _vector(facts, tensor)
    if evidence is None:
        return
    face = facts.size == (112, 112)
    normal = (
        values(facts, "faces are usually normalised so", mean=[0.5], std=[0.5], guessed=True)
        if face
        else imagenet(facts, "ImageNet's mean and std", guessed=True)
    )
    why = f"{tensor}: a vector for each image"
    if evidence is Evidence.SHAPE:
        why += f", if {_length(tensor)} is no number of classes"
    yield Match(
        "ReID or face embedding",
        evidence,
        (why,),
        (
            sized(facts, "resize", "crops are stretched", side=256),
            *normal,
        ),
        (step("embedding", f"{why}; cosine distance", distance="cosine"),),
        kind="reid",
    )
