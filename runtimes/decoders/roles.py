"""Telling a model's outputs apart by name, type and shape, and taking their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor, absent, listed

Pattern = tuple[int | None, ...]
"""The shape of an output; None where any size will do. Ones at its start are the batch."""


@dataclass(frozen=True, slots=True)
class Role:
    """What one of a model's outputs holds, and how it can be known.

    Attributes:
        key: the manifest's key for its name.
        holds: its content and shape, for messages.
        words: parts of the names that exporters give it.
        shapes: its possible shapes, each of another rank.
        kind: what its numbers usually are. Converters change types, so this only breaks ties.
        optional: whether models without it are decoded too.
    """

    key: str
    holds: str
    words: tuple[str, ...]
    shapes: tuple[Pattern, ...]
    kind: Literal["float", "int"] = "float"
    optional: bool = False

    def pattern(self, shape: Sequence[int | None]) -> Pattern | None:
        """The one of `shapes` that a shape fits, if there is one."""
        for pattern in self.shapes:
            if len(pattern) == len(shape) and all(
                want is None or size is None or want == size
                for want, size in zip(pattern, shape, strict=True)
            ):
                return pattern
        return None


def resolve(
    signature: Signature, parts: Sequence[tuple[Role, str | None]], hint: str = ""
) -> list[Tensor | None]:
    """The output for each role: the named one, else one known by its name, type or shape.

    Order among the outputs means nothing: exporters of one family disagree on it.

    Args:
        signature: the model's.
        parts: the roles with the names from the manifest.
        hint: what else the model could be, for the message.

    Returns:
        A tensor for each of `parts`; None for optional ones that the model does not have.

    Raises:
        BadModel: a name is wrong, or a role that is needed fits no output or several.
    """
    found: dict[str, Tensor] = {}
    for role, name in parts:
        if name is not None:
            named = [tensor for tensor in signature.outputs if tensor.name == name]
            if not named:
                raise absent(name, signature.outputs, "output", role.key)
            if role.pattern(named[0].shape) is None:
                raise BadModel(
                    f"the output {named[0]} does not hold {role.holds}",
                    where=role.key,
                    found=name,
                    allowed=role.holds,
                    fault=Fault.OUTPUT_LAYOUT,
                )
            found[role.key] = named[0]

    def fitting(role: Role) -> list[Tensor]:
        free = [tensor for tensor in signature.outputs if tensor not in found.values()]
        return [tensor for tensor in free if role.pattern(tensor.shape) is not None]

    # Names say most, then types; what is left over may be told by its shape alone. One answer can
    # make room for another, so each kind of evidence is asked until it has nothing more to say.
    for level in ("name", "type", "shape"):
        before = -1
        while before != len(found):
            before = len(found)
            for role, _ in parts:
                if role.key not in found:
                    sure = [tensor for tensor in fitting(role) if _speaks(level, role, tensor)]
                    if len(sure) == 1:
                        found[role.key] = sure[0]
    for role, _ in parts:
        if role.key not in found and not role.optional:
            several = fitting(role)
            raise BadModel(
                f"{len(several)} outputs could hold {role.holds}; one is needed",
                where=role.key,
                found=listed(signature.outputs),
                allowed=f"one output with {role.holds}",
                hint=f"name it: `{role.key}: NAME`" if several else hint,
                fault=Fault.OUTPUT_AMBIGUOUS if several else Fault.OUTPUT_MISSING,
            )
    return [found.get(role.key) for role, _ in parts]


def _speaks(level: str, role: Role, tensor: Tensor) -> bool:
    """Whether a tensor that has a role's shape may have the role by its name, or by its type."""
    if level == "name":
        return any(word in tensor.name.lower() for word in role.words)
    integer = tensor.dtype.startswith(("int", "uint"))
    return level == "shape" or integer == (role.kind == "int")


def names(tensors: Sequence[Tensor | None]) -> list[str | None]:
    """The names of what `resolve` found."""
    return [None if tensor is None else tensor.name for tensor in tensors]


def rows(
    outputs: Mapping[str, Array], parts: Sequence[tuple[Role, str | None]], step: str
) -> list[Array]:
    """Outputs by role, without their batch axes, so that all have one row per candidate.

    Raises:
        BadModel: an output is missing or has another shape, or they differ in length.
    """
    found = []
    for role, name in parts:
        array = take(outputs, name)
        pattern = role.pattern(array.shape)
        if pattern is None:
            raise BadModel(
                f"`{step}` decodes {role.holds}, got {list(array.shape)}", where=role.key
            )
        batch = next((axis for axis, size in enumerate(pattern) if size != 1), len(pattern))
        found.append(array.reshape(array.shape[batch:]))
    if len({len(array) for array in found}) > 1:
        counts = ", ".join(
            f"{role.key} {len(array)}" for (role, _), array in zip(parts, found, strict=True)
        )
        raise BadModel(f"`{step}` needs as many rows in each output, got {counts}")
    return found


def above(scores: Array, classes: Array, threshold: float, first: int = 0) -> Array:
    """The numbers of the rows that count: score above `threshold`, class `first` or higher.

    Args:
        scores: (N,). Padding rows have score 0.
        classes: (N,) of any numeric type; what is not finite is no class.
        threshold: 0..1.
        first: the lowest class; below it are background, and -1, which some models pad with.
    """
    known = (classes >= first) & np.isfinite(classes)
    return np.asarray(np.flatnonzero((scores > threshold) & known))


def to_pixels(boxes: Array, size: Size) -> Array:
    """(N, 4) boxes in 0..1 -> float64 pixels of something of `size`."""
    height, width = size
    return np.asarray(boxes.astype(np.float64) * np.array([width, height, width, height]))
