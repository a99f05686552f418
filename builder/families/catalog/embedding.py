"""ReID and face embeddings: a vector for each crop, [N, D]."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from builder.families.evidence import Evidence
from builder.families.family import Family
from builder.families.input_format import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    InputFormat,
    Resizing,
    Values,
)
from builder.families.match import Match, step
from builder.families.preprocessing import is_from_tensorflow
from builder.families.sureness import Strength
from runtimes.embedders.vector import Embedding
from runtimes.signature import Tensor

_INPUT = InputFormat(
    Resizing("resize", "crops are stretched", side=256),
    Values("ImageNet's mean and std", mean=IMAGENET_MEAN, std=IMAGENET_STD, guessed=True),
)
_FACE_INPUT = replace(
    _INPUT,
    values=Values("usual for faces", mean=(0.5,), std=(0.5,), guessed=True),
)
_TENSORFLOW_INPUT = replace(
    _INPUT, values=Values("0..1, as most models from TensorFlow take", guessed=True)
)
_FACE_SIZE = (112, 112)
"""Of ArcFace and its successors."""
_LENGTHS = (64, 96, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, 2048)
"""Usual lengths of vectors, which are rare as numbers of classes."""


def length_of(tensor: Tensor) -> int | None:
    """Return how many numbers an output has for an image, or None if it is no such list."""
    shape = tensor.shape
    if not tensor.dtype.startswith("float") or len(shape) not in (2, 4):
        return None
    if shape[0] not in (1, None) or any(size != 1 for size in shape[2:]):
        return None
    return shape[1]


def embedding_strength(evidence: Evidence, tensor: Tensor) -> Strength | None:
    """Return how strong the evidence for an embedding is, or None without any."""
    length = length_of(tensor)
    metadata = evidence.ultralytics
    if length is None or metadata.task is not None or metadata.names is not None:
        return None
    if evidence.graph.activation(tensor.name) in ("softmax", "sigmoid"):
        return None
    if evidence.labels == length:
        return None
    if _ends_in_a_norm(evidence, tensor):
        return Strength.STRUCTURE
    usual = length in _LENGTHS
    if any(word in tensor.name.lower() for word in ("embed", "feat", "descriptor")):
        return Strength.EVIDENCE
    runs = evidence.values(tensor)
    if runs and all(abs(float(np.linalg.norm(it)) - 1) < 1e-3 for it in runs):
        return Strength.EVIDENCE
    if _ends_in_a_pooling(evidence, tensor) and usual:
        return Strength.EVIDENCE
    return Strength.SHAPE if usual else None


def _ends_in_a_norm(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether the graph ends in a division by a norm."""
    graph = evidence.graph
    last = graph.producer(graph.base(tensor.name))
    if last is None:
        return False
    if last.op == "Div":
        near = {graph.last_op(name) for name in last.inputs}
        norms = {"ReduceL2", "Clip", "Max", "Sqrt", "Expand", "Pow"}
        return bool(near & norms) or "ReduceL2" in graph.ops
    return last.op == "LpNormalization"


def _ends_in_a_pooling(evidence: Evidence, tensor: Tensor) -> bool:
    """Whether the graph ends in a batch normalization or a pooling, as few classifiers do."""
    endings = ("BatchNormalization", "GlobalAveragePool", "ReduceMean")
    return evidence.graph.last_op(tensor.name) in endings


def recognize(evidence: Evidence) -> Iterator[Match]:
    """Recognize a vector by the graph, the output's name, its norm or its length."""
    if len(evidence.outputs) != 1 or evidence.image is None:
        return
    (tensor,) = evidence.outputs
    strength = embedding_strength(evidence, tensor)
    if strength is None:
        return
    why = f"{tensor}: a vector for each image"
    if strength is Strength.SHAPE:
        why += f", unless {length_of(tensor)} is the number of classes"
    yield EMBEDDING.match(
        evidence,
        strength,
        (why,),
        (step(Embedding, f"{why}; cosine distance", distance="cosine"),),
        input_format=_input_format(evidence),
    )


def _input_format(evidence: Evidence) -> InputFormat:
    """Return how crops look to the model, as a guess."""
    if evidence.size == _FACE_SIZE:
        return _FACE_INPUT
    return _TENSORFLOW_INPUT if is_from_tensorflow(evidence) else _INPUT


EMBEDDING = Family(
    name="ReID or face embedding",
    steps=(Embedding,),
    recognize=recognize,
    precedence=230,
    input_format=_INPUT,
)
