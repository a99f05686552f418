"""Checking manifests: everything that can be known without building, of all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.cli.terminal import Progress
from builder.diagnostics.errors import ManifestError, Problem
from builder.lint import together
from builder.manifest.reading import ManifestFile
from builder.manifest.variants import VariantName
from builder.plan.plan import Plan, examine


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


def check(
    files: Sequence[Path], variants: Sequence[VariantName], progress: Progress, look: bool = True
) -> Checked:
    """Check manifests with their models.

    Args:
        files: the manifests.
        variants: those that are to be built.
        progress: told what takes long.
        look: whether to look into the models; without, what depends on them is left out.
    """
    sound: list[str] = []
    problems: list[Problem] = []
    named: list[ManifestFile[Any]] = []
    for file in files:
        try:
            with progress.step(f"checking {file}"):
                examined = examine(file, variants, progress.bytes, look)
        except ManifestError as error:
            problems += error.problems
            continue
        problems += examined.problems
        read = examined.reading.read
        if read is None or ("name",) in examined.reading.doubtful:
            continue
        named.append(read)
        if not any(problem.severity == "error" for problem in examined.problems):
            sound.append(_sound(file, read.manifest.name, examined.plan))
    return Checked(tuple(sound), (*problems, *together.find(named)))


def _sound(file: Path, name: str, plan: Plan | None) -> str:
    """What is said of a manifest without an error."""
    if plan is None:
        return f"{file}: ok: {name}, as far as can be known without the model"
    return f"{file}: ok: {name}, {', '.join(plan.variants)}"
