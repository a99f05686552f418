"""What a model made of the latest images, for the clicks that follow on the same one."""

from collections import OrderedDict
from hashlib import sha256

import numpy as np

from runtimes.network import Outputs


def fingerprint(text: str) -> bytes:
    """What an image's base64 text is remembered by.

    The text stands for the bytes of the file, so that a click on a known image need not even
    decode them. Nothing else will do: CVAT sends no name, and may send parts of an image.
    """
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


class Embeddings:
    """The latest embeddings, as many as fit.

    Args:
        most: how many bytes they may take together. The newest one always stays.
    """

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self._most = most
        self._kept: OrderedDict[bytes, Outputs] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes) -> Outputs | None:
        """What is remembered of an image, which then counts as the newest."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: bytes, outputs: Outputs) -> Outputs:
        """Remember a copy of `outputs`, which a model may overwrite; return the copy."""
        tensors = {name: np.array(array) for name, array in outputs.tensors.items()}
        copy = Outputs(tensors, outputs.view)
        self._drop(key)
        self._kept[key] = copy
        self.bytes += _size(copy)
        while self.bytes > self._most and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))
        return copy

    def _drop(self, key: bytes) -> None:
        """Forget an image, if it is known."""
        old = self._kept.pop(key, None)
        if old is not None:
            self.bytes -= _size(old)


def _size(outputs: Outputs) -> int:
    """The bytes that an embedding takes."""
    return sum(array.nbytes for array in outputs.tensors.values())
