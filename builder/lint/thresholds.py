"""Thresholds that hide everything, or nothing."""

from collections.abc import Iterator

from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.families.registry import family_of
from builder.lint.scene import Scene
from builder.manifest.schema import DetectorManifest, InteractorManifest, ReidManifest
from runtimes.embedders.vector import Embedding
from runtimes.interfaces import Tracking
from runtimes.step import Decoder, Step

THRESHOLD_HIDES_ALL = Rule(
    "threshold-hides-all",
    "Threshold hides all detections",
    "A score must exceed the threshold, and no score exceeds 1.",
)
THRESHOLD_JOINS_ALL = warning(
    "threshold-joins-all",
    "Threshold matches all bounding boxes",
    "Bounding boxes of different objects would be joined into one track.",
)
MAX_DISTANCE_ZERO = warning(
    "max-distance-zero",
    "Maximum distance is zero",
    "Every object moves a little between two frames, so no objects would be joined.",
)
THRESHOLD_HIGH = warning(
    "threshold-high",
    "Threshold hides most detections",
    "Few models return such high scores.",
)
THRESHOLD_LOW = warning(
    "threshold-low",
    "Threshold hides almost nothing",
    "A raw head returns thousands of candidates, nearly all of them false.",
)


_HIGH, _LOW = 0.95, 0.01
_MOST_DISTANCE = 2
"""That of two vectors of length 1 which point in opposite directions."""


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    manifest = scene.manifest_file.manifest
    if isinstance(manifest, DetectorManifest):
        yield from _of_detector(scene, manifest.threshold)
    elif isinstance(manifest, InteractorManifest):
        yield from _of_interactor(scene, manifest.threshold)
    elif isinstance(manifest, ReidManifest):
        yield from _of_reid(scene, manifest)
    for path, tracking in scene.steps(Tracking).items():
        if tracking.threshold > _HIGH:
            yield scene.problem(
                THRESHOLD_HIDES_ALL if tracking.threshold == 1 else THRESHOLD_HIGH,
                (*path, "threshold"),
                "few models are ever that sure, so objects would count as lost in every frame",
                f"{tracking.threshold:g}",
                f"at most {_HIGH}",
                "leave the threshold out",
            )
    for stage in scene.manifest_file.stages():
        for path, step in scene.steps(Step, stage=stage).items():
            if getattr(step, "threshold", 0) == 1 and not isinstance(step, Tracking):
                yield scene.problem(
                    THRESHOLD_HIDES_ALL,
                    (*path, "threshold"),
                    "no score is as high as 1, so nothing would ever be drawn",
                    1,
                    "less than 1",
                    f"write `{step.name()}: {{threshold: 0.5}}`",
                )


def _of_interactor(scene: Scene, threshold: float) -> Iterator[Problem]:
    """A score, as the model itself guesses it, that hardly any mask has."""
    if threshold > _HIGH:
        yield scene.problem(
            THRESHOLD_HIDES_ALL if threshold == 1 else THRESHOLD_HIGH,
            ("threshold",),
            "few models are ever that sure of a mask, so most clicks would show nothing",
            f"{threshold:g}",
            f"at most {_HIGH}",
            "leave the threshold out",
        )


def _of_reid(scene: Scene, manifest: ReidManifest) -> Iterator[Problem]:
    """Distances that all boxes or none come up to."""
    threshold = manifest.threshold
    # 0 to 2: see Embedding.distance.
    limited = all(
        step.distance == "cosine" or step.normalize for step in scene.steps(Embedding).values()
    )
    if threshold == 0:
        yield scene.problem(
            THRESHOLD_HIDES_ALL,
            ("threshold",),
            "only vectors that are the same to the last digit have no distance, so nothing would "
            "ever be joined",
            f"{threshold:g}",
            "more than 0",
            "write `threshold: 0.5`",
        )
    elif limited and threshold >= _MOST_DISTANCE:
        yield scene.problem(
            THRESHOLD_JOINS_ALL,
            ("threshold",),
            f"no two boxes are further apart than {_MOST_DISTANCE}, so any two could be the same "
            "object",
            f"{threshold:g}",
            f"less than {_MOST_DISTANCE}",
            "write `threshold: 0.5`",
        )
    if manifest.max_distance == 0:
        yield scene.problem(
            MAX_DISTANCE_ZERO,
            ("max_distance",),
            "only objects that do not move at all would be joined",
            f"{manifest.max_distance:g}",
            "more than 0 pixels",
            "write `max_distance: 50`",
        )


def _of_detector(scene: Scene, threshold: float) -> Iterator[Problem]:
    """Traps in the manifest's own threshold."""
    path = ("threshold",)
    families = [family_of(step) for step in scene.steps(Decoder).values()]
    overlapping = any(it.candidates_overlap for it in families if it)
    if threshold == 1:
        yield scene.problem(
            THRESHOLD_HIDES_ALL,
            path,
            "a score must exceed the threshold, and none exceeds 1",
            f"{threshold:g}",
            "less than 1",
            "write `threshold: 0.5`",
        )
    elif threshold > _HIGH:
        yield scene.problem(
            THRESHOLD_HIGH,
            path,
            "few models are ever that sure, so most objects would be missed",
            f"{threshold:g}",
            f"at most {_HIGH}",
            "write `threshold: 0.5`",
        )
    elif threshold < _LOW and overlapping:
        yield scene.problem(
            THRESHOLD_LOW,
            path,
            "nearly every candidate of the model would be drawn",
            f"{threshold:g}",
            f"{_LOW} or more",
            "write `threshold: 0.25`; CVAT's user can still ask for less",
        )
