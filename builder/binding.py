"""Preprocessing steps brought together with the model that they are for."""

from dataclasses import replace
from typing import Literal

from builder.document import Document, Path_
from builder.errors import ManifestError, Problem
from builder.manifest import Manifest
from builder.manifest_file import ManifestFile
from builder.metadata import image_size
from builder.model import Model
from runtimes.errors import BadModel
from runtimes.network import SIZE_INPUTS, Network
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.signature import ImageInput, Signature, Tensor
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
    document = read.document
    given = read.steps("preprocess", stage)
    here = (*stage, "preprocess")
    layouts = {path: step for path, step in given.items() if isinstance(step, Layout)}
    try:
        image = replace(
            ImageInput.of(
                _image_input(model.signature, input_name),
                next((step.order for step in layouts.values()), None),
            ),
            trained=image_size(model.signature.metadata),
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
    resizes = any(not isinstance(step, _VALUES) for step in given.values())
    if not resizes and image.height is not None and image.width is not None:
        problems.append(
            document.problem(
                here,
                f"nothing brings the image to the {image.height}x{image.width} that the model's "
                f"input '{image.name}' takes",
                allowed="letterbox, resize or center_crop",
                hint="add `- letterbox` (YOLO kinds) or `- resize` (SSD and DETR kinds)",
            )
        )
    if problems:
        raise ManifestError(*problems)
    # Values may be noted in any order; readers expect this one.
    bound.sort(key=lambda step: _VALUES.index(type(step)) + 1 if isinstance(step, _VALUES) else 0)
    return Network(model.name, image.name, tuple(bound))


_VALUES = (Channels, Normalize, Layout)
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
        listing = ", ".join(str(tensor) for tensor in signature.inputs)
        raise BadModel(
            f"the model has {len(signature.inputs)} inputs; a detector's takes one, the image",
            found=listing or "none",
        )
    return images[0]


def step_problem(document: Document, path: Path_, error: BadModel) -> Problem:
    """What a step says of the model, at the step's place in the manifest."""
    below = (*path, error.where) if error.where else path
    return document.problem(below, error.what, error.found, error.allowed, error.hint)
