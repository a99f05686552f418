"""A manifest and its model brought together: everything decided, nothing written yet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from builder import model as models
from builder.binding import bind_network, bind_postprocess, bind_second
from builder.document import Document, Path_
from builder.download import Progress
from builder.errors import CvatbuildError, ManifestError, Problem, did_you_mean
from builder.files import is_file
from builder.labels import Attribute, Label, Labels, Name, from_file, from_metadata
from builder.manifest import Manifest, ManifestFile
from builder.model import Model
from builder.validation import Strict, validate
from runtimes.detector import Detector
from runtimes.network import Network
from runtimes.second import Second
from runtimes.shapes.region import Mask
from runtimes.signature import Signature
from runtimes.step import Attribute as AttributeStep
from runtimes.step import Decoder, Refine, Shape, Step

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
    problems: list[Problem] = []
    labels = _collect(problems, lambda: _labels(read, first.signature))
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
    if labels is None or then is None or None in (kept, network, steps, *then):
        raise ManifestError(*problems)
    detector = Detector(labels.names, read.manifest.threshold, network, steps, tuple(then))
    typed = _typed(labels, detector, read)
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
    labels = _collect(problems, lambda: _labels(read, Signature((), ())))
    if labels is None:
        raise ManifestError(*problems)
    shapes = tuple(
        step
        for step in read.steps("postprocess").values()
        if isinstance(step, Decoder | Refine | AttributeStep | Shape)
    )
    network = Network("model.onnx", "", ())
    seconds = tuple(
        Second(
            network,
            tuple(labels.names),
            1.0,
            tuple(
                step
                for step in read.steps("postprocess", stage).values()
                if isinstance(step, Decoder | AttributeStep)
            ),
        )
        for stage in read.stages()[1:]
    )
    _typed(labels, Detector(labels.names, read.manifest.threshold, network, shapes, seconds), read)
    return read.manifest


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
            *(_placed(read.document, here, problem) for problem in error.problems)
        ) from error


def _placed(document: Document, path: Path_, problem: Problem) -> Problem:
    """A problem that was found elsewhere, at the place in the manifest that led to it."""
    placed = document.problem(
        path, problem.what, problem.found or document.found(path), problem.allowed, problem.hint
    )
    return replace(placed, path=problem.path or placed.path)


class _LabelFile(Strict):
    """The entries of a label file, under the key by which the manifest would have them."""

    labels: tuple[Name | Label, ...]


def _labels(read: ManifestFile, signature: Signature) -> Labels:
    """The labels that the manifest gives, names or points to."""
    given, document = read.manifest.labels, read.document
    if given == "metadata":
        try:
            entries: Sequence[str | Label] = from_metadata(signature.metadata, Path("the model"))
        except ManifestError as error:
            raise ManifestError(
                *(_placed(document, ("labels",), problem) for problem in error.problems)
            ) from error
    elif isinstance(given, str):
        file = read.resolve(given)
        if not is_file(file):
            raise ManifestError(
                document.problem(
                    ("labels",),
                    f"there is no file {file}",
                    given,
                    "a list of labels, the path of a file with them, or `metadata`",
                    did_you_mean(given, ["metadata"]),
                )
            )
        data = from_file(file)
        listing = Document(file, {"labels": data}, {}, {})
        entries = validate(_LabelFile, {"labels": data}, listing).labels
    else:
        entries = given
    labels = Labels.of([it if isinstance(it, Label) else Label(name=it) for it in entries])
    listed = () if isinstance(given, str) else tuple(range(len(labels.entries)))
    problems = [
        document.problem(("labels", place) if listed else ("labels",), what, hint=hint)
        for place, what, hint in labels.mistakes()
    ]
    if problems:
        raise ManifestError(*problems)
    return labels


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


def _typed(labels: Labels, detector: Detector, read: ManifestFile) -> tuple[Label, ...]:
    """The labels as CVAT is to know them: every one with a type, and one more for each suffix.

    Attributes that the steps give and the labels do not mention are declared as well, since CVAT
    drops what is not.

    Raises:
        ManifestError: CVAT would not take the shapes for a label.
    """
    problem = read.document.problem
    shapes = [step for step in detector.postprocess if isinstance(step, Shape)]
    entries = tuple(_with_attributes(label, detector) for label in labels.entries)
    drawn = {step.label_type for step in shapes if not step.suffix}
    if "skeleton" in drawn and len(drawn) > 1:
        raise ManifestError(
            problem(
                ("postprocess",),
                "a label can be a skeleton or something else, not both",
                ", ".join(sorted(drawn)),
                hint="give the other shape a label of its own: `rectangle: {suffix: -box}`",
            )
        )
    default: Any = next(iter(drawn)) if len(drawn) == 1 else "any"
    allowed = [*sorted(drawn), *([] if "skeleton" in drawn else ["any"])]
    problems = [
        problem(
            ("labels", place, "type"),
            f"CVAT would not take the shapes that the postprocessing draws for '{label.name}'",
            str(label.type),
            " or ".join(allowed),
            "leave the type out",
        )
        for place, label in enumerate(entries)
        if drawn and label.type not in (None, *allowed)
    ]
    typed = [
        label if label.type else label.model_copy(update={"type": default})
        for label in entries
        if drawn
    ]
    beside = {step.suffix: step.label_type for step in shapes if step.suffix}
    for suffix, kind in sorted(beside.items()):
        typed += [
            label.model_copy(update={"name": label.name + suffix, "type": kind})
            for label in entries
        ]
    names = [label.name for label in typed]
    for name in dict.fromkeys(names):
        if names.count(name) > 1 or len(name) > 64:
            what = "is there twice" if len(name) <= 64 else "is longer than 64 characters"
            hint = "choose another suffix"
            problems.append(problem(("postprocess",), f"the label '{name}' {what}", hint=hint))
    if problems:
        raise ManifestError(*problems)
    return tuple(typed)


def _with_attributes(label: Label, detector: Detector) -> Label:
    """A label with the attributes that steps give for it, after its own."""
    own = [attribute.name for attribute in label.attributes]
    steps: list[Step] = list(detector.postprocess)
    for second in detector.then:
        steps += second.postprocess if label.id in second.classes else ()
    given = {
        step.attribute: Attribute(name=step.attribute, input_type=kind, values=values)
        for step in steps
        if isinstance(step, AttributeStep) and step.attribute not in own
        for kind, values in [step.declare()]
    }
    return label.model_copy(update={"attributes": (*label.attributes, *given.values())})
