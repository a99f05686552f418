"""Building, and telling what a build would change."""

import difflib
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

from builder.cli.terminal import Step
from builder.diagnostics.errors import BuiltError, CommandLineError, ManifestError
from builder.diagnostics.problem import Problem
from builder.lint.conflicts import DUPLICATE_FUNCTION
from builder.plan.plan import Plan
from builder.run.smoke import try_out
from builder.targets.bundle import LOCK, Tree, render
from builder.targets.write import Existing, staged


@dataclass(frozen=True, slots=True)
class Built:
    """A function that was written.

    Attributes:
        folder: its directory.
        warnings: what could not be made sure.
    """

    folder: Path
    warnings: tuple[Problem, ...]


def output_folder(manifest: Path, out: Path | None) -> Path:
    """The folder that functions are written under.

    Without `out` it is `build` beside the nearest folder called `manifests` above the manifest, or
    beside the manifest itself.
    """
    if out is not None:
        return out
    for parent in manifest.resolve().parents:
        if parent.name == "manifests":
            return _near(parent.parent / "build")
    return _near(manifest.resolve().parent / "build")


def _near(folder: Path) -> Path:
    """A path as short as people would write it."""
    try:
        cwd = Path.cwd()
    except OSError:
        return folder  # the current folder was deleted
    return folder.relative_to(cwd) if folder.is_relative_to(cwd) else folder


def check_names(plans: Sequence[Plan]) -> None:
    """Stop where two manifests of one run would write the same directory.

    Raises:
        CommandLineError: they would.
    """
    by_name: dict[str, Path] = {}
    for plan in plans:
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
    plan: Plan, out: Path | None, *, force: bool, smoke: bool, step: Step = nullcontext
) -> Built:
    """Write a function's directory.

    Args:
        plan: the function.
        out: the folder to write it under; see `output_folder`.
        force: overwrite files that were edited by hand.
        smoke: start each variant and send it a blank image before the directory is replaced.
        step: told what takes long.

    Raises:
        OutputError: nothing was written, since something would have been lost.
        BuiltError: nothing was replaced, since the function does not work.
    """
    folder = output_folder(plan.file, out) / plan.name
    warnings: list[Problem | None] = []
    with ExitStack() as stack:
        with step(f"writing {folder}"):
            tree = render(plan)
            stage = stack.enter_context(staged(tree, folder, force))
        for variant in plan.variants if smoke else ():
            try:
                with step(f"trying out {plan.name}, {variant}"):
                    warnings.append(try_out(plan, variant, stage))
            except BuiltError as error:
                raise ManifestError(
                    *(replace(problem, file=plan.file) for problem in error.problems)
                ) from error
    return Built(folder, (*plan.warnings, *(warning for warning in warnings if warning)))


def diff(plan: Plan, out: Path | None) -> str:
    """What a build would change in the files that people review, as a unified diff.

    These are the generated texts; weights and the copied `runtimes` are only locked. Files that no
    build wrote are none of its business.
    """
    folder = output_folder(plan.file, out) / plan.name
    tree = render(plan)
    existing = Existing.look(folder)
    weights = {Path(path).name for path, content in tree.items() if isinstance(content, Path)}
    paths = [path for path in {*tree, *existing.locked, LOCK} if path.count("/") < 2]
    return "".join(
        _file_diff(folder, path, tree)
        for path in sorted(paths)
        if Path(path).name not in weights and not path.endswith(_WEIGHTS)
    )


_WEIGHTS = (".onnx", ".xml", ".bin", ".data", "_data")
"""How the names of weights end, which an older build may have locked."""


def _file_diff(folder: Path, path: str, tree: Tree) -> str:
    """The diff of one file, empty where nothing would change."""
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
    """Text line by line, as other programs count them; str.splitlines knows more kinds of ends."""
    return list(StringIO(text))
