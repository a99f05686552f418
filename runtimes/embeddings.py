"""A cache of embeddings, for repeated clicks on the same image."""

from collections import OrderedDict
from hashlib import sha256

import numpy as np

from runtimes.network import Outputs


def fingerprint(text: str) -> bytes:
    """Return the cache key of an image: the SHA-256 of its base64 text.

    Hashing the text avoids decoding a cached image. CVAT sends no name of the image, and may send
    a part of an image, so only the content identifies it.
    """
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


class Embeddings:
    """A least recently used cache of embeddings.

    Args:
        most: the maximum total size in bytes. The newest embedding is kept even if it is larger.
    """

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self._most = most
        self._kept: OrderedDict[bytes, Outputs] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Outputs | None:
        """Return the embedding of an image, or None; it becomes the most recently used."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: bytes, outputs: Outputs) -> Outputs:
        """Cache a copy of `outputs`, which the next run may overwrite; return the copy."""
        tensors = {name: np.array(array) for name, array in outputs.tensors.items()}
        copy = Outputs(tensors, outputs.view)
        self._drop(key)
        self._kept[key] = copy
        self.bytes += _size(copy)
        while self.bytes > self._most and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        return copy

    def _drop(self, key: bytes) -> None:
        """Remove an image from the cache, if it is there."""
        old = self._kept.pop(key, None)
        if old is not None:
            self.bytes -= _size(old)


def _size(outputs: Outputs) -> int:
    """Return the size of an embedding in bytes."""
    return sum(array.nbytes for array in outputs.tensors.values())
