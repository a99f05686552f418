"""The labels of a detector, from wherever its manifest takes them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.files import ABSENT, unreadable
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import did_you_mean
from builder.manifest.label_files import LABEL_FILE, encoding_problem, labels_in_file
from builder.manifest.labels import Label, Labels
from builder.manifest.reading import ManifestFile
from builder.manifest.schema import DetectorManifest
from builder.model.label_metadata import from_metadata
from runtimes.signature import Signature


def read_labels(manifest_file: ManifestFile[DetectorManifest], signature: Signature) -> Labels:
    """Return the labels from the manifest, from a file that it names, or from the metadata.

    Args:
        manifest_file: the manifest.
        signature: the signature of the model that has the classes.

    Raises:
        ManifestError: the labels cannot be read.
    """
    given = manifest_file.manifest.labels
    if given == "metadata":
        try:
            entries: Sequence[str | Label] = from_metadata(signature.metadata, Path("the model"))
        except ManifestError as error:
            raise ManifestError(
                *(manifest_file.yaml.locate(it, ("labels",)) for it in error.problems)
            ) from error
    elif isinstance(given, str):
        file = manifest_file.resolve(given)
        wrong = unreadable(file)
        if wrong:
            raise ManifestError(
                manifest_file.problem(
                    ("labels",),
                    f"there is no file {file}" if wrong == ABSENT else f"{file} {wrong}",
                    given,
                    "a list of labels, the path of a file with them, or `metadata`",
                    did_you_mean(given, ["metadata"]),
                    LABEL_FILE,
                )
            )
        entries = labels_in_file(file)
    else:
        entries = given
    return Labels.of([it if isinstance(it, Label) else Label(name=it) for it in entries])


def label_conflicts(labels: Labels, manifest_file: ManifestFile[DetectorManifest]) -> list[Problem]:
    """Return the duplicates and contradictions of labels, located in the manifest."""
    problems = labels.problems()
    if isinstance(manifest_file.manifest.labels, str):
        # The labels are in another file, so the problems have no location of their own here.
        problems = [replace(it, path=()) for it in problems]
    return [_located(it, manifest_file) for it in problems]


def label_warnings(manifest_file: ManifestFile[DetectorManifest]) -> list[Problem]:
    """Return the warnings about a label file that can be read."""
    given = manifest_file.manifest.labels
    if not isinstance(given, str) or given == "metadata":
        return []
    problem = encoding_problem(manifest_file.resolve(given))
    return [] if problem is None else [manifest_file.yaml.locate(problem, ("labels",))]


def _located(problem: Problem, manifest_file: ManifestFile[DetectorManifest]) -> Problem:
    """Return a problem with labels, located in the manifest."""
    path = ("labels", *problem.path)
    return manifest_file.problem(
        path, problem.what, "", problem.allowed, problem.hint, problem.rule
    )
