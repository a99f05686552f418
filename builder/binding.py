"""The steps of a manifest brought together with the models that they are for."""

from dataclasses import replace
from typing import Literal

from builder.document import Document, Path_
from builder.errors import ManifestError, Problem, did_you_mean
from builder.labels import Labels
from builder.manifest import ManifestFile
from builder.metadata import image_size
from builder.model import Model
from runtimes.errors import BadModel
from runtimes.network import SIZE_INPUTS, Network
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.second import Second
from runtimes.signature import ImageInput, Signature, Tensor
from runtimes.step import Attribute, Decoder, Preprocess, Refine, Shape

Processing = Decoder | Refine | Attribute | Shape
"""A step after the model."""


def bind_network(read: ManifestFile, stage: Path_, model: Model) -> Network:
    """The model of a stage with its preprocessing bound to its input.

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
                _image_input(model.signature),
                next((step.order for step in layouts.values()), None),
            ),
            trained=image_size(model.signature.metadata),
        )
    except BadModel as error:
        raise ManifestError(_problem(document, next(iter(layouts), here), error)) from error
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
            problems.append(_problem(document, path, error))
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


def _image_input(signature: Signature) -> Tensor:
    """The input that takes the image: the only one beside those that `SIZE_INPUTS` knows.

    Raises:
        BadModel: there is none, or there are several.
    """
    images = [tensor for tensor in signature.inputs if tensor.name not in SIZE_INPUTS]
    if len(images) != 1:
        listing = ", ".join(str(tensor) for tensor in signature.inputs)
        raise BadModel(
            f"the model has {len(signature.inputs)} inputs; a detector's takes one, the image",
            found=listing or "none",
        )
    return images[0]


def bind_postprocess(
    read: ManifestFile, stage: Path_, signature: Signature, labels: Labels
) -> tuple[Processing, ...]:
    """The postprocessing steps of a stage, bound to the model's outputs and to the labels.

    Raises:
        ManifestError: the model's outputs are not what the steps are for.
    """
    bound: list[Processing] = []
    problems: list[Problem] = []
    keypoints = labels.entries[0].keypoints
    for place, label in enumerate(labels.entries):
        if label.keypoints != keypoints:
            what = "the labels have different sublabels; a model gives all of them the same"
            problems.append(read.document.problem(("labels", place), what))
    for path, step in read.steps("postprocess", stage).items():
        assert isinstance(step, Processing)
        try:
            if isinstance(step, Decoder):
                bound.append(step.bind(signature, labels.classes))
            elif isinstance(step, Attribute):
                bound.append(step.bind(signature))
            elif isinstance(step, Shape):
                bound.append(step.bind(keypoints))
            else:
                bound.append(step)
        except BadModel as error:
            problems.append(_problem(read.document, path, error))
    if problems:
        raise ManifestError(*problems)
    return tuple(bound)


def bind_second(read: ManifestFile, stage: Path_, model: Model, labels: Labels) -> Second:
    """A second model with its steps.

    Raises:
        ManifestError: they do not fit, or it is to look at labels that there are none of.
    """
    given = read.manifest.then[int(stage[1])]
    by_name = {name: number for number, name in labels.names.items()}
    unknown = unknown_labels(read, stage, labels)
    if unknown:
        raise ManifestError(*unknown)
    classes = tuple(by_name[name] for name in given.only) or tuple(by_name.values())
    network = bind_network(read, stage, model)
    # What a second model decodes is of one kind, whatever the first one's classes are.
    alone = Labels(labels.entries[:1], exact=False)
    steps = bind_postprocess(read, stage, model.signature, alone)
    kept = tuple(step for step in steps if isinstance(step, Decoder | Attribute))
    return Second(network, classes, given.expand, kept)


def unknown_labels(read: ManifestFile, stage: Path_, labels: Labels) -> list[Problem]:
    """The labels that a second model is to look at although there are none such."""
    names = list(labels.names.values())
    return [
        read.document.problem(
            (*stage, "only", place),
            f"there is no label '{name}'",
            name,
            ", ".join(names),
            did_you_mean(name, names),
        )
        for place, name in enumerate(read.manifest.then[int(stage[1])].only)
        if name not in names
    ]


def _problem(document: Document, path: Path_, error: BadModel) -> Problem:
    """What a step says of the model, at the step's place in the manifest."""
    below = (*path, error.where) if error.where else path
    return document.problem(below, error.what, error.found, error.allowed, error.hint)
