"""Prompt settings, workers and timeouts of interactors."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.families.registry import family_of
from builder.lint.environment import seconds
from builder.lint.scene import Scene
from builder.manifest.schema import InteractorManifest
from builder.plan.types.interactor import reply_format
from runtimes.interfaces import Segmenter

NO_PROMPT_REQUIRED = warning(
    "no-prompt-required",
    "No prompt is required",
    "CVAT before 2.60 calls the function with negative points only, and fails on the empty mask.",
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
LARGE_REPLY = warning(
    "large-reply",
    "Replies are large for large images",
    "Before 2.60, CVAT reads a mask as JSON of the whole image, which takes seconds to pass on.",
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


_LARGE_IMAGE = (6000, 3750)
"""Width and height of an image from a current camera."""

_NO_OPTIONAL_BOX = (2, 15)
"""The newest CVAT version that is known to ignore `startswith_box_optional`."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of interactors."""
    manifest = scene.manifest_file.manifest
    if isinstance(manifest, InteractorManifest):
        yield from _required_prompts(scene, manifest)
        yield from _reply_size(scene, manifest)
        yield from _workers(scene)
        yield from _encoder_time(scene)


def _required_prompts(scene: Scene, manifest: InteractorManifest) -> Iterator[Problem]:
    """Yield problems of the prompts that CVAT requires before it calls the function."""
    # Newer versions accept an empty reply, and send such requests whatever the manifest says.
    masks = reply_format(manifest) == "mask"
    if masks and manifest.min_pos_points == 0 and manifest.start_with_box == "never":
        yield scene.problem(
            NO_PROMPT_REQUIRED,
            ("min_pos_points",),
            f"CVAT {manifest.cvat} would call the function with negative points only; the reply is "
            "then an empty mask, which its page cannot read",
            "0",
            "1 or more",
            "write `min_pos_points: 1` or `start_with_box: optional`",
        )
    if manifest.min_neg_points > 0:
        yield scene.problem(
            NEGATIVE_POINTS_REQUIRED,
            ("min_neg_points",),
            "CVAT would show no mask before the annotator places a negative point, which most "
            "objects do not need",
            manifest.min_neg_points,
            "0, or -1 to disable negative points",
            "write `min_neg_points: 0`; annotators can still place negative points",
        )
    if manifest.start_with_box == "optional" and scene.cvat <= _NO_OPTIONAL_BOX:
        yield scene.problem(
            BOX_IGNORED,
            ("start_with_box",),
            f"CVAT {manifest.cvat} does not support an optional bounding box",
            "optional",
            "always or never",
            "write `start_with_box: never` or `start_with_box: always`",
        )


def _reply_size(scene: Scene, manifest: InteractorManifest) -> Iterator[Problem]:
    """Yield a problem if replies contain each pixel of the image: a digit and a comma."""
    if reply_format(manifest) == "shapes":
        return
    width, height = _LARGE_IMAGE
    yield scene.problem(
        LARGE_REPLY,
        ("cvat",),
        f"CVAT {manifest.cvat} reads masks as 2 bytes of JSON per pixel of the image: the reply "
        f"for an image of {width}x{height} pixels has {2 * width * height / 1e6:.0f} MB",
        manifest.cvat,
        "2.60 or newer, whose replies have a few kB",
        'write `cvat: "2.60"` if your CVAT is new enough',
    )


def _workers(scene: Scene) -> Iterator[Problem]:
    """Yield a problem for each variant with several workers, which do not share embeddings."""
    for path, variant in scene.variants():
        if variant.workers is not None and variant.workers > 1:
            yield scene.problem(
                UNSHARED_EMBEDDINGS,
                (*path, "workers"),
                "each worker caches the embeddings of its own requests only, so the encoder would "
                "run again for many prompts",
                variant.workers,
                "1",
                "remove `workers`, unless as many people annotate at the same time",
            )


def _encoder_time(scene: Scene) -> Iterator[Problem]:
    """Yield a problem if the encoder takes longer on the CPU than the timeout."""
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
                "per image on two cores, longer than the timeout",
                variant.event_timeout,
                f"more than {needed:.0f}s; CVAT waits 2m",
                "write `event_timeout: 2m`, use a smaller encoder, or disable the CPU variant",
            )
