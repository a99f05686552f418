"""Trackers: bind a manifest's step to its models."""

import hashlib
from collections.abc import Iterable

from builder.diagnostics.faults import problem_of
from builder.diagnostics.files import sha256
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import TrackerManifest
from builder.model.file import Model
from builder.plan.binding import VALUE_STEPS, bind_steps
from builder.plan.context import Bound, Context
from runtimes.errors import BadModel
from runtimes.interfaces import Tracking
from runtimes.signature import Signature, Tensor
from runtimes.tracker import Tracker

CROP_MOVED = Rule(
    "crop-moved",
    "Preprocessing moves a tracker's crop",
    "The tracker crops the image itself; a step that moves pixels would shift every bounding box.",
)

NOUN = "a tracker"
"""See FunctionType."""

ARGUMENTS = "frame*.jpg --box 10,10,60,60"
"""See FunctionType."""

REQUEST = '{"image": "%s", "shapes": [{"type": "rectangle", "points": [10, 10, 60, 60]}]}'
"""See FunctionType."""


def bind(context: Context) -> Bound | None:
    """See FunctionType."""
    manifest_file, diagnostics = context.manifest_file, context.diagnostics
    moving = _moving_steps(manifest_file)
    diagnostics.add(moving)
    if not context.complete:
        return None
    manifest: TrackerManifest = manifest_file.manifest
    encoder = context.models.get(("encoder",))
    model = context.models["decoder",] if encoder else context.models["model",]
    ((path, step),) = manifest_file.steps("postprocess").items()
    assert isinstance(step, Tracking)
    signature = encoder.signature if encoder else None
    try:
        step = step.bind(model.signature, signature)
    except BadModel as error:
        diagnostics.add([manifest_file.yaml.locate(problem_of(error), path)])
        return None
    if moving:
        return None
    preprocess = bind_steps(context, (), _crop_input(step, model.signature, signature))
    if preprocess is None:
        return None
    function = Tracker(
        model.name,
        encoder.name if encoder else None,
        _digest(context.models.values()),
        manifest.supported_shape_types,
        preprocess,
        step,
        manifest.max_state_bytes,
    )
    shape_types = ",".join(manifest.supported_shape_types)
    return Bound(function, annotations={"supported_shape_types": shape_types})


def _moving_steps(manifest_file: ManifestFile[TrackerManifest]) -> list[Problem]:
    """Return the problems of preprocessing steps that move the pixels of a crop."""
    return [
        manifest_file.problem(
            path,
            "a tracker's crops have the model's input size; only their values can be changed",
            step.name(),
            ", ".join(allowed.name() for allowed in VALUE_STEPS),
            "remove it; `template_size` and `search_size` of the tracker's step set the crop size",
            CROP_MOVED,
        )
        for path, step in manifest_file.steps("preprocess").items()
        if not isinstance(step, VALUE_STEPS)
    ]


def _crop_input(step: Tracking, model: Signature, encoder: Signature | None) -> Tensor:
    """Return the input that the preprocessing feeds: the encoder's, or the template's."""
    name = step.image if encoder else step.template
    return next(it for it in (encoder or model).inputs if it.name == name)


def _digest(models: Iterable[Model]) -> str:
    """Return an identifier of these models: a digest of all their files."""
    digests = [sha256(file) for model in models for file in model.files.values()]
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
