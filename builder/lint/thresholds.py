"""Thresholds that hide all detections, or almost none."""

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
_MAX_DISTANCE = 2
"""The distance of two vectors of length 1 with opposite directions."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of thresholds and maximum distances."""
    manifest = scene.manifest_file.manifest
    if isinstance(manifest, DetectorManifest):
        yield from _detector_threshold(scene, manifest.threshold)
    elif isinstance(manifest, InteractorManifest):
        yield from _interactor_threshold(scene, manifest.threshold)
    elif isinstance(manifest, ReidManifest):
        yield from _reid_distances(scene, manifest)
    yield from _tracker_thresholds(scene)
    yield from _step_thresholds(scene)


def _tracker_thresholds(scene: Scene) -> Iterator[Problem]:
    """Yield the high thresholds of tracking steps."""
    for path, tracking in scene.steps(Tracking).items():
        if tracking.threshold > _HIGH:
            yield scene.problem(
                THRESHOLD_HIDES_ALL if tracking.threshold == 1 else THRESHOLD_HIGH,
                (*path, "threshold"),
                "few models return such high scores, so objects would be lost in every frame",
                f"{tracking.threshold:g}",
                f"at most {_HIGH}",
                "remove `threshold`",
            )


def _step_thresholds(scene: Scene) -> Iterator[Problem]:
    """Yield the thresholds of other steps that no score exceeds."""
    for stage in scene.manifest_file.stages():
        for path, step in scene.steps(Step, stage=stage).items():
            if getattr(step, "threshold", 0) == 1 and not isinstance(step, Tracking):
                yield scene.problem(
                    THRESHOLD_HIDES_ALL,
                    (*path, "threshold"),
                    "no score exceeds 1, so nothing would be drawn",
                    1,
                    "less than 1",
                    f"write `{step.name()}: {{threshold: 0.5}}`",
                )


def _interactor_threshold(scene: Scene, threshold: float) -> Iterator[Problem]:
    """Yield a problem if the threshold of an interactor hides most masks."""
    if threshold > _HIGH:
        yield scene.problem(
            THRESHOLD_HIDES_ALL if threshold == 1 else THRESHOLD_HIGH,
            ("threshold",),
            "few models return such high scores, so most prompts would return no mask",
            f"{threshold:g}",
            f"at most {_HIGH}",
            "remove `threshold`",
        )


def _reid_distances(scene: Scene, manifest: ReidManifest) -> Iterator[Problem]:
    """Yield problems if a ReID function would match all bounding boxes, or none."""
    threshold = manifest.threshold
    # Then distances range from 0 to 2; see Embedding.distance.
    is_limited = all(
        step.distance == "cosine" or step.normalize for step in scene.steps(Embedding).values()
    )
    if threshold == 0:
        yield scene.problem(
            THRESHOLD_HIDES_ALL,
            ("threshold",),
            "only identical vectors have the distance 0, so no objects would be joined",
            f"{threshold:g}",
            "more than 0",
            "write `threshold: 0.5`",
        )
    elif is_limited and threshold >= _MAX_DISTANCE:
        yield scene.problem(
            THRESHOLD_JOINS_ALL,
            ("threshold",),
            f"no distance exceeds {_MAX_DISTANCE}, so all bounding boxes would match",
            f"{threshold:g}",
            f"less than {_MAX_DISTANCE}",
            "write `threshold: 0.5`",
        )
    if manifest.max_distance == 0:
        yield scene.problem(
            MAX_DISTANCE_ZERO,
            ("max_distance",),
            "only objects that do not move would be joined",
            f"{manifest.max_distance:g}",
            "more than 0 pixels",
            "write `max_distance: 50`",
        )


def _detector_threshold(scene: Scene, threshold: float) -> Iterator[Problem]:
    """Yield a problem if the threshold of a detector hides most detections, or almost none."""
    path = ("threshold",)
    families = [family_of(step) for step in scene.steps(Decoder).values()]
    overlapping = any(it.candidates_overlap for it in families if it)
    if threshold == 1:
        yield scene.problem(
            THRESHOLD_HIDES_ALL,
            path,
            "a score must exceed the threshold, and no score exceeds 1",
            f"{threshold:g}",
            "less than 1",
            "write `threshold: 0.5`",
        )
    elif threshold > _HIGH:
        yield scene.problem(
            THRESHOLD_HIGH,
            path,
            "few models return such high scores, so most objects would be missed",
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
            "write `threshold: 0.25`; CVAT's request may override it",
        )
