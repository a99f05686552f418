"""Outputs of a model that no step reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Literal, get_args, get_origin

from builder.diagnostics.rule import warning
from builder.families.evidence import is_feature_map
from builder.families.match import Match
from builder.families.registry import family_of
from runtimes.classes import Classes
from runtimes.errors import FunctionError
from runtimes.signature import Signature, Tensor
from runtimes.step import Decoder, Step

UNUSED_OUTPUT = warning(
    "unused-output",
    "Output is not used",
    "The function drops what the model finds there, such as masks or keypoints.",
)


def unread_outputs(bound: object, outputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the outputs that no bound step names.

    Side outputs of the step's family, such as U2-Net's, are left out: outputs with the shape of
    one that is read, and features of layers. So is the size of the image, two integers, which
    Detectron2 returns.

    Args:
        bound: a step, or a function with steps, whose tensor names are filled in.
        outputs: the outputs of its model.
    """
    names: set[str] = set()
    sides = set()
    shapes = {tensor.name: (tensor.shape, tensor.dtype) for tensor in outputs}
    for step, text in _texts(bound, None):
        names.add(text)
        family = family_of(step) if step is not None else None
        if family is not None and family.side_outputs and text in shapes:
            sides.add(shapes[text])
            sides.update(shapes[it.name] for it in outputs if is_feature_map(it))
    if names.isdisjoint(shapes):
        return ()
    return tuple(
        it
        for it in outputs
        if it.name not in names
        and shapes[it.name] not in sides
        and not (it.shape == (2,) and it.dtype.startswith("int"))
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


def _texts(value: object, step: Step | None) -> Iterator[tuple[Step | None, str]]:
    """Yield every text in a value and its parts, with the innermost step that has it.

    Fields with a choice of words, such as `activation`, name no tensor.
    """
    if isinstance(value, str):
        yield step, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(key, step)
            yield from _texts(part, step)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part, step)
    elif is_dataclass(value):
        inner = value if isinstance(value, Step) else step
        for field in fields(value):
            types = (field.type, *get_args(field.type))
            if not any(get_origin(it) is Literal for it in types):
                yield from _texts(getattr(value, field.name), inner)
