"""Examination of a manifest: reading, planning and lint rules in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.problem import Problem
from builder.lint.guesses import GUESSED_FAMILY
from builder.lint.rules import lint
from builder.lint.scene import Scene
from builder.manifest.reading import ManifestFile, read_manifest
from builder.manifest.variants import VARIANTS, VariantName
from builder.plan.plan import Plan
from builder.plan.planner import plan_function

if TYPE_CHECKING:
    from builder.model.download import Progress


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of examining a manifest.

    Attributes:
        manifest_file: the manifest; None if it cannot be read.
        plan: None if there are errors, or if the models were not read.
        problems: errors, then warnings, in the order of the manifest's lines.
        has_name: whether the manifest has a valid name.
        notes: notes about a manifest without problems.
    """

    manifest_file: ManifestFile[Any] | None
    plan: Plan | None
    problems: tuple[Problem, ...]
    has_name: bool
    notes: tuple[Problem, ...] = ()


def plan(
    file: Path,
    variants: Sequence[VariantName] = VARIANTS,
    progress: "Progress | None" = None,
    *,
    accept_guess: bool = False,
) -> Plan:
    """Return the plan of a manifest without errors.

    Args:
        file: the manifest.
        variants: the variants to build; the manifest may disable one of them.
        progress: called while a model is downloaded.
        accept_guess: whether a guessed model family is not an error.

    Raises:
        ManifestError: with all errors and warnings.
    """
    examined = examine(file, variants, progress, accept_guess=accept_guess)
    if examined.plan is None:
        raise ManifestError(*examined.problems)
    return examined.plan


def examine(
    file: Path,
    variants: Sequence[VariantName] = VARIANTS,
    progress: "Progress | None" = None,
    with_models: bool = True,
    *,
    accept_guess: bool = False,
) -> Examined:
    """Find all problems of a manifest: schema, models and lint rules.

    Args:
        file: the manifest.
        variants: the variants to build; the manifest may disable one of them.
        progress: called while a model is downloaded.
        with_models: whether to read the models; without them fewer rules apply.
        accept_guess: whether a guessed model family is not an error.

    Raises:
        ManifestError: the file is not YAML, or its name contains control characters.
    """
    diagnostics = Diagnostics()
    manifest_file = read_manifest(file, diagnostics)
    if manifest_file is None:
        return Examined(None, None, diagnostics.in_order(file), has_name=False)
    has_name = not diagnostics.is_recovered(("name",))
    planned = plan_function(
        manifest_file, diagnostics, variants, progress=progress, with_models=with_models
    )
    function = planned.plan.function if planned.plan else None
    linted = lint(Scene(manifest_file, planned.models, planned.labels, function))
    diagnostics.add_lint(it for it in linted if not (accept_guess and it.rule is GUESSED_FAMILY))
    found = diagnostics.in_order(file)
    problems = tuple(it for it in found if it.severity != "note")
    ready = None
    if planned.plan is not None and not diagnostics.has_errors:
        ready = replace(planned.plan, warnings=problems)
    return Examined(manifest_file, ready, problems, has_name, () if problems else found)
