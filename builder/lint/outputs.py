"""Outputs of the model that takes the image which the manifest does not read."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.families.unread import UNUSED_OUTPUT, listed, unread_outputs
from builder.families.yaml_writer import printable
from builder.lint.scene import Scene

_PATH = ("postprocess",)


def find(scene: Scene) -> Iterator[Problem]:
    """Yield a problem if the model of a detector or ReID function has outputs that no step reads.

    Trackers and interactors have several outputs for one result.
    """
    model = scene.models.get(("model",))
    manifest = scene.manifest_file.manifest
    if model is None or scene.function is None or manifest.type not in ("detector", "reid"):
        return
    unread = unread_outputs(scene.function, model.signature.outputs)
    if unread:
        yield scene.problem(
            UNUSED_OUTPUT,
            _PATH,
            printable(listed(unread)),
            hint="use a step that reads it, or export the model without it",
        )
