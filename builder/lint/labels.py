"""Labels and attributes that CVAT shows otherwise than was meant."""

from collections.abc import Iterator

from builder.diagnostics.errors import ManifestError
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
    """See builder.lint."""
    labels = scene.labels
    if labels is None:
        return
    yield from _names(scene, labels)
    yield from _skeletons(scene, labels)


def _place(scene: Scene, place: int) -> tuple[str | int, ...]:
    """Where a label stands in the manifest, if it stands there."""
    listed = isinstance(scene.manifest_file.manifest.labels, tuple)
    return ("labels", place) if listed else ("labels",)


def _names(scene: Scene, labels: Labels) -> Iterator[Problem]:
    """A background that would be annotated, and names that the model itself says otherwise."""
    for place, label in enumerate(labels.entries):
        if label.name.lower() in _BACKGROUND:
            others = [other for other in labels.entries if other is not label]
            yield scene.problem(
                BACKGROUND_LABEL,
                _place(scene, place),
                f"'{label.name}' would be annotated like any other label",
                label.name,
                hint="leave it out, and give each of the others its class number"
                + (f": `{{name: {others[0].name}, id: {others[0].id}}}`" if others else ""),
            )
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
        for place, label in enumerate(labels.entries):
            number = label.id or 0
            if number < len(own) and own[number] != label.name:
                yield scene.problem(
                    LABEL_ORDER,
                    _place(scene, place),
                    f"class {number} is '{label.name}' here and '{own[number]}' in the model's "
                    "metadata",
                    label.name,
                    own[number],
                    "write `labels: metadata`, unless the metadata are wrong",
                )


def _skeletons(scene: Scene, labels: Labels) -> Iterator[Problem]:
    """Skeletons without bones, and those that nothing draws."""
    shapes = scene.steps(Shape).values()
    if shapes and not any("keypoints" in shape.needs for shape in shapes):
        for place, label in enumerate(labels.entries):
            if label.keypoints or label.skeletons:
                yield scene.problem(
                    KEYPOINTS_NOT_DRAWN,
                    _place(scene, place),
                    f"no step draws the keypoints of '{label.name}'",
                    ", ".join(shape.name() for shape in shapes),
                    "skeleton or points",
                    "add `- skeleton`, with a `suffix` for the other shapes; or leave out the "
                    "`sublabels`",
                )
    if not any(shape.label_type == "skeleton" for shape in shapes):
        return
    for place, label in enumerate(labels.entries):
        if len(label.keypoints) > 1 and not label.edges:
            one, other = label.keypoints[:2]
            yield scene.problem(
                SKELETON_WITHOUT_EDGES,
                _place(scene, place),
                f"the skeleton '{label.name}' has no edges; CVAT would show loose points",
                hint=f"add pairs of keypoints: `edges: [[{one}, {other}]]`",
            )
