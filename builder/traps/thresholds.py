"""Thresholds that hide everything, or nothing."""

from collections.abc import Iterator

from builder.errors import Problem
from builder.manifest import DetectorManifest, InteractorManifest
from builder.traps.scene import Scene
from runtimes.step import Decoder, Step

_HIGH, _LOW = 0.95, 0.01


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.traps."""
    manifest = scene.read.manifest
    # ReID's is a distance, which has no natural limits; a tracker's is its step's.
    if isinstance(manifest, DetectorManifest | InteractorManifest):
        yield from _of_function(scene, manifest.threshold)
    for stage in scene.read.stages():
        for path, step in scene.steps(Step, stage=stage).items():
            if getattr(step, "threshold", 0) == 1:
                yield scene.problem(
                    "threshold-hides-all",
                    (*path, "threshold"),
                    "no score is as high as 1, so nothing would ever be drawn",
                    1,
                    "less than 1",
                    f"write `{step.name()}: {{threshold: 0.5}}`",
                )


def _of_function(scene: Scene, threshold: float) -> Iterator[Problem]:
    """Traps in the manifest's own threshold."""
    path = ("threshold",)
    overlapping = any(step.overlapping for step in scene.steps(Decoder).values())
    if threshold == 1:
        yield scene.problem(
            "threshold-hides-all",
            path,
            "a score must exceed the threshold, and none exceeds 1",
            f"{threshold:g}",
            "less than 1",
            "write `threshold: 0.5`",
        )
    elif threshold > _HIGH:
        yield scene.problem(
            "threshold-high",
            path,
            "few models are ever that sure, so most objects would be missed",
            f"{threshold:g}",
            f"at most {_HIGH}",
            "write `threshold: 0.5`",
        )
    elif threshold < _LOW and overlapping:
        yield scene.problem(
            "threshold-low",
            path,
            "nearly every candidate of the model would be drawn",
            f"{threshold:g}",
            f"{_LOW} or more",
            "write `threshold: 0.25`; CVAT's user can still ask for less",
        )
