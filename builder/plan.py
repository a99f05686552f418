"""A manifest and its model brought together: everything decided, nothing written yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from builder import model as models
from builder.binding import bind_network, bind_postprocess, bind_second, unknown_labels
from builder.document import Path_
from builder.download import Progress
from builder.errors import CvatbuildError, ManifestError, Problem
from builder.labels import Label
from builder.manifest import CpuVariant, GpuVariant, Manifest, ManifestFile
from builder.model import Model
from builder.spec import bad_attributes, declared_labels, placed, read_labels
from runtimes.detector import Detector
from runtimes.shapes.region import Mask
from runtimes.signature import Signature

VariantName = Literal["cpu", "gpu"]
VARIANTS: tuple[VariantName, ...] = ("cpu", "gpu")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be built.

    Attributes:
        file: the manifest's file.
        manifest: what it says.
        models: the model files, looked into; the first one's first.
        labels: every label with its id and type.
        function: what model_handler.py will spell out.
        variants: those that are built.
        warnings: what will work, but perhaps not as the person thinks.
    """

    file: Path
    manifest: Manifest
    models: tuple[Model, ...]
    labels: tuple[Label, ...]
    function: Detector
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
    stages = read.stages()
    first, *others = models_read = [_model(read, stage, progress) for stage in stages]
    problems = [*_clashes(read, models_read), *bad_attributes(read)]
    labels = _collect(problems, lambda: read_labels(read, first.signature))
    kept = _collect(problems, lambda: _variants(read, models_read, variants))
    network = _collect(problems, lambda: bind_network(read, (), first))
    steps: Any = None
    then: Any = None
    if labels is not None:
        steps = _collect(problems, lambda: bind_postprocess(read, (), first.signature, labels))
        then = [
            _collect(problems, lambda at=stage, of=model: bind_second(read, at, of, labels))
            for stage, model in zip(stages[1:], others, strict=True)
        ]
    if problems:
        raise ManifestError(*problems)
    detector = Detector(labels.names, read.manifest.threshold, network, steps, tuple(then))
    typed = declared_labels(labels, read)
    return Plan(file, read.manifest, tuple(models_read), typed, detector, kept, _warnings(read))


def _warnings(read: ManifestFile) -> tuple[Problem, ...]:
    """What a manifest may say, but those who say it seldom mean."""
    return tuple(
        read.document.problem(
            (*path, "encoding"),
            "CVAT's servers up to 2.73 refuse run lengths from a detector",
            "rle",
            "pixels",
            "leave the encoding out, unless the reply is for a program that uses CVAT's SDK",
        )
        for path, step in read.steps("postprocess").items()
        if isinstance(step, Mask) and step.encoding == "rle"
    )


def check_without_model(file: Path) -> Manifest:
    """Check all that a manifest says which can be judged without its models.

    Raises:
        ManifestError: with everything that is wrong.
    """
    read = ManifestFile.read(file)
    problems: list[Problem] = []
    if read.manifest.labels == "metadata":
        what = "the labels are in the model, which is not looked at"
        hint = "leave out --no-model, or list the labels"
        raise ManifestError(read.document.problem(("labels",), what, "metadata", hint=hint))
    problems += bad_attributes(read)
    labels = _collect(problems, lambda: read_labels(read, Signature((), ())))
    if labels is not None:
        for stage in read.stages()[1:]:
            problems += unknown_labels(read, stage, labels)
    if problems:
        raise ManifestError(*problems)
    declared_labels(labels, read)
    return read.manifest


def _clashes(read: ManifestFile, found: Sequence[Model]) -> list[Problem]:
    """Models whose files would overwrite each other in the function's folder."""
    problems = []
    files: dict[str, Path] = {}
    for stage, model in zip(read.stages(), found, strict=True):
        for name, file in model.files.items():
            if files.setdefault(name, file) != file:
                what = "keeps weights in a file of the same name as another model's"
                hint = "save the model again with another name for its weights"
                problems.append(read.document.problem((*stage, "model"), what, name, hint=hint))
    return problems


def _collect(problems: list[Problem], part: Any) -> Any:
    """What `part` returns, or None with its problems added to the list."""
    try:
        return part()
    except CvatbuildError as error:
        problems += error.problems
        return None


def _model(read: ManifestFile, stage: Path_, progress: Progress | None) -> Model:
    """The model that the manifest names at one of its stages."""
    name = f"then-{int(stage[1]) + 1}" if stage else "model"
    try:
        source = read.stage(stage).model
        return models.read(models.locate(source, read.document.file.parent, progress), name)
    except CvatbuildError as error:
        here = (*stage, "model")
        raise type(error)(
            *(placed(read.document, here, problem) for problem in error.problems)
        ) from error


def _variants(
    read: ManifestFile, found: Sequence[Model], wanted: Sequence[VariantName]
) -> tuple[VariantName, ...]:
    """The variants that are both wanted and possible."""
    settings = read.manifest.variants
    on: dict[VariantName, bool] = {"cpu": bool(settings.cpu), "gpu": bool(settings.gpu)}
    kept = tuple(name for name in VARIANTS if name in wanted and on[name])
    problem = read.document.problem
    if not kept:
        raise ManifestError(
            problem(("variants",), f"switches off the variant that is wanted: {', '.join(wanted)}")
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
                )
            )
    return kept
