"""Outputs of a model that no step reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from builder.diagnostics.rule import warning
from builder.families.match import Match
from runtimes.classes import Classes
from runtimes.errors import FunctionError
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder

UNUSED_OUTPUT = warning(
    "unused-output",
    "Output is not used",
    "The function drops what the model finds there, such as masks or keypoints.",
)


def unread_outputs(bound: object, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the outputs that no bound step names.

    Outputs with the shape of one that is read are auxiliary heads, and are left out.

    Args:
        bound: a step, or a function with steps, whose tensor names are filled in.
        outputs: the outputs of its model.
    """
    names = set(_texts(bound))
    read = [tensor for tensor in outputs if tensor.name in names]
    if not read:
        return ()
    shapes = {(tensor.shape, tensor.dtype) for tensor in read}
    return tuple(
        it for it in outputs if it.name not in names and (it.shape, it.dtype) not in shapes
    )


def unread_by_draft(match: Match, signature: Signature) -> tuple[Tensor, ...]:
    """Return the outputs that a drafted detector does not read."""
    if match.type != "detector":
        return ()
    drafted = match.postprocess[0]
    try:
        step = drafted.step(**drafted.fields)
        if not isinstance(step, Decoder):
            return ()
        bound = step.bind(signature, Classes(0, exact=False))
    except (FunctionError, TypeError):
        return ()
    return unread_outputs(bound, signature.outputs)


def listed(tensors: Sequence[Tensor]) -> str:
    """Return what is wrong: "output `masks` [1, 200, 108, 108] is not used"."""
    names = ", ".join(
        f"`{it.name}` [{', '.join('?' if size is None else str(size) for size in it.shape)}]"
        for it in tensors
    )
    return f"output {names} is not used" if len(tensors) == 1 else f"outputs {names} are not used"


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value and its parts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(key)
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))
