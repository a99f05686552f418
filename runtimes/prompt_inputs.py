"""The inputs of a model that takes prompts: what goes into which, and whether it fits."""

from collections.abc import Mapping, Sequence

from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor, absent, fits, listed

_BLANK = (1, 1, 256, 256)
"""The sizes of an earlier mask, where the graph leaves them open."""


def check_order(names: Sequence[str], model: Signature, encoder: Signature) -> None:
    """Stop where it is the encoder that takes points.

    Args:
        names: the usual ones of the input with the points.
        model: of what the manifest calls the decoder.
        encoder: of what it calls the encoder.

    Raises:
        BadModel: it is.
    """
    taken = {tensor.name for tensor in model.inputs}
    swapped = [it for it in encoder.inputs if it.name in names and it.name not in taken]
    if swapped:
        raise BadModel(
            f"the encoder takes the points, as {swapped[0]}, and the decoder does not",
            found=f"decoder: {listed(model.inputs)}",
            allowed="an encoder that takes the image, a decoder that takes the points",
            hint="write the file of `encoder` under `decoder`, and the other way round",
            fault=Fault.MODELS_SWAPPED,
        )


def check_prompts(points: Tensor, labels: Tensor) -> None:
    """Stop where two inputs do not take any number of points, [..., n, 2], and labels, [..., n].

    Raises:
        BadModel: they do not.
    """
    if points.name == labels.name:
        raise BadModel(
            f"the input {points} cannot take both the points and their labels",
            where="labels",
            found=labels.name,
            allowed="two inputs",
            fault=Fault.DUPLICATE_INPUT,
        )
    if points.shape and (len(points.shape) < 2 or points.shape[-1] not in (2, None)):
        raise BadModel(
            f"the input {points} takes no points",
            where="points",
            found=points.name,
            allowed="[..., n, 2]: x and y of any number of points",
            fault=Fault.PROMPT_INPUTS,
        )
    for key, tensor, count in (
        ("points", points, points.shape[-2] if points.shape else None),
        ("labels", labels, labels.shape[-1] if labels.shape else None),
    ):
        if count is not None:
            raise BadModel(
                f"the input {tensor} takes exactly {count} points",
                where=key,
                found=tensor.name,
                allowed="any number of points",
                hint="export the model again with an open axis for the points",
                fault=Fault.FIXED_PROMPTS,
            )


def check_given(
    features: Mapping[str, str], inputs: Mapping[str, Tensor], encoder: Signature
) -> None:
    """Stop where the encoder does not give what is to be passed on.

    Raises:
        BadModel: it does not.
    """
    given = {tensor.name: tensor for tensor in encoder.outputs}
    for name, source in features.items():
        if source not in given:
            raise absent(source, encoder.outputs, "output", "features", "the encoder")
        if not fits(given[source], inputs[name]):
            raise BadModel(
                f"the encoder gives {given[source]}, but the decoder's input {inputs[name]} takes "
                "another shape",
                where="features",
                found=str(given[source]),
                allowed=str(inputs[name]),
                hint="are both models exports of the same network?",
                fault=Fault.FEATURES_SHAPE,
            )


def zeros_shape(tensor: Tensor) -> tuple[int, ...]:
    """The shape of an input that is given zeros."""
    return tuple(
        known if known is not None else _BLANK[axis]
        for axis, known in enumerate(tensor.shape[: len(_BLANK)])
    )


def paired(left: list[Tensor], encoder: Signature | None) -> dict[str, str]:
    """Inputs of the decoder, and the encoder's outputs of the same name.

    If one input and one output are left over, they belong together, whatever they are called. An
    only model's image goes in under its own name.
    """
    if encoder is None:
        return {tensor.name: tensor.name for tensor in left[:1]}
    given = {tensor.name for tensor in encoder.outputs}
    pairs = {tensor.name: tensor.name for tensor in left if tensor.name in given}
    inputs = [tensor.name for tensor in left if tensor.name not in pairs]
    outputs = [tensor.name for tensor in encoder.outputs if tensor.name not in pairs]
    if len(inputs) == len(outputs) == 1:
        pairs[inputs[0]] = outputs[0]
    return pairs
