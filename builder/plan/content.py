"""The content of a model file in a function: a file to copy, bytes, or bytes that are computed."""

import hashlib
import mmap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from builder.diagnostics.files import sha256


@dataclass(frozen=True, slots=True)
class Derived:
    """Content that a transform computes from a model file when it is written.

    `cvatbuild diff` needs only its digest, which build.lock has if neither the model file nor the
    recipe changed since.

    Attributes:
        recipe: everything beside the model file that determines the content: equal model files and
            equal recipes give equal content.
        before: the content of the model file, or of an earlier transform.
        change: returns the content after the change of `before`.
    """

    recipe: bytes
    before: "Content"
    change: Callable[["Content"], bytes]
    _computed: list[bytes] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls, before: "Content", recipe: bytes, change: Callable[["Content"], bytes]
    ) -> "Derived":
        """Return the content after a change of other content.

        Args:
            before: the content of the model file, or of an earlier transform.
            recipe: determines the change.
            change: returns the changed content; see `read` and `view` for its argument.
        """
        if isinstance(before, Derived):
            recipe = before.recipe + hashlib.sha256(recipe).digest()
        elif isinstance(before, bytes):
            recipe = hashlib.sha256(before).digest() + recipe
        return cls(recipe, before, change)

    def compute(self) -> bytes:
        """Return the content; the first call computes it and keeps it."""
        if not self._computed:
            self._computed.append(self.change(self.before))
        return self._computed[0]

    def release(self) -> None:
        """Free the memory of the content; the next call of `compute` computes it again."""
        self._computed.clear()
        if isinstance(self.before, Derived):
            self.before.release()


Content: TypeAlias = bytes | Path | Derived
"""The content of a file, or the file to copy."""


def read(content: Content) -> bytes:
    """Return content as bytes."""
    if isinstance(content, Path):
        return content.read_bytes()
    return content.compute() if isinstance(content, Derived) else content


def view(content: Content) -> memoryview:
    """Return content for reading, without a copy of a file in memory.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is empty.
    """
    if not isinstance(content, Path):
        return memoryview(read(content))
    with content.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def digest(content: Content) -> str:
    """Return the SHA-256 of content in hexadecimal."""
    if isinstance(content, Path):
        return sha256(content)
    return hashlib.sha256(read(content)).hexdigest()
