"""Shape types and state sizes of trackers."""

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


_READS_SHAPE_TYPES = (2, 60)
"""The first CVAT version that is known to read `supported_shape_types`."""

_BYTES_PER_PIXEL = 1 / 3
"""Size of a template in the state at the lowest quality: WebP took 1.9 bits per pixel for textured
crops (noise with a standard deviation of 15), and base64 encodes 6 bits in 8."""

_OTHER_BYTES = 1024
"""Bytes of the state without the template, for a shape of few points."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of trackers."""
    manifest = scene.manifest_file.manifest
    if isinstance(manifest, TrackerManifest):
        yield from _shape_types(scene, manifest)
        yield from _state_size(scene, manifest)


def _shape_types(scene: Scene, manifest: TrackerManifest) -> Iterator[Problem]:
    """Yield problems of the supported shape types."""
    types = manifest.supported_shape_types
    if "rectangle" not in types:
        yield scene.problem(
            TRACKER_NOT_LISTED,
            ("supported_shape_types",),
            "CVAT's AI tools list only trackers that support rectangles",
            ", ".join(types),
            "rectangle, and optionally others",
            f"write `supported_shape_types: [rectangle, {', '.join(types)}]`",
        )
    if scene.cvat < _READS_SHAPE_TYPES:
        for index, shape in enumerate(types):
            if shape != "rectangle":
                yield scene.problem(
                    SHAPE_TYPES_IGNORED,
                    ("supported_shape_types", index),
                    f"CVAT {manifest.cvat}, the oldest version to serve, may ignore this key and "
                    "track rectangles only",
                    shape,
                    "rectangle",
                    "remove the entry, unless newer versions of CVAT are to track the shape",
                )


def _state_size(scene: Scene, manifest: TrackerManifest) -> Iterator[Problem]:
    """Yield a problem if templates can exceed the maximum state size."""
    for step in scene.steps(Tracking).values():
        side = _template_side(scene, step)
        if side is None:
            return
        needed = _OTHER_BYTES + side * side * _BYTES_PER_PIXEL
        if manifest.max_state_bytes < needed:
            enough = ceil(needed / 4096) * 4096
            yield scene.problem(
                STATE_TOO_SMALL,
                ("max_state_bytes",),
                f"a textured template of {side}x{side} pixels takes about {needed:.0f} bytes; such "
                "objects would be rejected",
                manifest.max_state_bytes,
                f"{enough} or more",
                f"write `max_state_bytes: {enough}`, or remove the key",
            )


def _template_side(scene: Scene, step: Tracking) -> int | None:
    """Return the side of the template's crop in pixels; None if it is unknown."""
    encoder = scene.models.get(("encoder",))
    model = scene.models.get(("decoder",) if encoder else ("model",))
    if model is None:
        return step.template_size
    try:
        return step.bind(model.signature, encoder.signature if encoder else None).template_size
    except BadModel:
        return None  # Binding the steps reports the reason.
