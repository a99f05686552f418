"""A manifest and its models brought together: everything decided, nothing written yet."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.diagnostics.errors import CvatbuildError, ManifestError, Problem, collect
from builder.lint import find
from builder.manifest.labels import Label
from builder.manifest.located_yaml import Path_, spell
from builder.manifest.reading import SECTIONS, ManifestFile, Reading
from builder.manifest.recovery import has_part_in, trusted
from builder.manifest.schema import Manifest
from builder.manifest.variants import VARIANTS, Variant, VariantName
from builder.model import file as model_files
from builder.model.file import Model
from builder.plan.cvat_labels import placed
from builder.plan.selection import select
from builder.plan.types import KINDS
from builder.plan.types.bound import Bound
from runtimes.service import Function

if TYPE_CHECKING:
    from builder.model.download import Progress


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be built.

    Attributes:
        file: the manifest's file.
        manifest: what it says.
        models: the model files, looked into; the first one's first.
        labels: every label with its id and type; only detectors have any.
        annotations: what CVAT reads of the function beside name, type and labels.
        function: what model_handler.py will spell out.
        variants: those that are built.
        warnings: what will work, but perhaps not as the person thinks.
    """

    file: Path
    manifest: Manifest
    models: tuple[Model, ...]
    labels: tuple[Label, ...]
    annotations: Mapping[str, str]
    function: Function
    variants: tuple[VariantName, ...]
    warnings: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.manifest.name

    @property
    def title(self) -> str:
        """What CVAT's menu shows."""
        return self.manifest.title or self.manifest.name

    def settings(self, variant: VariantName) -> Variant:
        """Return the manifest's settings of a variant that is built."""
        settings = self.manifest.variants.of(variant)
        assert settings is not None, f"the {variant} variant is switched off"
        return settings

    @property
    def files(self) -> dict[str, Path]:
        """Name in the function's folder -> file, of all models and what belongs to them."""
        return {name: file for model in self.models for name, file in model.files.items()}


@dataclass(frozen=True, slots=True)
class Examined:
    """All that is known of a manifest.

    Attributes:
        reading: what it says.
        plan: what will be built; None where something is wrong, or the models were not looked at.
        problems: errors, then warnings, in the order of the manifest's lines.
    """

    reading: Reading
    plan: Plan | None
    problems: tuple[Problem, ...]


def plan(
    file: Path, variants: Sequence[VariantName] = VARIANTS, progress: "Progress | None" = None
) -> Plan:
    """Read a manifest and all that it names, and check that it fits together.

    Args:
        file: the manifest.
        variants: those that are wanted; the manifest may switch one of them off.
        progress: told about the bytes of a model that has to be downloaded.

    Raises:
        ManifestError: with everything that is wrong.
    """
    examined = examine(file, variants, progress)
    if examined.plan is None:
        raise ManifestError(*examined.problems)
    return examined.plan


