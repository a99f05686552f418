"""Interactors that ask for other clicks than was meant, or do not remember what they know."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.families.registry import family_of
from builder.lint.environment import seconds
from builder.lint.scene import Scene
from builder.manifest.schema import InteractorManifest
from runtimes.interfaces import Segmenter

NO_PROMPT_REQUIRED = warning(
    "no-prompt-required",
    "No prompt is required",
    "CVAT may call the function without a positive point or a bounding box, and shows an error.",
)
NEGATIVE_POINTS_REQUIRED = warning(
    "negative-points-required",
    "Negative points are required",
    "CVAT calls the function only after the annotator has placed them, and shows nothing before.",
)
BOX_IGNORED = warning(
    "box-ignored",
    "CVAT version ignores the optional bounding box",
    "The version does not read the key, and offers points only.",
)
UNSHARED_EMBEDDINGS = warning(
    "unshared-embeddings",
    "Workers do not share embeddings",
    "The encoder, which takes seconds, runs once in each worker.",
)
TIMEOUT_SHORT = warning(
    "timeout-short",
    "Timeout is shorter than the encoder's run time",
    "Nuclio stops the first request for every image, and restarts the worker.",
)


_NO_OPTIONAL_BOX = (2, 15)
"""The newest CVAT of which it is known that it does not read `startswith_box_optional`."""


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    manifest = scene.manifest_file.manifest
    if isinstance(manifest, InteractorManifest):
        yield from _clicks(scene, manifest)
        yield from _workers(scene)
        yield from _time(scene)


def _clicks(scene: Scene, manifest: InteractorManifest) -> Iterator[Problem]:
    """Clicks that annotators have to make, or that tell the function nothing."""
    if manifest.min_pos_points == 0 and manifest.start_with_box == "never":
        yield scene.problem(
            NO_PROMPT_REQUIRED,
            ("min_pos_points",),
            "without a box the function needs a click on the object; CVAT would ask it about one "
            "beside the object too, and show an error",
            "0",
            "1 or more",
            "write `min_pos_points: 1`, or let people draw a box: `start_with_box: optional`",
        )
    if manifest.min_neg_points > 0:
        yield scene.problem(
            NEGATIVE_POINTS_REQUIRED,
            ("min_neg_points",),
            "CVAT would show nothing before the annotator has clicked beside the object, and for "
            "most objects that is not needed",
            manifest.min_neg_points,
            "0, or -1 to forbid such clicks",
            "write `min_neg_points: 0`: clicks beside the object can still be made",
        )
    if manifest.start_with_box == "optional" and scene.cvat <= _NO_OPTIONAL_BOX:
        yield scene.problem(
            BOX_IGNORED,
            ("start_with_box",),
            f"CVAT {manifest.cvat} knows no optional box, and offers none",
            "optional",
            "always or never",
            "write `start_with_box: never` or `always`, which all versions know",
        )


def _workers(scene: Scene) -> Iterator[Problem]:
    """Workers that know nothing of the images that the others have looked at."""
    for path, variant in scene.variants():
        if variant.workers is not None and variant.workers > 1:
            yield scene.problem(
                UNSHARED_EMBEDDINGS,
                (*path, "workers"),
                "each worker remembers only the images that it has looked at itself, so many "
                "clicks would wait for the encoder again",
                variant.workers,
                "1",
                "leave it out, unless as many people annotate at once",
            )


def _time(scene: Scene) -> Iterator[Problem]:
    """An encoder that is slower than Nuclio allows."""
    model = scene.first_model
    families = [family_of(step) for step in scene.steps(Segmenter).values()]
    speeds = [it.encoder_speed for it in families if it and it.encoder_speed]
    if model is None or ("encoder",) not in scene.models or not speeds:
        return
    weights = sum(file.stat().st_size for file in model.files.values())
    needed = weights / speeds[0]
    for path, variant in scene.variants():
        if variant.NAME == "cpu" and needed > seconds(variant.event_timeout):
            yield scene.problem(
                TIMEOUT_SHORT,
                (*path, "event_timeout"),
                f"an encoder with {weights / 2**20:.0f} MiB of weights takes about {needed:.0f} s "
                "for an image on two cores, and Nuclio stops a request before",
                variant.event_timeout,
                "more than that; CVAT itself waits 2m",
                "write `event_timeout: 2m`, take a smaller encoder, or build the GPU variant alone",
            )
