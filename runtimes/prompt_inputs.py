"""The inputs of models that take prompts: their roles and checks."""

from collections.abc import Mapping, Sequence

from runtimes.errors import BadModel, Fault
from runtimes.signature import Signature, Tensor, absent, fits, listed

_BLANK = (1, 1, 256, 256)
"""The sizes of a previous mask's dynamic axes."""


def check_order(names: Sequence[str], model: Signature, encoder: Signature) -> None:
    """Check that encoder and decoder are not swapped.

    Args:
        names: the usual names of the input with the points.
        model: the signature of the manifest's decoder.
        encoder: the signature of the manifest's encoder.

    Raises:
        BadModel: the encoder takes the points.
    """
    taken = {tensor.name for tensor in model.inputs}
    swapped = [it for it in encoder.inputs if it.name in names and it.name not in taken]
    if swapped:
        raise BadModel(
            f"the encoder takes the points, as {swapped[0]}, and the decoder does not",
            found=f"decoder: {listed(model.inputs)}",
            allowed="an encoder that takes the image, a decoder that takes the points",
            hint="swap the files of `encoder` and `decoder`",
            fault=Fault.MODELS_SWAPPED,
        )


def check_prompts(points: Tensor, labels: Tensor) -> None:
    """Check that two inputs take any number of points, [..., n, 2], and labels, [..., n].

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
            f"the input {points} does not take points",
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
                hint="export the model again with a dynamic axis for the points",
                fault=Fault.FIXED_PROMPTS,
            )


def check_given(
    features: Mapping[str, str], inputs: Mapping[str, Tensor], encoder: Signature
) -> None:
    """Check that the encoder has the outputs that the decoder takes, in fitting shapes.

    Args:
        features: input of the decoder -> output of the encoder.
        inputs: the decoder's inputs by name.
        encoder: the signature of the encoder.

    Raises:
        BadModel: it has not.
    """
    given = {tensor.name: tensor for tensor in encoder.outputs}
    for name, source in features.items():
        if source not in given:
            raise absent(source, encoder.outputs, "output", "features", "the encoder")
        if not fits(given[source], inputs[name]):
            raise BadModel(
                f"the encoder's output {given[source]} does not fit the decoder's input "
                f"{inputs[name]}",
                where="features",
                found=str(given[source]),
                allowed=str(inputs[name]),
                hint="use an encoder and a decoder of the same network",
                fault=Fault.FEATURES_SHAPE,
            )


def zeros_shape(tensor: Tensor) -> tuple[int, ...]:
    """Return the shape of an input that is filled with zeros."""
    return tuple(
        known if known is not None else _BLANK[axis]
        for axis, known in enumerate(tensor.shape[: len(_BLANK)])
    )


def paired(left: list[Tensor], encoder: Signature | None) -> dict[str, str]:
    """Match inputs of the decoder with the encoder's outputs of the same name.

    A single remaining input takes the single remaining output. Without an encoder, the first input
    is that of the image.

    Args:
        left: the inputs that have no other role.
        encoder: the signature of the encoder, if there is one.

    Returns:
        Input -> output.
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
