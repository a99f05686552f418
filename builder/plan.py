"""A manifest and its model brought together: everything decided, nothing written yet."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from builder import model as models
from builder.document import Path_
from builder.download import Progress
from builder.errors import CvatbuildError, ManifestError, Problem, collect
from builder.kinds import KINDS
from builder.labels import Label
from builder.manifest import Manifest
from builder.manifest_file import ManifestFile
from builder.model import Model
from builder.sources import ModelSource
from builder.spec import placed
from builder.traps import find
from builder.variants import CpuVariant, GpuVariant
from runtimes.service import Function

VariantName = Literal["cpu", "gpu"]
VARIANTS: tuple[VariantName, ...] = ("cpu", "gpu")


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

    def settings(self, variant: VariantName) -> CpuVariant | GpuVariant:
        """What the manifest says of a variant that is built."""
        variants = self.manifest.variants
        settings = variants.gpu if variant == "gpu" else variants.cpu
        assert settings is not False, f"the {variant} variant is switched off"
        return settings

    @property
    def files(self) -> dict[str, Path]:
        """Name in the function's folder -> file, of all models and what belongs to them."""
        return {name: file for model in self.models for name, file in model.files.items()}


def plan(
    file: Path, variants: Sequence[VariantName] = VARIANTS, progress: Progress | None = None
) -> Plan:
    """Read a manifest and all that it names, and check that it fits together.

    Args:
        file: the manifest.
        variants: those that are wanted; the manifest may switch one of them off.
        progress: told about the bytes of a model that has to be downloaded.

    Raises:
        ManifestError, ModelError: with everything that is wrong.
    """
    read = ManifestFile.read(file)
    manifest = read.manifest
    found = {
        path: _model(read, path, source, progress) for path, source in manifest.sources().items()
    }
    problems = _clashes(read, found)
    kept = collect(problems, lambda: _variants(read, tuple(found.values()), variants))
    bound = collect(problems, lambda: KINDS[manifest.type].bind(read, found))
    trapped = find(read, found)
    if kept is None or bound is None or problems or _errors(trapped):
        raise ManifestError(*_in_order(problems, trapped))
    return Plan(
        file,
        manifest,
        tuple(found.values()),
        bound.labels,
        bound.annotations,
        bound.function,
        kept,
        trapped,
    )


def check_without_model(file: Path) -> Manifest:
    """Check all that a manifest says which can be judged without its models.

    Raises:
        ManifestError: with everything that is wrong.
    """
    read = ManifestFile.read(file)
    problems: list[Problem] = []
    collect(problems, lambda: KINDS[read.manifest.type].check(read))
    trapped = find(read, {})
    if problems or _errors(trapped):
        raise ManifestError(*_in_order(problems, trapped))
    manifest: Manifest = read.manifest
    return manifest


def _errors(problems: Sequence[Problem]) -> list[Problem]:
    """Those that keep a function from being built."""
    return [problem for problem in problems if problem.severity == "error"]


def _in_order(problems: Sequence[Problem], trapped: Sequence[Problem]) -> list[Problem]:
    """What does not fit, then the traps elsewhere: what is wrong is mended before it is judged."""
    told = {_key(problem) for problem in problems}
    return [*problems, *(problem for problem in trapped if _key(problem) not in told)]


def _key(problem: Problem) -> str:
    """The manifest's key under which a problem lies."""
    return re.split(r"[.\[]", problem.path)[0]


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


def _model(
    read: ManifestFile[Any], path: Path_, source: ModelSource, progress: Progress | None
) -> Model:
    """The model that the manifest names at one of its places, under a name of its own."""
    name = f"then-{int(path[1]) + 1}" if len(path) > 1 else str(path[0])
    try:
        return models.read(models.locate(source, read.document.file.parent, progress), name)
    except CvatbuildError as error:
        raise type(error)(
            *(placed(read.document, path, problem) for problem in error.problems)
        ) from error


def _variants(
    read: ManifestFile[Any], found: Sequence[Model], wanted: Sequence[VariantName]
) -> tuple[VariantName, ...]:
    """The variants that are both wanted and possible."""
    settings = read.manifest.variants
    on: dict[VariantName, bool] = {"cpu": bool(settings.cpu), "gpu": bool(settings.gpu)}
    kept = tuple(name for name in VARIANTS if name in wanted and on[name])
    problem = read.document.problem
    if not kept:
        raise ManifestError(
            problem(
                ("variants",),
                f"switches off the variant that is wanted: {', '.join(wanted)}",
                code="variants-off",
            )
        )
    if any(model.format == "ir" for model in found):
        if "gpu" in kept:
            raise ManifestError(
                problem(
                    ("model",),
                    "is an OpenVINO IR, which the GPU variant cannot run",
                    read.document.found(("model",)),
                    "an ONNX file",
                    "write `variants: {gpu: false}` to build the CPU variant alone",
                    "ir-variant",
                )
            )
        cpu = settings.cpu
        if cpu and cpu.runtime != "openvino":
            raise ManifestError(
                problem(
                    ("variants", "cpu", "runtime"),
                    "an OpenVINO IR can only be run by OpenVINO",
                    cpu.runtime,
                    "openvino",
                    code="ir-variant",
                )
            )
    return kept
