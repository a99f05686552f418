"""Preprocessing steps brought together with the model that they are for."""

from dataclasses import replace
from typing import Literal

from builder.diagnostics.errors import ManifestError, Problem
from builder.manifest.located_yaml import Document, Path_
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import Manifest
from builder.model.file import Model
from builder.model.metadata import image_size
from runtimes.arrays import Size
from runtimes.errors import BadModel, Fault
from runtimes.network import SIZE_INPUTS, Network
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.signature import ImageInput, Signature, Tensor, listed
from runtimes.step import Preprocess


def bind_network(
    read: ManifestFile[Manifest], stage: Path_, model: Model, input_name: str | None = None
) -> Network:
    """The model of a stage with its preprocessing bound to its input.

    Args:
        read: the manifest.
        stage: see ManifestFile.stages.
        model: the stage's.
        input_name: the input that takes the image, where the model has others.

    Raises:
        ManifestError: the steps cannot feed the model.
    """
    try:
        tensor = _image_input(model.signature, input_name)
    except BadModel as error:
        place = (*stage, "preprocess")
        raise ManifestError(step_problem(read.document, place, error)) from error
    trained = image_size(model.signature.metadata)
    return Network(model.name, tensor.name, bind_steps(read, stage, tensor, trained))


def bind_steps(
    read: ManifestFile[Manifest], stage: Path_, tensor: Tensor, trained: Size | None = None
) -> tuple[Preprocess, ...]:
    """The preprocessing of a stage bound to the input that it feeds.

    Args:
        read: the manifest.
        stage: see ManifestFile.stages.
        tensor: the input.
        trained: the size that the model was trained at, where it is known.

    Raises:
        ManifestError: the steps cannot feed it.
    """
    document = read.document
    given = read.steps("preprocess", stage)
    here = (*stage, "preprocess")
    layouts = {path: step for path, step in given.items() if isinstance(step, Layout)}
    try:
        image = replace(
            ImageInput.of(tensor, next((step.order for step in layouts.values()), None)),
            trained=trained,
        )
    except BadModel as error:
        raise ManifestError(step_problem(document, next(iter(layouts), here), error)) from error
    orders = [step.order for step in given.values() if isinstance(step, Channels)]
    if image.channels is None:
        image = replace(image, channels=1 if orders[-1:] == ["gray"] else 3)
    # What every model needs and few manifests should have to say.
    defaults: list[tuple[Path_, Preprocess]] = []
    if not orders:
        order: Literal["rgb", "gray"] = "gray" if image.channels == 1 else "rgb"
        defaults.append((here, Channels(order)))
    if not layouts:
        defaults.append((here, Layout()))
    bound: list[Preprocess] = []
    problems: list[Problem] = []
    for path, step in [*given.items(), *defaults]:
        assert isinstance(step, Preprocess)
        try:
            bound.append(step.bind(image))
        except BadModel as error:
            problems.append(step_problem(document, path, error))
    resizes = any(not isinstance(step, VALUES) for step in given.values())
    # What a tracker's step cuts out has the input's size already.
    if (
        not resizes
        and read.manifest.type != "tracker"
        and image.height is not None
        and image.width is not None
    ):
        problems.append(
            document.problem(
                here,
                f"nothing brings the image to the {image.height}x{image.width} that the model's "
                f"input '{image.name}' takes",
                allowed="letterbox, resize or center_crop",
                hint="add `- letterbox` (YOLO kinds) or `- resize` (SSD and DETR kinds)",
                code="no-resize",
            )
        )
    if problems:
        raise ManifestError(*problems)
    # Values may be noted in any order; readers expect this one.
    bound.sort(key=lambda step: VALUES.index(type(step)) + 1 if isinstance(step, VALUES) else 0)
    return tuple(bound)


VALUES = (Channels, Normalize, Layout)
"""The steps that leave every pixel where it is, in the order in which they are spelled out."""


def _image_input(signature: Signature, name: str | None) -> Tensor:
    """The input that takes the image: by name, or the only one beside those of `SIZE_INPUTS`.

    Raises:
        BadModel: there is none, or there are several.
    """
    images = [
        tensor
        for tensor in signature.inputs
        if (tensor.name not in SIZE_INPUTS if name is None else tensor.name == name)
    ]
    if len(images) != 1:
        raise BadModel(
            f"the model has {len(signature.inputs)} inputs; one is needed, which takes the image",
            found=listed(signature.inputs),
            allowed="one input" + (f" called '{name}'" if name else ""),
            hint="is this model meant for this type of function?",
            fault=Fault.MODEL_INPUTS,
        )
    return images[0]


def step_problem(document: Document, path: Path_, error: BadModel) -> Problem:
    """What a step says of the model, at the step's place in the manifest."""
    below = (*path, error.where) if error.where else path
    code = error.fault.value if error.fault else ""
    return document.problem(below, error.what, error.found, error.allowed, error.hint, code)
