"""Building a function's directory, and comparing it with the next build."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TypeAlias

from builder.diagnostics.errors import BuiltError, CommandLineError, ManifestError
from builder.diagnostics.problem import Problem
from builder.lint.conflicts import DUPLICATE_FUNCTION
from builder.plan.plan import Plan
from builder.targets.bundle import prepared, render, tree_of
from builder.targets.lock import LOCK, Lock
from builder.targets.registry import DEFAULT
from builder.targets.target import Target, Tree
from builder.targets.write import Existing, staged

Verify: TypeAlias = Callable[[Plan, Path], Iterable[Problem]]
"""Tests a function in the directory that it was written to, and returns warnings. It raises
BuiltError if the function does not work."""


@dataclass(frozen=True, slots=True)
class Built:
    """A function that was written.

    Attributes:
        folder: its directory.
        configs: the configuration file of each variant.
        warnings: warnings about the manifest and of the verification.
        differences: a line for each variant in reduced precision, with the effect of the precision.
    """

    folder: Path
    configs: tuple[Path, ...]
    warnings: tuple[Problem, ...]
    differences: tuple[str, ...] = ()


def output_folder(manifest: Path, out: Path | None) -> Path:
    """Return the folder to write functions under.

    Without `out` it is `build` next to the nearest folder called `manifests` above the manifest, or
    next to the manifest itself.
    """
    if out is not None:
        return out
    for parent in manifest.resolve().parents:
        if parent.name == "manifests":
            return _relative(parent.parent / "build")
    return _relative(manifest.resolve().parent / "build")


def _relative(folder: Path) -> Path:
    """Return a path relative to the current folder if it lies below it."""
    try:
        cwd = Path.cwd()
    except OSError:
        return folder  # the current folder was deleted
    return folder.relative_to(cwd) if folder.is_relative_to(cwd) else folder


def check_names(plans: Sequence[Plan]) -> None:
    """Check that no two plans have the same name, since they would write the same directory.

    Raises:
        CommandLineError: two plans have the same name.
    """
    by_name: dict[str, Path] = {}
    for plan in plans:
        if by_name.get(plan.name) == plan.file:
            raise CommandLineError(
                Problem("is given twice", file=plan.file, hint="remove one of the arguments")
            )
        if plan.name in by_name:
            raise CommandLineError(
                Problem(
                    f"{by_name[plan.name]} and {plan.file} are both called '{plan.name}': one "
                    "would overwrite the other, here and in CVAT",
                    path=("name",),
                    hint="give one of them another name",
                    rule=DUPLICATE_FUNCTION,
                )
            )
        by_name[plan.name] = plan.file


def build(
    plan: Plan,
    out: Path | None,
    *,
    force: bool,
    verify: Verify | None = None,
    target: Target = DEFAULT,
) -> Built:
    """Write a function's directory.

    Args:
        plan: the function.
        out: the folder to write it under; see `output_folder`.
        force: whether to overwrite generated files that were edited by hand.
        verify: tests the function before it replaces the existing directory; None skips the test.
        target: the platform to build for.

    Raises:
        OutputError: nothing was written, since a file would have been lost.
        ManifestError: nothing was replaced, since the function does not work.
    """
    folder = output_folder(plan.file, out) / plan.name
    with ExitStack() as stack:
        ready = prepared(plan)
        stage = stack.enter_context(staged(tree_of(ready, target), folder, force))
        warnings = list(ready.warnings)
        if verify:
            try:
                warnings += verify(plan, stage)
            except BuiltError as error:
                raise ManifestError(
                    *(replace(problem, file=plan.file) for problem in error.problems)
                ) from error
    configs = tuple(target.config_path(folder, variant) for variant in plan.variants)
    differences = tuple(
        f"{plan.name}: {it.variant}: {it.precision}: {it.summary}" for it in ready.reductions
    )
    return Built(folder, configs, tuple(warnings), differences)


def diff(plan: Plan, out: Path | None, target: Target = DEFAULT) -> str:
    """Return a unified diff from the files that people review to those of the next build.

    Weights and the copied `runtimes` appear by their digests in build.lock. Files that no build
    wrote are ignored.
    """
    folder = output_folder(plan.file, out) / plan.name
    tree = render(plan, target, Lock.read(folder))
    paths = {*tree, *Existing.look(folder).locked}
    reviewed = sorted({LOCK, *(path for path in paths if target.is_reviewed(path))})
    return "".join(_file_diff(folder, path, tree) for path in reviewed)


def _file_diff(folder: Path, path: str, tree: Tree) -> str:
    """Return the diff of one file; empty if nothing would change."""
    present = folder / path
    old = _lines(present.read_text("utf-8", "replace")) if present.is_file() else []
    content = tree.get(path, b"")
    new = _lines(content.decode()) if isinstance(content, bytes) else []
    lines = difflib.unified_diff(
        old,
        new,
        f"{folder.name}/{path}" if old else "/dev/null",
        f"{folder.name}/{path}" if new else "/dev/null",
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Split text at line breaks only; str.splitlines also splits at other characters."""
    return list(StringIO(text))