def examine(
    file: Path,
    variants: Sequence[VariantName] = VARIANTS,
    progress: "Progress | None" = None,
    look: bool = True,
) -> Examined:
    """Find everything that is wrong with a manifest: its form, its models, how they fit together.

    A mistake keeps nothing from being checked but what depends on it.

    Args:
        file: the manifest.
        variants: those that are wanted; the manifest may switch one of them off.
        progress: told about the bytes of a model that has to be downloaded.
        look: whether to look into the models.

    Raises:
        ManifestError: the file is no YAML, or no line of text can hold its name.
    """
    reading = Reading.of(file)
    read, problems, doubtful = reading.read, list(reading.problems), set(reading.doubtful)
    if read is None:
        return Examined(reading, None, tuple(problems))
    found: Mapping[Path_, Model] = _models(read, doubtful, progress, problems) if look else {}
    seen = len(found) == len(read.manifest.sources())
    if ("labels",) in doubtful:
        # Nobody knows how many classes there should be.
        doubtful |= {("postprocess",), ("then",)}
    if any(path[0] == "variants" for path in doubtful):
        # How much a function needs depends on how many workers it has.
        doubtful.add(("resources",))
    unfit = _clashes(read, found)
    kept = collect(unfit, lambda: select(read, tuple(found.values()), variants))
    bound = None
    if seen and not has_part_in(doubtful, ("postprocess", 0), 1):
        bound, found = _bound(read, found, unfit)
    else:
        collect(unfit, lambda: KINDS[read.manifest.type].check(read))
        # Where something is lacking, that is what has to be mended.
        unfit = [it for it in unfit if not look or it.code != "labels-not-seen"]
    trapped = find(read, found if seen else {})
    # A list of steps says too little as a whole where one of them is not known.
    lists = {path[: path.index(it) + 1] for path in doubtful for it in SECTIONS if it in path}
    cut = {it for it in lists if not reading.is_whole(it)}
    if any(path[0] == "labels" for path in doubtful):
        # Nobody knows which keypoints a label would have had.
        unfit = [it for it in unfit if it.code != "keypoint"]
    problems += [it for it in trusted(unfit, doubtful) if it.path not in {spell(it) for it in cut}]
    # What is wrong is mended before it is judged.
    told = {(_key(problem.path),) for problem in unfit if problem.code != "class-count"}
    problems += trusted(trapped, doubtful | told | cut)
    if bound is None or kept is None or any(it.severity == "error" for it in problems):
        return Examined(reading, None, _in_order(problems, file))
    ready = Plan(
        file,
        read.manifest,
        tuple(found.values()),
        bound.labels,
        bound.annotations,
        bound.function,
        kept,
        tuple(problems),
    )
    return Examined(reading, ready, ready.warnings)


def _in_order(problems: Iterable[Problem], file: Path) -> tuple[Problem, ...]:
    """Errors, then warnings, each in the order of the file's lines, then those of other files."""
    return tuple(
        sorted(
            problems, key=lambda it: (it.severity != "error", it.file != file, it.line, it.column)
        )
    )


def _key(path: str) -> str:
    """The manifest's key that a place lies under."""
    return re.split(r"[.\[]", path)[0]


def _bound(
    read: ManifestFile[Any], found: Mapping[Path_, Model], problems: list[Problem]
) -> tuple[Bound | None, Mapping[Path_, Model]]:
    """The manifest with its models, and these as they were looked at last.

    Files can declare wrong shapes. Where steps do not fit outputs of which nothing but the file's
    word is known, the models are run once on a blank image, and what they give counts.

    Args:
        read: the manifest.
        found: its models.
        problems: gets what does not fit.
    """
    bind = KINDS[read.manifest.type].bind
    wrong: list[Problem] = []
    bound = collect(wrong, lambda: bind(read, found))
    if bound is None and any(_key(problem.path) in ("postprocess", "then") for problem in wrong):
        # Seldom needed, and every check would pay for it.
        from builder.families.evidence import as_run

        seen = {path: as_run(it) if it.unconfirmed else it for path, it in found.items()}
        if seen != found:
            found, wrong = seen, []
            bound = collect(wrong, lambda: bind(read, seen))
    problems += wrong
    return bound, found


def _clashes(read: ManifestFile[Any], found: Mapping[Path_, Model]) -> list[Problem]:
    """Models whose files would overwrite each other in the function's folder."""
    problems = []
    files: dict[str, Path] = {}
    for path, model in found.items():
        for name, file in model.files.items():
            if files.setdefault(name, file) != file:
                what = "keeps weights in a file of the same name as another model's"
                hint = "save the model again with another name for its weights"
                problems.append(read.document.problem(path, what, name, hint=hint, code="weights"))
    return problems


def _models(
    read: ManifestFile[Any],
    doubtful: Collection[Path_],
    progress: "Progress | None",
    problems: list[Problem],
) -> dict[Path_, Model]:
    """The models that can be read, each under a name of its own; what is wrong with the others."""
    found = {}
    for path, source in read.manifest.sources().items():
        if any(it[: len(path)] == path for it in doubtful):
            continue  # what takes its place is no model
        name = f"then-{int(path[1]) + 1}" if len(path) > 1 else str(path[0])
        try:
            file = model_files.locate(source, read.document.file.parent, progress)
            found[path] = model_files.read(file, name)
        except CvatbuildError as error:
            problems += [placed(read.document, path, problem) for problem in error.problems]
    return found
