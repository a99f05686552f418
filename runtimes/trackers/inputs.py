"""The inputs of a tracker's models: template and search crop, and their sizes."""

from typing import Any

from runtimes.errors import BadModel, Fault
from runtimes.interfaces import Tracking
from runtimes.signature import ImageInput, Signature, Tensor, absent, fits, listed

_TEMPLATE = ("template", "exemplar", "target", "input1", "z")
_SEARCH = ("search", "instance", "input2", "x")
"""Parts of the names that exporters use for the inputs; single letters match whole names only."""


def bind_inputs(
    step: Tracking, model: Signature, encoder: Signature | None, usual: tuple[int, int]
) -> dict[str, Any]:
    """Return the fields of `Tracking` for the inputs, for `dataclasses.replace`.

    Args:
        step: with the manifest's fields.
        model: the signature of the model that compares.
        encoder: the signature of the model that embeds a crop, if there is one.
        usual: the sizes of template and search crop for models with dynamic sizes.

    Raises:
        BadModel: the inputs cannot be distinguished, or a size is not the model's.
    """
    if encoder is not None and (len(encoder.inputs), len(model.inputs)) == (2, 1):
        raise BadModel(
            f"the encoder takes two inputs, {listed(encoder.inputs)}, and the decoder one",
            found=f"decoder: {listed(model.inputs)}",
            allowed="an encoder that takes a crop, a decoder that takes the embeddings of two",
            hint="swap the files of `encoder` and `decoder`",
            fault=Fault.MODELS_SWAPPED,
        )
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
                raise BadModel(
                    "requires an encoder",
                    where=key,
                    found=value,
                    hint=f"remove `{key}`, or set `encoder` and `decoder` instead of `model`",
                    fault=Fault.REQUIRES_ENCODER,
                )
        names: dict[str, Any] = {}
    else:
        image, embedding = _encoder_input(step, encoder), _encoder_output(step, encoder)
        for key, tensor in (("template", template), ("search", search)):
            if not fits(embedding, tensor):
                raise BadModel(
                    f"the encoder's output {embedding} does not fit the decoder's input {tensor}",
                    where=key,
                    found=str(embedding),
                    allowed=str(tensor),
                    hint="use an encoder and a decoder of the same network",
                    fault=Fault.FEATURES_SHAPE,
                )
        # One encoder embeds both crops, so a fixed size fits only one of them.
        hint = "export the encoder with dynamic height and width"
        sizes = [
            _size("template_size", step.template_size or usual[0], image, usual[0], hint),
            _size("search_size", step.search_size or usual[1], image, usual[1], hint),
        ]
        names = {"image": image.name, "embedding": embedding.name}
    if sizes[0] > sizes[1]:
        raise BadModel(
            f"the template, {sizes[0]}x{sizes[0]}, is larger than the search crop, "
            f"{sizes[1]}x{sizes[1]}",
            where="template_size" if step.template_size else "template",
            found=str(step.template_size or template.name),
            allowed=f"at most {sizes[1]}x{sizes[1]}",
            hint="check that `template` and `search` are not swapped",
            fault=Fault.TEMPLATE_SIZE,
        )
    return {
        **names,
        "template": template.name,
        "search": search.name,
        "template_size": sizes[0],
        "search_size": sizes[1],
    }


