"""ReID: from a manifest and its model to what model_handler.py spells out."""

from collections.abc import Mapping

from builder.diagnostics.errors import ManifestError, Problem, collect
from builder.manifest.located_yaml import Path_
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import ReidManifest
from builder.model.file import Model
from builder.plan.binding import bind_network, step_problem
from builder.plan.types.bound import Bound
from runtimes.errors import BadModel
from runtimes.interfaces import Embedder
from runtimes.reid import Reid

CALLED = "ReID"
"""Such a function in a sentence."""

ARGUMENTS = "frame1.jpg frame2.jpg --boxes boxes.json"
"""What `cvatbuild predict FUNCTION` is followed by in an example."""

REQUEST = (
    '{"image0": "%s", "image1": "%s", "boxes0": [{"points": [10, 10, 60, 90]}], '
    '"boxes1": [{"points": [14, 12, 64, 92]}]}'
)
"""A request of CVAT's, for `printf`, which puts the base64 of an image where `%s` stands."""


def bind(read: ManifestFile[ReidManifest], models: Mapping[Path_, Model]) -> Bound:
    """See builder.plan.types.Kind.bind."""
    manifest, model = read.manifest, models["model",]
    problems: list[Problem] = []
    network = collect(problems, lambda: bind_network(read, (), model))
    embedders = []
    for path, step in read.steps("postprocess").items():
        assert isinstance(step, Embedder)
        try:
            embedders.append(step.bind(model.signature))
        except BadModel as error:
            problems.append(step_problem(read.document, path, error))
    if network is None or problems:
        raise ManifestError(*problems)
    function = Reid(manifest.threshold, manifest.max_distance, network, embedders[0])
    return Bound(function)


def check(read: ManifestFile[ReidManifest]) -> None:
    """See Kind.check: all that a manifest of this kind says is about its model."""
