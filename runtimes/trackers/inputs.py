"""Telling a tracker's two inputs apart, and the sizes of what they take."""

from typing import Any

from runtimes.errors import BadModel
from runtimes.signature import ImageInput, Signature, Tensor
from runtimes.tracking import Tracking

_TEMPLATE = ("template", "exemplar", "target", "input1", "z")
_SEARCH = ("search", "instance", "input2", "x")
"""What exporters call the inputs; the short names count only when they are the whole name."""


def bind_inputs(
    step: Tracking, model: Signature, encoder: Signature | None, usual: tuple[int, int]
) -> dict[str, Any]:
    """The fields of `Tracking` that say what goes into the models, for `dataclasses.replace`.

    Args:
        step: with what the manifest says.
        model: of the model that compares.
        encoder: of the model that embeds one crop, where there is one.
        usual: the sizes of template and search crop where the model leaves them open.

    Raises:
        BadModel: an input is not to be told apart, or a size is not the model's.
    """
    template, search = _pair(step, model)
    if encoder is None:
        sizes = [
            _size(key, given, tensor, default)
            for key, given, tensor, default in (
                ("template_size", step.template_size, template, usual[0]),
                ("search_size", step.search_size, search, usual[1]),
            )
        ]
        for key, value in (("image", step.image), ("embedding", step.embedding)):
            if value is not None:
                raise BadModel("belongs to an encoder, and there is none", where=key, found=value)
        names: dict[str, Any] = {}
    else:
        image = _only(encoder.inputs, step.image, "image", "input")
        embedding = _only(encoder.outputs, step.embedding, "embedding", "output")
        sizes = [
            # One encoder embeds both crops, so its own size could be right for one of them alone.
            _size("template_size", step.template_size or usual[0], image, usual[0]),
            _size("search_size", step.search_size or usual[1], image, usual[1]),
        ]
        names = {"image": image.name, "embedding": embedding.name}
    return {
        **names,
        "template": template.name,
        "search": search.name,
        "template_size": sizes[0],
        "search_size": sizes[1],
    }


def _pair(step: Tracking, model: Signature) -> tuple[Tensor, Tensor]:
    """The inputs that take the template and the search crop, or what is made of them."""
    listing = ", ".join(str(tensor) for tensor in model.inputs) or "none"
    found: dict[str, Tensor] = {}
    for key, name in (("template", step.template), ("search", step.search)):
        if name is not None:
            named = [tensor for tensor in model.inputs if tensor.name == name]
            if not named:
                what = f"the model has no input called '{name}'"
                raise BadModel(what, where=key, found=name, allowed=listing)
            found[key] = named[0]
    if len(model.inputs) != 2 or len({tensor.name for tensor in found.values()}) < len(found):
        raise BadModel(
            f"the model has {len(model.inputs)} inputs; a tracker's takes two, template and search",
            found=listing,
            hint="a model that takes one crop is an `encoder:`; `model:` is what compares two",
        )
    for key, words in (("template", _TEMPLATE), ("search", _SEARCH)):
        free = [tensor for tensor in model.inputs if tensor not in found.values()]
        said = [tensor for tensor in free if _called(tensor, words)]
        if key not in found and len(said) == 1:
            found[key] = said[0]
    first, second = model.inputs
    if len(found) == 1:
        ((key, taken),) = found.items()
        other = "search" if key == "template" else "template"
        found[other] = second if taken == first else first
    if not found and _extent(first) != _extent(second):
        found["template"], found["search"] = sorted(model.inputs, key=_extent)
    if len(found) != 2 or found["template"] == found["search"]:
        raise BadModel(
            "neither names nor sizes tell which input takes the template",
            where="template",
            found=listing,
            hint="name it: `template: NAME`",
        )
    return found["template"], found["search"]


def _called(tensor: Tensor, words: tuple[str, ...]) -> bool:
    """Whether a tensor's name has one of these words."""
    name = tensor.name.lower()
    return any(name == word if len(word) == 1 else word in name for word in words)


def _extent(tensor: Tensor) -> int:
    """The number of values that a tensor holds; 0 where its shape is open."""
    total = 1
    for size in tensor.shape:
        total *= size or 0
    return total


def _only(tensors: tuple[Tensor, ...], name: str | None, key: str, role: str) -> Tensor:
    """The encoder's tensor called `name`, or the only one that it has."""
    fitting = [tensor for tensor in tensors if name in (None, tensor.name)]
    if len(fitting) != 1:
        listing = ", ".join(str(tensor) for tensor in tensors) or "none"
        raise BadModel(
            f"the encoder has {len(fitting)} {role}s that could be meant; one is needed"
            if name is None
            else f"the encoder has no {role} called '{name}'",
            where=key,
            found=listing if name is None else name,
            allowed=f"one {role}" if name is None else listing,
            hint=f"name it: `{key}: NAME`" if len(fitting) > 1 else "",
        )
    return fitting[0]


def _size(key: str, given: int | None, tensor: Tensor, usual: int) -> int:
    """The side of a square crop: the manifest's or the model's, which must not differ."""
    image = ImageInput.of(tensor)
    taken = {size for size in (image.height, image.width) if size is not None}
    size = given or (taken.pop() if len(taken) == 1 else usual)
    if any(side not in (None, size) for side in (image.height, image.width)):
        raise BadModel(
            f"the crop is {size}x{size}, but the input '{tensor.name}' takes "
            f"{image.height or 'any'}x{image.width or 'any'}",
            where=key,
            found=str(size),
            allowed="the model's size; crops are square",
            hint="an encoder that takes crops of two sizes has to be exported with open height and "
            "width",
        )
    return size
