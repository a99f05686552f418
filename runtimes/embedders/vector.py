"""Embeddings: models that output one vector for each crop."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from runtimes.arrays import Array
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.interfaces import Embedder
from runtimes.signature import Signature

_LEAST_LENGTH = 1e-12
"""Minimum length of a vector with a direction."""


@dataclass(frozen=True, slots=True)
class Embedding(Embedder):
    """One vector for each crop, [N, D] with or without further axes of size 1.

    Example:
        - embedding: {distance: euclidean, normalize: false}
    """

    distance: Literal["cosine", "euclidean"] = "cosine"
    """Distance of two vectors: `cosine`, 1 minus the cosine of the angle between them, from 0 to 2;
    or `euclidean`, the length of their difference."""
    normalize: bool = True
    """Scale vectors to length 1 before computing the Euclidean distance, which then ranges from 0
    to 2. It does not change the cosine distance."""
    output: str | None = None
    """Name of the output with the vectors. Default: the only output."""

    def bind(self, signature: Signature) -> "Embedding":
        """See Embedder.bind."""
        tensor = signature.output(self.output, rank=(2, 3, 4), role="a vector for each crop")
        if any(size not in (1, None) for size in tensor.shape[2:]):
            raise BadModel(
                f"the output {tensor} is a map, not a vector for each crop",
                where="output",
                found=str(tensor),
                allowed="[N, D], or [N, D, 1, 1]",
                hint="export the model with its pooling layer and its head",
                fault=Fault.NO_VECTOR,
            )
        if tensor.shape[1] == 1 and (self.distance == "cosine" or self.normalize):
            raise BadModel(
                f"the output {tensor} is one number for each crop, not a vector",
                where="output",
                found=str(tensor),
                allowed="[N, D], or [N, D, 1, 1], with D of 2 or more",
                hint="check that the model is for ReID",
                fault=Fault.NO_VECTOR,
            )
        return replace(self, output=tensor.name)

    def __call__(self, outputs: Mapping[str, Array]) -> Array:
        """See Embedder."""
        values = take(outputs, self.output)
        if values.ndim < 2 or any(size != 1 for size in values.shape[2:]):
            raise BadModel(
                "the output is not one vector for each crop",
                where="output",
                found=str(list(values.shape)),
                allowed="[N, D], or [N, D, 1, 1]",
            )
        vectors = values.reshape(values.shape[0], values.shape[1]).astype(np.float64)
        if not np.isfinite(vectors).all():
            raise BadModel("the vectors are not finite", where="output")
        return vectors

    def distances(self, vectors0: Array, vectors1: Array) -> Array:
        """See Embedder."""
        if self.distance == "cosine":
            return np.asarray(1 - _directions(vectors0) @ _directions(vectors1).T)
        if self.normalize:
            vectors0, vectors1 = _directions(vectors0), _directions(vectors1)
        # One row at a time: all differences at once would be an array of N x M x D.
        rows = [np.linalg.norm(vectors1 - vector, axis=1) for vector in vectors0]
        return np.array(rows).reshape(len(vectors0), len(vectors1))


def _directions(vectors: Array) -> Array:
    """Scale (N, D) vectors to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _LEAST_LENGTH))
