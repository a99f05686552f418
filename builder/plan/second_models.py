"""Checks of second models that need the manifest alone."""

from collections.abc import Iterator

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import DetectorManifest
from builder.plan.characters import with_characters
from runtimes.attributes.text import TextAttribute
from runtimes.step import Decoder

ORIENTED_CROP = Rule(
    "oriented-crop",
    "Oriented crop is not possible",
    "The second model would process other parts of the image than the manifest says.",
)


def second_model_problems(
    manifest_file: ManifestFile[DetectorManifest], stage: Path_
) -> list[Problem]:
    """Return the problems of a stage's crops and of its files of characters.

    Args:
        manifest_file: the manifest.
        stage: see ManifestFile.stages.
    """
    return [*_oriented_crop(manifest_file, stage), *_characters(manifest_file, stage)]


def _oriented_crop(
    manifest_file: ManifestFile[DetectorManifest], stage: Path_
) -> Iterator[Problem]:
    """Report oriented crops of upright boxes, for keypoints, or with an aspect ratio."""
    if not stage or manifest_file.manifest.then[int(stage[1])].crop != "oriented":
        return
    first, second = (_decoder(manifest_file, it) for it in ((), stage))
    what = hint = ""
    if first is not None and "oriented" not in first.provides:
        what = f"`{first.name()}` decodes no oriented boxes"
        hint = "remove `crop`"
    elif second is not None:
        what = f"`{second.name()}` cannot decode keypoints in oriented crops"
        hint = "remove `crop`, or the keypoints"
    elif manifest_file.manifest.then[int(stage[1])].aspect is not None:
        what = "an oriented crop keeps the aspect ratio of its box"
        hint = "remove `aspect`"
    if what:
        path = (*stage, "crop")
        yield manifest_file.problem(path, what, "oriented", "box", hint, ORIENTED_CROP)


def _decoder(manifest_file: ManifestFile[DetectorManifest], stage: Path_) -> Decoder | None:
    """Return the decoder of a stage, or None if it has none."""
    steps = manifest_file.steps("postprocess", stage).values()
    return next((step for step in steps if isinstance(step, Decoder)), None)


def _characters(manifest_file: ManifestFile[DetectorManifest], stage: Path_) -> Iterator[Problem]:
    """Report unusable files of characters."""
    for path, step in manifest_file.steps("postprocess", stage).items():
        if isinstance(step, TextAttribute):
            try:
                with_characters(step, manifest_file, path)
            except ManifestError as error:
                yield from error.problems
