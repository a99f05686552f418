"""Checks of manifests and their models, without building functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.diagnostics.progress import Progress
from builder.lint.conflicts import find_conflicts
from builder.lint.examine import examine
from builder.manifest.reading import ManifestFile
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking manifests.

    Attributes:
        valid: a line about each manifest without errors.
        problems: errors and warnings, manifest by manifest.
        notes: notes about the manifests without problems.
    """

    valid: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...] = ()

    def failed(self, strict: bool) -> bool:
        """Return whether there is an error or, if `strict`, a warning."""
        return any(strict or problem.is_error for problem in self.problems)


def check(
    files: Sequence[Path],
    variants: Sequence[VariantName],
    progress: Progress,
    with_models: bool = True,
    *,
    accept_guess: bool = False,
) -> Checked:
    """Check manifests and their models.

    Args:
        files: the manifests.
        variants: the variants to build.
        progress: receives the steps that take long.
        with_models: whether to read the models; without them fewer rules apply.
        accept_guess: whether a guessed model family is not an error.
    """
    valid: list[str] = []
    problems: list[Problem] = []
    notes: list[Problem] = []
    with_names: list[ManifestFile[Any]] = []
    for file in files:
        try:
            with progress.step(f"checking {file}"):
                examined = examine(
                    file, variants, progress.bytes, with_models, accept_guess=accept_guess
                )
        except ManifestError as error:
            problems += error.problems
            continue
        problems += examined.problems
        notes += examined.notes
        if examined.manifest_file is None or not examined.has_name:
            continue
        with_names.append(examined.manifest_file)
        if not any(problem.is_error for problem in examined.problems):
            valid.append(_line(file, examined.manifest_file.manifest.name, examined.plan))
    return Checked(tuple(valid), (*problems, *find_conflicts(with_names)), tuple(notes))


def _line(file: Path, name: str, plan: Plan | None) -> str:
    """Return the line about a manifest without errors."""
    if plan is None:
        return f"{file}: ok: {name}; the model was not read"
    return f"{file}: ok: {name}, {', '.join(plan.variants)}"
