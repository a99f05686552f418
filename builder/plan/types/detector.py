"""Detectors: from a manifest and its models to what model_handler.py spells out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from builder.diagnostics.errors import ManifestError, Problem, collect, did_you_mean
from builder.manifest.labels import Labels
from builder.manifest.located_yaml import Path_
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import DetectorManifest
from builder.model.file import Model
from builder.plan.binding import bind_network, step_problem
from builder.plan.cvat_labels import bad_attributes, declared_labels, read_labels
from builder.plan.types.bound import Bound
from runtimes.detector import Detector
from runtimes.errors import BadModel
from runtimes.second import Second
from runtimes.signature import Signature
from runtimes.step import Attribute, Decoder, Refine, Shape

CALLED = "a detector"
"""Such a function in a sentence."""

ARGUMENTS = "photo.jpg"
"""What `cvatbuild predict FUNCTION` is followed by in an example."""

REQUEST = '{"image": "%s"}'
"""A request of CVAT's, for `printf`, which puts the base64 of an image where `%s` stands."""


def bind(read: ManifestFile[DetectorManifest], models: Mapping[Path_, Model]) -> Bound:
    """See builder.plan.types.Kind.bind."""
    first = models["model",]
    unnamed = bad_attributes(read)
    problems = [*unnamed]
    labels = collect(problems, lambda: read_labels(read, first.signature))
    network = collect(problems, lambda: bind_network(read, (), first))
    declared: Any = None
    steps: Postprocess | None = None
    then: list[Any] = []
    if labels is not None:
        if not unnamed:
            declared = collect(problems, lambda: declared_labels(labels, read))
        steps = collect(problems, lambda: bind_postprocess(read, (), first.signature, labels))
        then = [
            collect(problems, partial(_bind_second, read, stage, models, labels))
            for stage in read.stages()[1:]
        ]
    if labels is None or network is None or steps is None or steps.decoder is None or problems:
        raise ManifestError(*problems)
    function = Detector(
        labels.names,
        read.manifest.threshold,
        network,
        steps.decoder,
        steps.refine,
        steps.shapes,
        tuple(then),
    )
    return Bound(function, declared)


def check(read: ManifestFile[DetectorManifest]) -> None:
    """See builder.plan.types.Kind.check."""
    if read.manifest.labels == "metadata":
        what = "the labels are in the model, which is not looked at"
        hint = "leave out --no-model, or list the labels"
        raise ManifestError(
            read.document.problem(("labels",), what, "metadata", hint=hint, code="labels-not-seen"),
            *bad_attributes(read),
        )
    unnamed = bad_attributes(read)
    problems = [*unnamed]
    labels = collect(problems, lambda: read_labels(read, Signature((), ())))
    if labels is not None:
        for stage in read.stages()[1:]:
            problems += unknown_labels(read, stage, labels)
        if not unnamed:
            collect(problems, lambda: declared_labels(labels, read))
    if problems:
        raise ManifestError(*problems)


@dataclass(frozen=True, slots=True)
class Postprocess:
    """The postprocessing steps of a stage, bound to a model and to the labels.

    Attributes:
        decoder: None in a second model that only reads attributes.
        refine: refinements and attributes, in the manifest's order.
        shapes: in the manifest's order.
    """

    decoder: Decoder | None
    refine: tuple[Refine | Attribute, ...]
    shapes: tuple[Shape, ...]


def bind_postprocess(
    read: ManifestFile[DetectorManifest], stage: Path_, signature: Signature, labels: Labels
) -> Postprocess:
    """The postprocessing steps of a stage, bound to the model's outputs and to the labels.

    Raises:
        ManifestError: the model's outputs are not what the steps are for.
    """
    problems: list[Problem] = []
    decoder: Decoder | None = None
    refine: list[Refine | Attribute] = []
    shapes: list[Shape] = []
    for path, step in read.steps("postprocess", stage).items():
        assert isinstance(step, Decoder | Refine | Attribute | Shape)
        try:
            if isinstance(step, Decoder):
                decoder = step.bind(signature, labels.classes)
            elif isinstance(step, Attribute):
                refine.append(step.bind(signature))
            elif isinstance(step, Shape):
                keypoints = decoder.keypoint_count if decoder else None
                if step.label_type == "skeleton" and keypoints is not None:
                    for joints in labels.joints:
                        joints.check(keypoints)
                shapes.append(step.bind(labels.joints))
            else:
                refine.append(step)
        except BadModel as error:
            problems.append(step_problem(read.document, path, error))
    if problems:
        raise ManifestError(*problems)
    return Postprocess(decoder, tuple(refine), tuple(shapes))


def _bind_second(
    read: ManifestFile[DetectorManifest],
    stage: Path_,
    models: Mapping[Path_, Model],
    labels: Labels,
) -> Second:
    """A second model with its steps.

    Raises:
        ManifestError: they do not fit, or it is to look at labels that there are none of.
    """
    given, model = read.manifest.then[int(stage[1])], models[(*stage, "model")]
    by_name = {name: number for number, name in labels.names.items()}
    unknown = unknown_labels(read, stage, labels)
    if unknown:
        raise ManifestError(*unknown)
    classes = tuple(by_name[name] for name in given.only) or tuple(by_name.values())
    network = bind_network(read, stage, model)
    # What a second model decodes is of one kind, whatever the first one's classes are.
    alone = Labels(labels.entries[:1], exact=False)
    steps = bind_postprocess(read, stage, model.signature, alone)
    attributes = tuple(step for step in steps.refine if isinstance(step, Attribute))
    return Second(network, classes, given.expand, steps.decoder, attributes, given.aspect)


def unknown_labels(
    read: ManifestFile[DetectorManifest], stage: Path_, labels: Labels
) -> list[Problem]:
    """The labels that a second model is to look at although there are none such."""
    names = list(labels.names.values())
    return [
        read.document.problem(
            (*stage, "only", place),
            f"there is no label '{name}'",
            name,
            ", ".join(names),
            did_you_mean(name, names),
            "unknown-label",
        )
        for place, name in enumerate(read.manifest.then[int(stage[1])].only)
        if name not in names
    ]
