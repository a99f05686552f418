"""A manifest and its model brought together: everything decided, nothing written yet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from builder import model as models
from builder.document import Document, Path_
from builder.download import Progress
from builder.errors import CvatbuildError, ManifestError, Problem, did_you_mean
from builder.labels import Label, Labels, Name, from_file, from_metadata
from builder.manifest import Manifest, ManifestFile
from builder.metadata import image_size
from builder.model import Model
from builder.validation import Strict, validate
from runtimes.detector import Detector
from runtimes.errors import BadModel
from runtimes.network import Network
from runtimes.preprocess.resize import CenterCrop, Letterbox, Resize
from runtimes.preprocess.values import Channels, Layout, Normalize
from runtimes.signature import ImageInput, Signature, Tensor
from runtimes.step import Decoder, Preprocess, Refine, Shape, Step

VariantName = Literal["cpu", "gpu"]
VARIANTS: tuple[VariantName, ...] = ("cpu", "gpu")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be built.

    Attributes:
        file: the manifest's file.
        manifest: what it says.
        model: the model file, looked into.
        labels: every label with its id and type.
        function: what model_handler.py will spell out.
        variants: those that are built.
    """

    file: Path
    manifest: Manifest
    model: Model
    labels: tuple[Label, ...]
    function: Detector
    variants: tuple[VariantName, ...]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.manifest.name

    @property
    def title(self) -> str:
        """What CVAT's menu shows."""
        return self.manifest.title or self.manifest.name


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
    model = _model(read, progress)
    problems: list[Problem] = []
    labels = _collect(problems, lambda: _labels(read, model.signature))
    kept = _collect(problems, lambda: _variants(read, model, variants))
    network = _collect(problems, lambda: _network(read, model))
    postprocess = None
    if labels is not None:
        postprocess = _collect(problems, lambda: _postprocess(read, model.signature, labels))
    if labels is None or kept is None or network is None or postprocess is None:
        raise ManifestError(*problems)
    detector = Detector(labels.names, manifest.threshold, network, postprocess)
    typed = _typed(labels, postprocess, read)
    return Plan(file, manifest, model, typed, detector, kept)


def _collect(problems: list[Problem], part: Any) -> Any:
    """What `part` returns, or None with its problems added to the list."""
    try:
        return part()
    except CvatbuildError as error:
        problems += error.problems
        return None


def _model(read: ManifestFile, progress: Progress | None) -> Model:
    """The model that the manifest names."""
    try:
        source = read.manifest.model
        return models.read(models.locate(source, read.document.file.parent, progress))
    except CvatbuildError as error:
        raise type(error)(
            *(_placed(read.document, ("model",), problem) for problem in error.problems)
        ) from error


def _placed(document: Document, path: Path_, problem: Problem) -> Problem:
    """A problem that was found elsewhere, at the place in the manifest that led to it."""
    placed = document.problem(
        path, problem.what, problem.found or document.found(path), problem.allowed, problem.hint
    )
    return replace(placed, path=problem.path or placed.path)


def _bind_problem(document: Document, path: Path_, error: BadModel) -> Problem:
    """What a step says of the model, at the step's place in the manifest."""
    below = (*path, error.where) if error.where else path
    return document.problem(below, error.what, error.found, error.allowed, error.hint)


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
        if not models.is_file(file):
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
    read: ManifestFile, model: Model, wanted: Sequence[VariantName]
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
    if model.format == "ir":
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


