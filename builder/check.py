"""Checking manifests: everything that can be known without building, of all of them at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import CvatbuildError, Problem
from builder.manifest_file import ManifestFile
from builder.plan import VariantName, check_without_model, plan
from builder.render import render
from builder.terminal import Progress
from builder.traps import find, together


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of some manifests.

    Attributes:
        sound: a line about each manifest without an error.
        problems: errors and warnings, manifest by manifest.
    """

    sound: tuple[str, ...]
    problems: tuple[Problem, ...]

    def failed(self, strict: bool) -> bool:
        """Whether there is an error or, if `strict`, a warning."""
        return any(strict or problem.severity == "error" for problem in self.problems)


def check(files: Sequence[Path], variants: Sequence[VariantName], progress: Progress) -> Checked:
    """Check manifests with their models.

    Args:
        files: the manifests.
        variants: those that are to be built.
        progress: told what takes long.
    """
    problems: list[Problem] = []
    read: list[ManifestFile[Any]] = []

    def planned(file: Path) -> str:
        with progress.step(f"checking {file}"):
            made = plan(file, variants, progress.bytes)
            # For what only shows there; nothing of it is kept.
            render(made, digest=str)
        read.append(ManifestFile.read(file))
        problems.extend(made.warnings)
        return f"{file}: ok: {made.name}, {', '.join(made.variants)}"

    sound = _each(files, planned, problems)
    return Checked(sound, (*problems, *together.find(read)))


def check_without_models(files: Sequence[Path]) -> Checked:
    """Check manifests as far as can be known without looking into their models."""
    problems: list[Problem] = []
    read: list[ManifestFile[Any]] = []

    def looked_at(file: Path) -> str:
        manifest = check_without_model(file)
        read.append(ManifestFile.read(file))
        problems.extend(find(read[-1], {}))
        return f"{manifest.name}: ok, as far as can be known without the model"

    sound = _each(files, looked_at, problems)
    return Checked(sound, (*problems, *together.find(read)))


def _each(
    files: Sequence[Path], part: Callable[[Path], str], problems: list[Problem]
) -> tuple[str, ...]:
    """What `part` says of every file that it can say anything of; the problems of the others."""
    sound = []
    for file in files:
        try:
            sound.append(part(file))
        except CvatbuildError as error:
            problems.extend(error.problems)
    return tuple(sound)
