"""Built functions on disk: their variants and what their configuration says."""

import os
from pathlib import Path

from builder.diagnostics.errors import BuiltError, CommandLineError
from builder.diagnostics.files import similar
from builder.diagnostics.problem import Problem
from builder.manifest.variants import VARIANTS, VariantName
from builder.targets.lock import LOCK, Lock
from builder.targets.registry import DEFAULT, TARGETS
from builder.targets.target import Description, Target


def target_of(folder: Path) -> Target:
    """Return the target that a function's directory was built for; the default if unknown."""
    for target in TARGETS:
        if any(os.path.isfile(target.config_path(folder, variant)) for variant in VARIANTS):
            return target
    return DEFAULT


def built_variants(folder: Path) -> tuple[VariantName, ...]:
    """Return the variants that a function's directory contains; empty if it contains none."""
    target = target_of(folder)
    return tuple(name for name in VARIANTS if os.path.isfile(target.config_path(folder, name)))


def describe(folder: Path, variant: VariantName) -> Description:
    """Read the configuration of a variant and check that all generated files are present.

    Args:
        folder: a function's directory, such as build/yolo.
        variant: the variant to describe.

    Raises:
        CommandLineError: the directory is not a function, or lacks the variant.
        BuiltError: it is not complete.
    """
    built = built_variants(folder)
    target = target_of(folder)
    if variant not in built:
        path = target.config_path(folder, variant)
        what = f"is not a function built with the {variant} variant"
        found = f"built: {', '.join(built)}" if built else f"no {path}"
        if not os.path.exists(folder):
            what, found = "there is no such directory", ""
        raise CommandLineError(
            Problem(
                what,
                file=folder,
                found=found,
                allowed="a directory that `cvatbuild MANIFEST` wrote, such as build/yolo",
                hint=f"use --variant {built[0]}" if built else _near(folder) or "build it first",
            )
        )
    description = target.describe(folder, variant)
    _check_complete(folder)
    return description


def _near(folder: Path) -> str:
    """Return a hint that names the built function closest to `folder`, or an empty text."""
    if os.path.isfile(folder) and folder.suffix in (".yaml", ".yml", ".onnx", ".xml"):
        return f"build it with `cvatbuild {folder}`, and pass the directory of the function"
    if os.path.isfile(folder.parent / LOCK):
        return f"did you mean '{folder.parent}'?"
    inside = sorted(map(str, _built_in(folder)))
    if inside:
        return f"did you mean {' or '.join(repr(path) for path in inside[:5])}?"
    return "" if os.path.exists(folder) else similar(folder)


def _built_in(folder: Path) -> list[Path]:
    """Return the built functions in a directory; none if it cannot be read."""
    try:
        return [lock.parent for lock in folder.glob(f"*/{LOCK}")]
    except OSError:
        return []


def _check_complete(folder: Path) -> None:
    """Check that every file in the lock exists. A fresh checkout lacks weights and `runtimes`.

    Raises:
        BuiltError: a file is missing, or the lock is not readable.
    """
    try:
        lock = Lock.load(folder)
        if not lock.manifest:
            raise ValueError("no key manifest")
    except ValueError as error:
        present = os.path.lexists(folder / LOCK)
        what = f"{LOCK} is not one that cvatbuild wrote" if present else f"has no {LOCK}"
        found = str(error) if present else ""
        hint = "build the function again"
        raise BuiltError(Problem(what, file=folder, found=found, hint=hint)) from error
    absent = [path for path in lock.files if not os.path.isfile(folder / path)]
    if absent:
        raise BuiltError(
            Problem(
                f"is not complete: {len(absent)} of {len(lock.files)} generated files are missing",
                file=folder,
                found=f"no {absent[0]}",
                hint=f"run `cvatbuild {next(iter(lock.manifest))}` in the manifest's folder",
            )
        )