def _pair(step: Tracking, model: Signature) -> tuple[Tensor, Tensor]:
    """Return the inputs of the template and of the search crop, or of their embeddings.

    Raises:
        BadModel: the inputs cannot be distinguished.
    """
    found: dict[str, Tensor] = {}
    for key, name in (("template", step.template), ("search", step.search)):
        if name is not None:
            named = [tensor for tensor in model.inputs if tensor.name == name]
            if not named:
                raise absent(name, model.inputs, "input", key)
            found[key] = named[0]
    if len(model.inputs) != 2:
        raise BadModel(
            f"the model has {len(model.inputs)} inputs; a tracker needs two, template and search",
            found=listed(model.inputs),
            allowed="two inputs",
            hint="a model that takes one crop is an `encoder`; `model` compares two crops",
            fault=Fault.MODEL_INPUTS,
        )
    if len(found) == 2 and found["template"] == found["search"]:
        raise BadModel(
            f"the input {found['search']} cannot take both the template and the search crop",
            where="search",
            found=found["search"].name,
            allowed=listed(it for it in model.inputs if it != found["search"]),
            hint="remove `search`: it is the other input",
            fault=Fault.DUPLICATE_INPUT,
        )
    for key, words in (("template", _TEMPLATE), ("search", _SEARCH)):
        free = [tensor for tensor in model.inputs if tensor not in found.values()]
        named = [tensor for tensor in free if _called(tensor, words)]
        if key not in found and len(named) == 1:
            found[key] = named[0]
    first, second = model.inputs
    if len(found) == 1:
        ((key, taken),) = found.items()
        other = "search" if key == "template" else "template"
        found[other] = second if taken == first else first
    if not found and _extent(first) != _extent(second):
        found["template"], found["search"] = sorted(model.inputs, key=_extent)
    if len(found) != 2 or found["template"] == found["search"]:
        raise BadModel(
            "the input of the template cannot be recognized by name or size",
            where="template",
            found=listed(model.inputs),
            hint="name it: `template: NAME`",
            fault=Fault.INPUT_AMBIGUOUS,
        )
    return found["template"], found["search"]


def _called(tensor: Tensor, words: tuple[str, ...]) -> bool:
    """Return whether a tensor's name contains one of these words; see _TEMPLATE."""
    name = tensor.name.lower()
    return any(name == word if len(word) == 1 else word in name for word in words)


def _extent(tensor: Tensor) -> int:
    """Return the number of values of a tensor, or 0 if its shape is dynamic."""
    total = 1
    for size in tensor.shape:
        total *= size or 0
    return total


def _encoder_input(step: Tracking, encoder: Signature) -> Tensor:
    """Return the encoder's only input.

    Raises:
        BadModel: it has several, or the manifest has another name.
    """
    if len(encoder.inputs) != 1:
        raise BadModel(
            f"the encoder has {len(encoder.inputs)} inputs; one is needed, for a crop",
            found=listed(encoder.inputs),
            allowed="one input",
            fault=Fault.MODEL_INPUTS,
        )
    (image,) = encoder.inputs
    if step.image not in (None, image.name):
        raise absent(str(step.image), encoder.inputs, "input", "image", "the encoder")
    return image


def _encoder_output(step: Tracking, encoder: Signature) -> Tensor:
    """Return the encoder's output with the embedding: the named one, or the only one.

    Raises:
        BadModel: there is no such output, or no name is given and there are several.
    """
    fitting = [it for it in encoder.outputs if step.embedding in (None, it.name)]
    if not fitting:
        raise absent(str(step.embedding), encoder.outputs, "output", "embedding", "the encoder")
    if len(fitting) > 1:
        raise BadModel(
            f"the encoder has {len(fitting)} outputs, and none is named",
            where="embedding",
            found=listed(encoder.outputs),
            allowed="one output",
            hint="name it: `embedding: NAME`",
            fault=Fault.OUTPUT_AMBIGUOUS,
        )
    return fitting[0]


def _size(key: str, given: int | None, tensor: Tensor, usual: int, hint: str = "") -> int:
    """Return the side of a square crop: the manifest's or the model's.

    Args:
        key: the manifest's key.
        given: its value.
        tensor: the input.
        usual: the side if neither has one.
        hint: how to fix a mismatch. Default: to remove the manifest's key.

    Raises:
        BadModel: the two differ.
    """
    image = ImageInput.of(tensor)
    taken = {size for size in (image.height, image.width) if size is not None}
    size = given or (taken.pop() if len(taken) == 1 else usual)
    if any(side not in (None, size) for side in (image.height, image.width)):
        raise BadModel(
            f"the crop is {size}x{size}, but the input '{tensor.name}' is "
            f"{image.height or 'any'}x{image.width or 'any'}",
            where=key,
            found=str(size),
            allowed="the model's size; crops are square",
            hint=hint or (f"remove `{key}`: it is read from the model" if given else ""),
            fault=Fault.INPUT_SIZE,
        )
    return size
