"""Trackers that CVAT does not offer, or whose objects do not fit into their state."""

from collections.abc import Iterator
from math import ceil

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.lint.scene import Scene
from builder.manifest.schema import TrackerManifest
from runtimes.errors import BadModel
from runtimes.interfaces import Tracking

TRACKER_NOT_LISTED = warning(
    "tracker-not-listed",
    "Tracker does not support rectangles",
    "CVAT's AI tools list only trackers of rectangles.",
)
SHAPE_TYPES_IGNORED = warning(
    "shape-types-ignored",
    "CVAT version ignores the supported shape types",
    "The version does not read the key, and sends rectangles only.",
)
STATE_TOO_SMALL = warning(
    "state-too-small",
    "Maximum state size is too small",
    "Objects whose template needs more than the limit are rejected when they are drawn.",
)


_DECLARED_FROM = (2, 60)
"""The first CVAT that is sure to read `supported_shape_types`."""

_BYTES_A_PIXEL = 1 / 3
"""What a template takes in the state at its lowest quality: WebP took 1.9 bits a pixel for crops
with a texture (noise of a standard deviation of 15), and base64 makes 8 bits of 6."""

_BESIDE = 1024
"""Bytes of the state for all else, a shape of few points included."""


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    manifest = scene.manifest_file.manifest
    if isinstance(manifest, TrackerManifest):
        yield from _types(scene, manifest)
        yield from _state(scene, manifest)


def _types(scene: Scene, manifest: TrackerManifest) -> Iterator[Problem]:
    """Shapes that CVAT does not have tracked."""
    types = manifest.supported_shape_types
    if "rectangle" not in types:
        yield scene.problem(
            TRACKER_NOT_LISTED,
            ("supported_shape_types",),
            "CVAT's AI tools list only the trackers that follow rectangles",
            ", ".join(types),
            "rectangle, and maybe others",
            f"write `supported_shape_types: [rectangle, {', '.join(types)}]`",
        )
    if scene.cvat < _DECLARED_FROM:
        for place, kind in enumerate(types):
            if kind != "rectangle":
                yield scene.problem(
                    SHAPE_TYPES_IGNORED,
                    ("supported_shape_types", place),
                    f"the oldest CVAT that is to be served, {manifest.cvat}, may not read this "
                    "and have rectangles tracked alone",
                    kind,
                    "rectangle",
                    "leave it out, unless the newer versions are to offer it",
                )


def _state(scene: Scene, manifest: TrackerManifest) -> Iterator[Problem]:
    """A limit that templates do not fit in."""
    for step in scene.steps(Tracking).values():
        side = _template_side(scene, step)
        if side is None:
            return
        needed = _BESIDE + side * side * _BYTES_A_PIXEL
        if manifest.max_state_bytes < needed:
            enough = ceil(needed / 4096) * 4096
            yield scene.problem(
                STATE_TOO_SMALL,
                ("max_state_bytes",),
                f"a template of {side}x{side} pixels with some texture takes about {needed:.0f} "
                "bytes; such objects would be refused",
                manifest.max_state_bytes,
                f"{enough} or more",
                f"write `max_state_bytes: {enough}`, or leave it out",
            )


def _template_side(scene: Scene, step: Tracking) -> int | None:
    """The side of the template's crop in pixels, where it can be known."""
    encoder = scene.models.get(("encoder",))
    model = scene.models.get(("decoder",) if encoder else ("model",))
    if model is None:
        return step.template_size
    try:
        return step.bind(model.signature, encoder.signature if encoder else None).template_size
    except BadModel:
        return None  # those who bind the steps say why
