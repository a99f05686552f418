"""Bind preprocessing steps to the model's input."""

from dataclasses import replace
from typing import Any, Literal

from builder.diagnostics.faults import problem_of
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.families.registry import family_of
from builder.manifest.reading import ManifestFile
from builder.model.file import Model
from builder.model.metadata import image_size
from builder.plan.context import Context
from runtimes.arrays import Size
from runtimes.errors import BadModel, Fault
from runtimes.network import EXTRA_INPUTS, Network
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.signature import ImageInput, Signature, Tensor, listed
from runtimes.step import Preprocess

NO_RESIZE = Rule(
    "no-resize",
    "No step resizes the image to the model's input size",
    "The model would reject every image.",
)


def bind_network(
    context: Context, stage: Path_, model: Model, input_name: str | None = None
) -> Network | None:
    """Bind the preprocessing of a stage to the input of its model.

    Args:
        context: the manifest, and the collector that gets the problems.
        stage: see ManifestFile.stages.
        model: the stage's model.
        input_name: the input that takes the image, if the model has several.

    Returns:
        The model with its preprocessing; None if they do not match.
    """
    try:
        tensor = _image_input(model.signature, input_name)
    except BadModel as error:
        problem = context.manifest_file.yaml.locate(problem_of(error), (*stage, "preprocess"))
        context.diagnostics.add([problem])
        return None
    steps = bind_steps(context, stage, tensor, image_size(model.signature.metadata))
    return None if steps is None else Network(model.name, tensor.name, steps)


def bind_steps(
    context: Context, stage: Path_, tensor: Tensor, trained: Size | None = None
) -> tuple[Preprocess, ...] | None:
    """Bind the preprocessing steps of a stage to an input.

    Args:
        context: the manifest, and the collector that gets the problems.
        stage: see ManifestFile.stages.
        tensor: the input.
        trained: the image size that the model was trained at, if it is known.

    Returns:
        The steps with the defaults that the manifest leaves out; None if they do not match.
    """
    manifest_file = context.manifest_file
    given = manifest_file.steps("preprocess", stage)
    here = (*stage, "preprocess")
    layouts = {path: step for path, step in given.items() if isinstance(step, Layout)}
    try:
        image = replace(
            ImageInput.of(tensor, next((step.order for step in layouts.values()), None)),
            trained=trained,
        )
    except BadModel as error:
        path = next(iter(layouts), here)
        context.diagnostics.add([manifest_file.yaml.locate(problem_of(error), path)])
        return None
    orders = [step.order for step in given.values() if isinstance(step, Channels)]
    if image.channels is None:
        image = replace(image, channels=1 if orders[-1:] == ["gray"] else 3)
    # Every model needs these two; manifests may leave them out.
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
            problems.append(manifest_file.yaml.locate(problem_of(error), path))
    resizes = any(not isinstance(step, VALUE_STEPS) for step in given.values())
    # A tracker's crops already have the input's size.
    if (
        not resizes
        and manifest_file.manifest.type != "tracker"
        and image.height is not None
        and image.width is not None
    ):
        problems.append(
            manifest_file.problem(
                here,
                f"no step resizes the image to the model's input '{image.name}', which is "
                f"{image.height}x{image.width}",
                allowed="letterbox, resize or center_crop",
                hint=_resize_hint(manifest_file, stage),
                rule=NO_RESIZE,
            )
        )
    context.diagnostics.add(problems)
    if problems:
        return None
    # The order of these steps has no effect; a fixed order is easier to review.
    bound.sort(key=_order)
    return tuple(bound)


def _resize_hint(manifest_file: ManifestFile[Any], stage: Path_) -> str:
    """Return the step that resizes images as the decoder's family does."""
    for step in manifest_file.steps("postprocess", stage).values():
        family = family_of(step)
        if family and family.input_format and family.input_format.resizing:
            return f"add `- {family.input_format.resizing.mode}`"
    return "add `- letterbox` to keep the aspect ratio, or `- resize`"


VALUE_STEPS = (Channels, Normalize, Layout)
"""The steps that change values but move no pixels, in the order in which they are written."""


def _order(step: Preprocess) -> int:
    """Return the sort key of a step: steps that move pixels keep their order and come first."""
    return VALUE_STEPS.index(type(step)) + 1 if isinstance(step, VALUE_STEPS) else 0


def _image_input(signature: Signature, name: str | None) -> Tensor:
    """Return the input that takes the image: by name, or the only one not in `EXTRA_INPUTS`.

    Raises:
        BadModel: no input or several inputs match.
    """
    images = [
        tensor
        for tensor in signature.inputs
        if (tensor.name not in EXTRA_INPUTS if name is None else tensor.name == name)
    ]
    if len(images) != 1:
        raise BadModel(
            f"the model has {len(signature.inputs)} inputs; exactly one must take the image",
            found=listed(signature.inputs),
            allowed="one input" + (f" called '{name}'" if name else ""),
            hint="check that the model suits this `type` of function",
            fault=Fault.MODEL_INPUTS,
        )
    return images[0]
