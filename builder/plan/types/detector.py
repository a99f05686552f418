"""Detectors: bind a manifest's steps to its models and labels."""

from dataclasses import dataclass, replace
from typing import Any

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.faults import problem_of
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.diagnostics.text import did_you_mean
from builder.manifest.labels import Labels
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import DetectorManifest
from builder.plan.binding import bind_network
from builder.plan.characters import with_characters
from builder.plan.context import Bound, Context
from builder.plan.cvat_labels import declared_labels, invalid_attributes
from builder.plan.second_models import second_model_problems
from runtimes.attributes.text import TextAttribute
from runtimes.detector import Detector
from runtimes.errors import BadModel, Fault
from runtimes.merged_semantic import with_merged_classes
from runtimes.second import Second
from runtimes.signature import Signature
from runtimes.step import Attribute, Decoder, Refine, Shape

UNKNOWN_LABEL = Rule("unknown-label", "Unknown label", "The second model would never be applied.")

NOUN = "a detector"
"""See FunctionType."""

ARGUMENTS = "photo.jpg"
"""See FunctionType."""

REQUEST = '{"image": "%s"}'
"""See FunctionType."""


def bind(context: Context) -> Bound | None:
    """See FunctionType."""
    manifest_file, labels, diagnostics = context.manifest_file, context.labels, context.diagnostics
    invalid = invalid_attributes(manifest_file)
    diagnostics.add(invalid)
    for stage in manifest_file.stages():
        diagnostics.add(second_model_problems(manifest_file, stage))
    declared = None
    if labels is not None:
        for stage in manifest_file.stages()[1:]:
            diagnostics.add(_unknown_labels(manifest_file, stage, labels))
        if labels.problems():
            labels = None
        elif not invalid:
            with diagnostics.collect():
                declared = declared_labels(labels, manifest_file)
    if not context.complete:
        return None
    first = context.models["model",]
    network = bind_network(context, (), first)
    if labels is None:
        return None
    steps = _bind_postprocess(context, (), first.signature, labels)
    then = [_bind_second(context, stage, labels) for stage in manifest_file.stages()[1:]]
    if network is None or steps is None or steps.decoder is None or declared is None:
        return None
    function = Detector(
        labels.names,
        manifest_file.manifest.threshold,
        network,
        steps.decoder,
        steps.refine,
        steps.shapes,
        tuple(second for second in then if second is not None),
        manifest_file.manifest.on_bad_image,
        manifest_file.manifest.decode,
    )
    return Bound(function, declared)


@dataclass(frozen=True, slots=True)
class _Postprocess:
    """The postprocessing steps of a stage, bound to a model and to the labels.

    Attributes:
        decoder: None for a second model that only reads attributes.
        refine: refinements and attributes, in the manifest's order.
        shapes: in the manifest's order.
    """

    decoder: Decoder | None
    refine: tuple[Refine | Attribute, ...]
    shapes: tuple[Shape, ...]


def _bind_postprocess(
    context: Context, stage: Path_, signature: Signature, labels: Labels
) -> _Postprocess | None:
    """Bind the postprocessing steps of a stage to the model's outputs and to the labels.

    Returns:
        The steps; None if one of them does not match the model.
    """
    problems: list[Problem] = []
    decoder: Decoder | None = None
    refine: list[Refine | Attribute] = []
    shapes: list[Shape] = []
    keypoints: int | None = None
    for path, step in context.manifest_file.steps("postprocess", stage).items():
        assert isinstance(step, Decoder | Refine | Attribute | Shape)
        try:
            if isinstance(step, Decoder):
                decoder = step.bind(signature, labels.classes)
                decoder = with_merged_classes(decoder, labels.merged_classes)
                keypoints = decoder.keypoint_count
            elif isinstance(step, Attribute):
                if isinstance(step, TextAttribute):
                    step = with_characters(step, context.manifest_file, path)
                refine.append(step.bind(signature))
            elif isinstance(step, Shape):
                if step.label_type == "skeleton" and keypoints is not None:
                    for joints in labels.joints:
                        joints.check(keypoints)
                shapes.append(step.bind(labels.joints))
            else:
                refine.append(step)
        except BadModel as error:
            problem = problem_of(error)
            if error.fault is Fault.CLASS_COUNT and not stage:
                # The labels are where it is fixed.
                path = _labels_path(context.manifest_file, labels)
                problem = replace(problem, path=(), what=f"`{step.name()}`: {problem.what}")
            problems.append(context.manifest_file.yaml.locate(problem, path))
        except ManifestError:  # reported by second_model_problems
            return None
    context.diagnostics.add(problems)
    return None if problems else _Postprocess(decoder, tuple(refine), tuple(shapes))


def _labels_path(manifest_file: ManifestFile[DetectorManifest], labels: Labels) -> Path_:
    """Return the path of the labels, or of the label with the highest class ID if it has one."""
    if labels.exact or isinstance(manifest_file.manifest.labels, str):
        return ("labels",)
    most = max(max(label.ids) for label in labels.entries)
    return ("labels", next(i for i, label in enumerate(labels.entries) if most in label.ids))


def _bind_second(context: Context, stage: Path_, labels: Labels) -> Second | None:
    """Bind a second model and its steps; None if they do not match."""
    given: Any = context.manifest_file.stage(stage)
    model = context.models[(*stage, "model")]
    if _unknown_labels(context.manifest_file, stage, labels):
        return None
    wanted = given.only or [label.name for label in labels.entries]
    ids = {label.name: label.ids for label in labels.entries}
    classes = tuple(number for name in wanted for number in ids[name])
    network = bind_network(context, stage, model)
    # A second model has one class, whatever the first model's classes are.
    one_class = Labels((labels.entries[0].model_copy(update={"id": 0}),), exact=False)
    steps = _bind_postprocess(context, stage, model.signature, one_class)
    if network is None or steps is None:
        return None
    attributes = tuple(step for step in steps.refine if isinstance(step, Attribute))
    aspect, crop = given.aspect, given.crop
    return Second(network, classes, given.expand, steps.decoder, attributes, aspect, crop)


def _unknown_labels(
    manifest_file: ManifestFile[DetectorManifest], stage: Path_, labels: Labels
) -> list[Problem]:
    """Return the problems of the labels in `only` that do not exist."""
    names = [label.name for label in labels.entries]
    return [
        manifest_file.problem(
            (*stage, "only", place),
            f"unknown label '{name}'",
            name,
            ", ".join(names),
            did_you_mean(name, names),
            UNKNOWN_LABEL,
        )
        for place, name in enumerate(manifest_file.manifest.then[int(stage[1])].only)
        if name not in names
    ]
