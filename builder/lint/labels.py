"""Background labels, the order of labels, and skeletons."""

from collections.abc import Iterator

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.lint.scene import Scene
from builder.manifest.labels import Labels
from builder.model.label_metadata import from_metadata
from runtimes.step import Shape

BACKGROUND_LABEL = warning(
    "background-label",
    "Background is a label",
    "The whole image would be annotated with it.",
)
LABEL_ORDER = warning(
    "label-order",
    "Label order differs from the model's classes",
    "Objects would get each other's labels.",
)
KEYPOINTS_NOT_DRAWN = warning(
    "keypoints-not-drawn",
    "No shape draws the keypoints",
    "Only `skeleton` and `points` draw keypoints.",
)
SKELETON_WITHOUT_EDGES = warning(
    "skeleton-without-edges",
    "Skeleton without edges",
    "CVAT shows unconnected points.",
)


_BACKGROUND = {"background", "__background__", "bg", "none", "no object", "unlabeled"}


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of a detector's labels."""
    labels = scene.labels
    if labels is None:
        return
    yield from _background(scene, labels)
    yield from _order(scene, labels)
    yield from _undrawn_keypoints(scene, labels)
    yield from _missing_edges(scene, labels)


def _path(scene: Scene, index: int) -> Path_:
    """Return the path of a label, or of `labels` if the manifest does not list the labels."""
    is_listed = isinstance(scene.manifest_file.manifest.labels, tuple)
    return ("labels", index) if is_listed else ("labels",)


def _background(scene: Scene, labels: Labels) -> Iterator[Problem]:
    """Yield labels of the background."""
    for index, label in enumerate(labels.entries):
        if label.name.lower() in _BACKGROUND:
            others = [other for other in labels.entries if other is not label]
            yield scene.problem(
                BACKGROUND_LABEL,
                _path(scene, index),
                f"'{label.name}' would be annotated like an object",
                label.name,
                hint="remove the label, and give each other label its class ID"
                + (f": `{{name: {others[0].name}, id: {others[0].id_text}}}`" if others else ""),
            )


def _order(scene: Scene, labels: Labels) -> Iterator[Problem]:
    """Yield labels whose class has another name in the model's metadata."""
    model = scene.first_model
    if model is None or scene.manifest_file.manifest.labels == "metadata":
        return
    try:
        own = [
            label.name for label in from_metadata(model.signature.metadata, model.files[model.name])
        ]
    except ManifestError:
        return
    given = labels.names
    if set(given.values()) <= set(own):
        for index, label in enumerate(labels.entries):
            number = label.ids[0]
            known = [own[it] for it in label.ids if it < len(own)]
            if known and label.name not in known:
                yield scene.problem(
                    LABEL_ORDER,
                    _path(scene, index),
                    f"class {number} is '{label.name}' in the manifest, but '{known[0]}' in the "
                    "model's metadata",
                    label.name,
                    known[0],
                    "write `labels: metadata`, unless the metadata are wrong",
                )


def _undrawn_keypoints(scene: Scene, labels: Labels) -> Iterator[Problem]:
    """Yield labels with keypoints that no shape draws."""
    shapes = scene.steps(Shape).values()
    if shapes and not any("keypoints" in shape.needs for shape in shapes):
        for index, label in enumerate(labels.entries):
            if label.keypoints or label.skeletons:
                yield scene.problem(
                    KEYPOINTS_NOT_DRAWN,
                    _path(scene, index),
                    f"no step draws the keypoints of '{label.name}'",
                    ", ".join(shape.name() for shape in shapes),
                    "skeleton or points",
                    "add `- skeleton` and a `suffix` for each other shape, or remove `sublabels`",
                )


def _missing_edges(scene: Scene, labels: Labels) -> Iterator[Problem]:
    """Yield skeletons without edges."""
    if not any(shape.label_type == "skeleton" for shape in scene.steps(Shape).values()):
        return
    for index, label in enumerate(labels.entries):
        if len(label.keypoints) > 1 and not label.edges:
            one, other = label.keypoints[:2]
            yield scene.problem(
                SKELETON_WITHOUT_EDGES,
                _path(scene, index),
                f"the skeleton '{label.name}' has no edges; CVAT would show unconnected points",
                hint=f"add edges as pairs of keypoints: `edges: [[{one}, {other}]]`",
            )
