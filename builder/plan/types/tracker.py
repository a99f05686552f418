"""Trackers: from a manifest and its models to what model_handler.py spells out."""

import hashlib
from collections.abc import Mapping

from builder.diagnostics.errors import ManifestError, Problem
from builder.diagnostics.files import sha256
from builder.manifest.located_yaml import Path_
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import TrackerManifest
from builder.model.file import Model
from builder.plan.binding import VALUES, bind_steps, step_problem
from builder.plan.types.bound import Bound
from runtimes.errors import BadModel
from runtimes.interfaces import Tracking
from runtimes.signature import Signature, Tensor
from runtimes.tracker import Tracker

CALLED = "a tracker"
"""Such a function in a sentence."""

ARGUMENTS = "frame*.jpg --box 10,10,60,60"
"""What `cvatbuild predict FUNCTION` is followed by in an example."""

REQUEST = '{"image": "%s", "shapes": [{"type": "rectangle", "points": [10, 10, 60, 60]}]}'
"""A request of CVAT's, for `printf`, which puts the base64 of an image where `%s` stands."""


def bind(read: ManifestFile[TrackerManifest], models: Mapping[Path_, Model]) -> Bound:
    """See builder.plan.types.Kind.bind."""
    manifest = read.manifest
    encoder = models.get(("encoder",))
    model = models["decoder",] if encoder else models["model",]
    problems = _moving_steps(read)
    (step,) = _bound(read, model.signature, encoder.signature if encoder else None, problems)
    if problems:
        raise ManifestError(*problems)
    tensor = _crop_input(step, model.signature, encoder.signature if encoder else None)
    function = Tracker(
        model.name,
        encoder.name if encoder else None,
        _digest(list(models.values())),
        manifest.supported_shape_types,
        bind_steps(read, (), tensor),
        step,
        manifest.max_state_bytes,
    )
    return Bound(
        function,
        annotations={"supported_shape_types": ",".join(manifest.supported_shape_types)},
    )


def check(read: ManifestFile[TrackerManifest]) -> None:
    """See builder.plan.types.Kind.check."""
    problems = _moving_steps(read)
    if problems:
        raise ManifestError(*problems)


def _moving_steps(read: ManifestFile[TrackerManifest]) -> list[Problem]:
    """Preprocessing that would move the pixels of a crop, whose place the step has to know."""
    return [
        read.document.problem(
            path,
            "a tracker's crops have the model's size already; only their values can be changed",
            step.name(),
            ", ".join(allowed.name() for allowed in VALUES),
            "leave it out; the size of crops is `template_size` and `search_size` of the step",
            "crop-moved",
        )
        for path, step in read.steps("preprocess").items()
        if not isinstance(step, VALUES)
    ]


def _bound(
    read: ManifestFile[TrackerManifest],
    model: Signature,
    encoder: Signature | None,
    problems: list[Problem],
) -> list[Tracking]:
    """The manifest's one step, bound; as it is where it cannot be."""
    steps = []
    for path, step in read.steps("postprocess").items():
        assert isinstance(step, Tracking)
        try:
            steps.append(step.bind(model, encoder))
        except BadModel as error:
            problems.append(step_problem(read.document, path, error))
            steps.append(step)
    return steps


def _crop_input(step: Tracking, model: Signature, encoder: Signature | None) -> Tensor:
    """The input that the preprocessing feeds: the encoder's, or the template's."""
    name = step.image if encoder else step.template
    return next(it for it in (encoder or model).inputs if it.name == name)


def _digest(models: list[Model]) -> str:
    """What tells these models from others, by all their files."""
    digests = [sha256(file) for model in models for file in model.files.values()]
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]
