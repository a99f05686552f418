"""Matching a model's outputs with roles by name, type and shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from runtimes.arrays import Array, Size
from runtimes.classes import check_whole
from runtimes.decoders.outputs import take
from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor, absent, listed

Pattern = tuple[int | None, ...]
"""The shape of an output; None for any size. Leading ones are batch axes."""


@dataclass(frozen=True, slots=True)
class Role:
    """The role of one of a model's outputs, and how to recognize it.

    Attributes:
        key: the manifest's key for its name.
        holds: its content and shape, for messages.
        words: parts of the names that exporters use for it.
        shapes: its possible shapes, each of another rank.
        kind: its usual element type. Converters change types, so this only breaks ties.
        optional: whether models without it can be decoded.
    """

    key: str
    holds: str
    words: tuple[str, ...]
    shapes: tuple[Pattern, ...]
    kind: Literal["float", "int"] = "float"
    optional: bool = False

    def pattern(self, shape: Sequence[int | None]) -> Pattern | None:
        """Return the first of `shapes` that a shape matches, or None."""
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
    """Return the output of each role: the named one, or one recognized by name, type or shape.

    The order of the outputs is ignored: it differs between exporters of one family.

    Args:
        signature: the model's.
        parts: the roles with the names from the manifest.
        hint: the hint for models without a fitting output.

    Returns:
        A tensor for each of `parts`; None for optional outputs that the model does not have.

    Raises:
        BadModel: a name is wrong, or no output or several outputs fit a required role.
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

    # Names are the strongest evidence, then types, then shapes alone. A resolved role can make
    # another one unique, so each level is repeated until it resolves nothing more.
    for level in ("same name", "name", "type", "shape"):
        before = -1
        while before != len(found):
            before = len(found)
            for role, _ in parts:
                if role.key not in found:
                    matching = [it for it in fitting(role) if _matches(level, role, it)]
                    if len(matching) == 1:
                        found[role.key] = matching[0]
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


def _matches(level: str, role: Role, tensor: Tensor) -> bool:
    """Return whether a tensor of a role's shape matches it by name, type or shape."""
    if level == "same name":
        return tensor.name.lower() in role.words
    if level == "name":
        return any(word in tensor.name.lower() for word in role.words)
    integer = tensor.dtype.startswith(("int", "uint"))
    return level == "shape" or integer == (role.kind == "int")


def names(tensors: Sequence[Tensor | None]) -> list[str | None]:
    """Return the names of the tensors that `resolve` returned."""
    return [None if tensor is None else tensor.name for tensor in tensors]


def rows(
    outputs: Mapping[str, Array], parts: Sequence[tuple[Role, str | None]], step: str
) -> list[Array]:
    """Return the output of each role without its batch axes: arrays of one length.

    Args:
        outputs: the model's outputs by name.
        parts: the roles with the names of their outputs.
        step: the step's name, for messages.

    Raises:
        BadModel: an output is missing or has another shape, or their lengths differ.
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
        raise BadModel(f"`{step}` needs the same number of rows in each output, got {counts}")
    return found


def used_rows(outputs: Mapping[str, Array], name: str | None, most: int, where: str) -> int:
    """Return the number of rows that hold detections.

    Args:
        outputs: the model's outputs by name.
        name: the output with the number; None if the model has none.
        most: the number of all rows.
        where: the step's key with the name, for messages.

    Raises:
        BadModel: the output does not have one number of rows.
    """
    if name is None:
        return most
    number = take(outputs, name)
    if number.size != 1 or not 0 <= number.item() <= most:
        raise BadModel(
            f"the output {name} does not have the number of detections",
            where=where,
            found=str(number.item() if number.size == 1 else list(number.shape)),
            allowed=f"0 to {most}",
        )
    return int(number.item())


def above(scores: Array, classes: Array, threshold: float, first: int = 0) -> Array:
    """Return the indexes of the rows with a score above `threshold` and a class from `first` on.

    Args:
        scores: (N,). Padding rows have score 0.
        classes: (N,) of any numeric type; values that are not finite are no class.
        threshold: 0..1.
        first: the lowest class ID; lower ones are the background, or -1 in padding rows.

    Raises:
        BadModel: a class ID of these rows is not a whole number.
    """
    found = scores > threshold
    check_whole(classes[found], scores[found])
    return np.asarray(np.flatnonzero(found & (classes >= first) & np.isfinite(classes)))


def to_pixels(boxes: Array, size: Size) -> Array:
    """Scale (N, 4) boxes from 0..1 to float64 pixels of `size`, height and width."""
    height, width = size
    return np.asarray(boxes.astype(np.float64) * np.array([width, height, width, height]))
