"""ReID: bind a manifest's steps to its model."""

from builder.diagnostics.faults import problem_of
from builder.manifest.schema import ReidManifest
from builder.plan.binding import bind_network
from builder.plan.context import Bound, Context
from runtimes.errors import BadModel
from runtimes.interfaces import Embedder
from runtimes.reid import Reid

NOUN = "a ReID function"
"""See FunctionType."""

ARGUMENTS = "frame1.jpg frame2.jpg --boxes boxes.json"
"""See FunctionType."""

REQUEST = (
    '{"image0": "%s", "image1": "%s", "boxes0": [{"points": [10, 10, 60, 90]}], '
    '"boxes1": [{"points": [14, 12, 64, 92]}]}'
)
"""See FunctionType."""


def bind(context: Context) -> Bound | None:
    """See FunctionType."""
    if not context.complete:
        return None
    manifest_file, model = context.manifest_file, context.models["model",]
    manifest: ReidManifest = manifest_file.manifest
    network = bind_network(context, (), model)
    ((path, step),) = manifest_file.steps("postprocess").items()
    assert isinstance(step, Embedder)
    try:
        embedder = step.bind(model.signature)
    except BadModel as error:
        context.diagnostics.add([manifest_file.yaml.locate(problem_of(error), path)])
        return None
    if network is None:
        return None
    return Bound(Reid(manifest.threshold, manifest.max_distance, network, embedder))
