"""Interactors: from a manifest and its models to what model_handler.py spells out."""

from collections.abc import Mapping

from builder.diagnostics.errors import ManifestError, Problem, collect
from builder.manifest.located_yaml import Path_
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import InteractorManifest
from builder.model.file import Model
from builder.plan.binding import bind_network, step_problem
from builder.plan.types.bound import Bound
from runtimes.errors import BadModel
from runtimes.interactor import Interactor
from runtimes.interfaces import Segmenter
from runtimes.step import Refine

CALLED = "an interactor"
"""Such a function in a sentence."""

ARGUMENTS = "photo.jpg --pos 120,80"
"""What `cvatbuild predict FUNCTION` is followed by in an example."""

REQUEST = '{"image": "%s", "pos_points": [[120, 80]], "neg_points": [], "obj_bbox": null}'
"""A request of CVAT's, for `printf`, which puts the base64 of an image where `%s` stands."""

_SHAPES_FROM = (2, 60)
"""The first CVAT that reads masks as shapes."""


def bind(read: ManifestFile[InteractorManifest], models: Mapping[Path_, Model]) -> Bound:
    """See builder.plan.types.Kind.bind."""
    manifest = read.manifest
    first, *others = models.values()
    decoder = others[0] if others else None
    problems: list[Problem] = []
    segmenter: Segmenter | None = None
    refine: list[Refine] = []
    image = None
    for path, step in read.steps("postprocess").items():
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
            problems.append(step_problem(read.document, path, error))
    if problems:
        raise ManifestError(*problems)
    network = collect(problems, lambda: bind_network(read, (), first, image))
    if network is None or segmenter is None:
        raise ManifestError(*problems)
    major, minor = map(int, manifest.cvat.split("."))
    function = Interactor(
        manifest.threshold,
        network,
        decoder.name if decoder else None,
        segmenter,
        tuple(refine),
        "shapes" if (major, minor) >= _SHAPES_FROM else "mask",
        manifest.min_pos_points,
        manifest.start_with_box,
    )
    return Bound(function, annotations=annotations(manifest))


def annotations(manifest: InteractorManifest) -> dict[str, str]:
    """What CVAT reads of an interactor.

    Below version 2 its page offers no button. A box is declared only where there is one: to CVAT
    any text there means yes. One that is optional is declared by its own key alone, which the
    versions that know none of it take for no box.
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


def check(read: ManifestFile[InteractorManifest]) -> None:
    """See Kind.check: all that a manifest of this kind says is about its models."""
