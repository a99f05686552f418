"""Interactors: bind a manifest's steps to its models."""

from typing import Literal

from builder.diagnostics.faults import problem_of
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import InteractorManifest
from builder.plan.binding import bind_network
from builder.plan.context import Bound, Context
from runtimes.errors import BadModel
from runtimes.interactor import Interactor
from runtimes.interfaces import Segmenter
from runtimes.prompted import Prompted
from runtimes.step import Refine

BOX_NOT_READ = Rule(
    "box-not-read",
    "Model does not read boxes",
    "The model would take the corners of the box for points without a meaning.",
)

NOUN = "an interactor"
"""See FunctionType."""

ARGUMENTS = "photo.jpg --pos 120,80"
"""See FunctionType."""

REQUEST = '{"image": "%s", "pos_points": [[120, 80]], "neg_points": [], "obj_bbox": null}'
"""See FunctionType."""

_SHAPES_SINCE = (2, 60)
"""The first CVAT version that reads masks as shapes."""


def bind(context: Context) -> Bound | None:
    """See FunctionType."""
    if not context.complete:
        return None
    manifest_file = context.manifest_file
    manifest: InteractorManifest = manifest_file.manifest
    first, *others = context.models.values()
    decoder = others[0] if others else None
    problems: list[Problem] = []
    segmenter: Segmenter | None = None
    refine: list[Refine] = []
    image = None
    for path, step in manifest_file.steps("postprocess").items():
        assert isinstance(step, Segmenter | Refine)
        if isinstance(step, Refine):
            refine.append(step)
            continue
        try:
            if decoder is None:
                segmenter = step.bind(first.signature, None)
                image = segmenter.image_input()
            else:
                segmenter = step.bind(decoder.signature, first.signature)
        except BadModel as error:
            problems.append(manifest_file.yaml.locate(problem_of(error), path))
    context.diagnostics.add(problems)
    if segmenter is None:
        return None
    if isinstance(segmenter, Prompted) and not segmenter.takes_boxes:
        context.diagnostics.add(_boxes(manifest_file))
    network = bind_network(context, (), first, image)
    if network is None:
        return None
    function = Interactor(
        manifest.threshold,
        network,
        decoder.name if decoder else None,
        segmenter,
        tuple(refine),
        reply_format(manifest),
        manifest.min_pos_points,
        manifest.start_with_box,
    )
    return Bound(function, annotations=annotations(manifest))


def _boxes(manifest_file: ManifestFile[InteractorManifest]) -> list[Problem]:
    """Return the problem of a manifest that asks for boxes, for a model that reads none."""
    if manifest_file.manifest.start_with_box == "never":
        return []
    problem = Problem(
        "the annotator draws a box, but the decoder is Hugging Face's export, which reads points "
        "only",
        allowed="never",
        hint="remove `start_with_box`, or use a decoder that SAM's own script exports",
        rule=BOX_NOT_READ,
    )
    return [manifest_file.yaml.locate(problem, ("start_with_box",))]


def reply_format(manifest: InteractorManifest) -> Literal["shapes", "mask"]:
    """Return the format of replies that the manifest's CVAT version reads; see Interactor."""
    major, minor = map(int, manifest.cvat.split("."))
    return "shapes" if (major, minor) >= _SHAPES_SINCE else "mask"


def annotations(manifest: InteractorManifest) -> dict[str, str]:
    """Return the annotations that CVAT reads for an interactor.

    CVAT's page needs version 2 to offer the button. The annotation of a bounding box is written
    only if there is one, because CVAT takes any text for yes. An optional box has its own key;
    older CVAT versions ignore it and offer no box.
    """
    found = {
        "version": "2",
        "min_pos_points": str(manifest.min_pos_points),
        "min_neg_points": str(manifest.min_neg_points),
    }
    if manifest.start_with_box == "always":
        found["startswith_box"] = "true"
    if manifest.start_with_box == "optional":
        found["startswith_box_optional"] = "true"
    if manifest.help:
        found["help_message"] = manifest.help
    if manifest.animated_gif:
        found["animated_gif"] = manifest.animated_gif
    return found
