"""What the manifest and the model files say about a decoder that the smoke test refuses."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.errors import CvatbuildError
from builder.diagnostics.problem import Problem
from builder.families.ranking import recognize
from builder.manifest.reading import ManifestFile, read_manifest
from builder.manifest.schema import DetectorManifest
from builder.model.label_metadata import from_metadata
from builder.plan.labels import read_labels
from builder.plan.plan import Plan
from runtimes.classes import Classes
from runtimes.detector import Detector
from runtimes.errors import BadModel
from runtimes.step import Step

_STEP = ("postprocess", 0)
"""The decoder's path in the manifest."""


@dataclass(frozen=True, slots=True)
class _Counted(Classes):
    """Labels that accept any number of classes, and record it."""

    counts: list[int] = field(default_factory=list)

    def check(self, found: int, tensor: str) -> None:
        """See Classes.check."""
        self.counts.append(found)


def class_count(plan: Plan) -> int | None:
    """Return the number of classes of a detector's model; None if it is not known.

    It is the number that the decoder reads from the output's shape, otherwise that of the names in
    the model's metadata, otherwise that of the labels, if they are all classes.
    """
    assert isinstance(plan.function, Detector)
    signature = plan.models[0].signature
    counted = _Counted(1 + max(plan.function.labels), exact=False)
    with suppress(BadModel):  # the number stays unknown
        plan.function.decoder.bind(signature, counted)
    if counted.counts:
        return max(counted.counts)
    with suppress(CvatbuildError):  # the metadata have no names
        return len(from_metadata(signature.metadata, plan.file))
    manifest_file = _manifest(plan)
    if manifest_file is None or not isinstance(manifest_file.manifest, DetectorManifest):
        return None
    try:
        labels = read_labels(manifest_file, signature)
    except CvatbuildError:
        return None
    return labels.classes.least if labels.exact else None


def other_decoders(plan: Plan) -> str:
    """Return a hint with the other steps that match the model; empty if no other step matches."""
    function: Any = plan.function
    used = next(
        getattr(function, name)
        for name in ("decoder", "step", "embedder", "segmenter")
        if isinstance(getattr(function, name, None), Step)
    )
    ranking = recognize(plan.models[: 2 if len(plan.models) == 2 else 1], run=False)
    names = {
        match.postprocess[0].name: match.name
        for match in ranking.matches
        if match.type == plan.manifest.type and match.postprocess[0].name != used.name()
    }
    if not names:
        return ""
    listing = " or ".join(f"`{step}` ({name})" for step, name in names.items())
    return f"the model also matches {listing}"


def located(problem: Problem, plan: Plan) -> Problem:
    """Return a problem with the decoder's place in the manifest."""
    manifest_file = _manifest(plan)
    path = (*_STEP, *problem.path)
    if manifest_file is None:
        return replace(problem, file=plan.file, path=path)
    return manifest_file.yaml.locate(replace(problem, path=problem.path), _STEP)


def _manifest(plan: Plan) -> ManifestFile[Any] | None:
    """Read the manifest again; None if it has changed and is invalid."""
    try:
        return read_manifest(plan.file, Diagnostics())
    except CvatbuildError:
        return None