def _network(read: ManifestFile, model: Model) -> Network:
    """The model with its preprocessing bound to its input."""
    document = read.document
    given = read.steps("preprocess")
    layout = next((step.order for step in given.values() if isinstance(step, Layout)), None)
    layout_path = next((path for path in given if path[2] == "layout"), ("preprocess",))
    try:
        image = replace(
            ImageInput.of(_image_input(model.signature), layout),
            trained=image_size(model.signature.metadata),
        )
    except BadModel as error:
        raise ManifestError(_bind_problem(document, layout_path, error)) from error
    order_given = next((step.order for step in given.values() if isinstance(step, Channels)), "rgb")
    if image.channels is None:
        image = replace(image, channels=1 if order_given == "gray" else 3)
    # What every model needs and few manifests should have to say.
    defaults: list[tuple[Path_, Preprocess]] = []
    if not any(isinstance(step, Channels) for step in given.values()):
        order: Literal["rgb", "gray"] = "gray" if image.channels == 1 else "rgb"
        defaults.append((("preprocess",), Channels(order)))
    if not any(isinstance(step, Layout) for step in given.values()):
        defaults.append((("preprocess",), Layout()))
    bound: list[Preprocess] = []
    problems: list[Problem] = []
    for path, step in [*given.items(), *defaults]:
        assert isinstance(step, Preprocess)
        try:
            bound.append(step.bind(image))
        except BadModel as error:
            problems.append(_bind_problem(document, path, error))
    resizes = any(isinstance(step, Letterbox | Resize | CenterCrop) for step in given.values())
    if not resizes and image.height is not None and image.width is not None:
        problems.append(
            document.problem(
                ("preprocess",),
                f"nothing brings the image to the {image.height}x{image.width} that the model's "
                f"input '{image.name}' takes",
                allowed="letterbox, resize or center_crop",
                hint="add `- letterbox` (YOLO kinds) or `- resize` (SSD and DETR kinds)",
            )
        )
    if problems:
        raise ManifestError(*problems)
    # Values may be noted in any order; readers expect this one.
    bound.sort(
        key=lambda step: (
            (Channels, Normalize, Layout).index(type(step)) + 1
            if isinstance(step, Channels | Normalize | Layout)
            else 0
        )
    )
    return Network(model.name, image.name, tuple(bound))


def _image_input(signature: Signature) -> Tensor:
    """The model's only input.

    Raises:
        BadModel: it has none, or several.
    """
    if len(signature.inputs) != 1:
        listing = ", ".join(str(tensor) for tensor in signature.inputs)
        raise BadModel(
            f"the model has {len(signature.inputs)} inputs; a detector's takes one, the image",
            found=listing or "none",
        )
    return signature.inputs[0]


def _postprocess(
    read: ManifestFile, signature: Signature, labels: Labels
) -> tuple[Decoder | Refine | Shape, ...]:
    """The postprocessing steps, the decoder bound to the model's outputs."""
    bound: list[Decoder | Refine | Shape] = []
    problems: list[Problem] = []
    keypoints = labels.entries[0].keypoints
    for place, label in enumerate(labels.entries):
        if label.keypoints != keypoints:
            what = "the labels have different sublabels; a model gives all of them the same"
            problems.append(read.document.problem(("labels", place), what))
    for path, step in read.steps("postprocess").items():
        assert isinstance(step, Decoder | Refine | Shape)
        try:
            if isinstance(step, Decoder):
                bound.append(step.bind(signature, labels.classes))
            elif isinstance(step, Shape):
                bound.append(step.bind(keypoints))
            else:
                bound.append(step)
        except BadModel as error:
            problems.append(_bind_problem(read.document, path, error))
    if problems:
        raise ManifestError(*problems)
    return tuple(bound)


def _typed(labels: Labels, postprocess: Sequence[Step], read: ManifestFile) -> tuple[Label, ...]:
    """The labels as CVAT is to know them: every one with a type, and one more for each suffix.

    Raises:
        ManifestError: CVAT would not take the shapes for a label.
    """
    problem = read.document.problem
    shapes = [step for step in postprocess if isinstance(step, Shape)]
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
        for place, label in enumerate(labels.entries)
        if drawn and label.type not in (None, *allowed)
    ]
    typed = [
        label if label.type else label.model_copy(update={"type": default})
        for label in labels.entries
        if drawn
    ]
    beside = {step.suffix: step.label_type for step in shapes if step.suffix}
    for suffix, kind in sorted(beside.items()):
        typed += [
            label.model_copy(update={"name": label.name + suffix, "type": kind})
            for label in labels.entries
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
