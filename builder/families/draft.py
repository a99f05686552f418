"""The manifest of a recognized model as text, with the reason for each value beside it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from builder.diagnostics.problem import Problem
from builder.families.draft_labels import GivenLabels, label_lines
from builder.families.match import DraftStep, Match, Setting
from builder.families.preprocessing import from_processor
from builder.families.ranking import Ranking
from builder.families.yaml_writer import Line, inline, printable, render
from builder.manifest.patterns import NAME
from builder.manifest.schema import RESERVED_NAMES
from builder.model.file import Model
from builder.model.hugging_face import read_processor

_MOST_NAME = 50
_DEFAULT_THRESHOLD = 0.25


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """What a manifest is drafted from.

    Attributes:
        files: the model files, as the user named them.
        models: the same, read.
        ranking: what they may be; at least one match.
        folder: the manifest's folder; models are named relative to it.
        labels: labels that the user gave.
        openvino_error: the reason why OpenVINO cannot load a model; empty if it can.
    """

    files: tuple[Path, ...]
    models: tuple[Model, ...]
    ranking: Ranking
    folder: Path
    labels: GivenLabels | None = None
    openvino_error: str = ""

    @property
    def match(self) -> Match:
        """The match that the manifest is for."""
        return self.ranking.matches[0]


def common_stem(files: Sequence[Path]) -> str:
    """Return the stem of a model file, or what the stems of an encoder and a decoder share."""
    if len(files) == 1:
        return files[0].stem
    alike = [
        len(set(letters)) == 1 for letters in zip(*(file.stem for file in files), strict=False)
    ]
    common = files[0].stem[: [*alike, False].index(False)]
    common = re.sub(r"[^a-zA-Z0-9]+(en|de|encod|decod)?$", "", common)
    return common if len(common) > 1 else files[0].stem


def function_name(stem: str) -> str:
    """Return a valid function name for the stem of a model file."""
    stem = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:_MOST_NAME].strip("-")
    if not re.match(NAME, stem):
        stem = f"model-{stem}".strip("-")
    return f"{stem}-model" if stem in RESERVED_NAMES else stem


def draft_text(request: DraftRequest) -> tuple[str, tuple[Problem, ...]]:
    """Return the manifest for the best match, and what the user has to check in it."""
    match = request.match
    notes: list[Problem] = []
    labels: list[Line] = []
    if match.classes is not None:
        first = request.ranking.first
        evidence, file = request.ranking.evidence[first], request.files[first]
        labels += label_lines(match, match.classes, evidence, file, request.labels, notes)
    stem = common_stem(request.files)
    lines = [
        Line(f"# yaml-language-server: $schema={_schema_path(request.folder)}"),
        *_rivals(request.ranking),
        Line(f"name: {function_name(stem)}", "from the file name"),
        Line(f"title: {inline(_title(stem))}", "from the file name, for CVAT's menu"),
        Line(f"type: {match.type}", f"{match.name}; {', '.join(match.reasons)}"),
        *_guessed(request.ranking),
        *_models(request),
        *labels,
        *_section("preprocess", preprocess_of(request)),
        *_section("postprocess", match.postprocess),
        *_settings(request),
        *_second(request),
        *_variants(request),
    ]
    return render(lines), tuple(notes)


def preprocess_of(request: DraftRequest) -> tuple[DraftStep, ...]:
    """Return the steps of the match, with the values of Hugging Face's preprocessor_config.json."""
    steps = request.match.preprocess
    first = request.ranking.first
    processor = read_processor(request.files[first])
    named = request.ranking.evidence[first].ultralytics.task
    if processor is None or len(request.files) > 1 or named:
        return steps
    return from_processor(request.ranking.evidence[first], steps, processor)


def _title(stem: str) -> str:
    """Return the function's title in CVAT's menu."""
    return printable(re.sub(r"[_-]+", " ", stem).strip() or "Model", 64)


def _schema_path(folder: Path) -> str:
    """Return the path of the schema: relative if the manifest lies in a checkout, else absolute."""
    below = Path("builder", "reference", "manifest.schema.json")
    installed = Path(__file__).parents[1] / "reference" / "manifest.schema.json"
    for parent in (folder.resolve(), *folder.resolve().parents):
        if (parent / below).is_file():
            return Path(os.path.relpath(parent / below, folder.resolve())).as_posix()
    return installed.as_posix()


def _rivals(ranking: Ranking) -> Iterator[Line]:
    """Yield the manifests' steps of the other families that match, as comments."""
    if not ranking.rivals:
        return
    yield Line("", "Ambiguous: these families match, too; compare the results on an image.")
    for rival in ranking.rivals:
        yield Line("", f"{rival.name}: {', '.join(rival.reasons)}")
        for section, steps in (
            ("preprocess", rival.preprocess),
            ("postprocess", rival.postprocess),
        ):
            listed = ", ".join(f"{{{it}}}" if ": " in it else it for it in map(_entry, steps))
            yield Line(f"#   {section}: [{listed}]")
        if rival.classes is not None and rival.classes.count is not None:
            yield Line(f"#   {rival.classes.count} labels")


def _guessed(ranking: Ranking) -> Iterator[Line]:
    """Yield `guessed: true` if the match is unsure."""
    if ranking.sureness == "unsure":
        yield Line("guessed: true", f"{doubt(ranking)}; remove this line if the shapes are right")


def doubt(ranking: Ranking) -> str:
    """Return the reason why the best match is unsure, in words."""
    others = [*(match.name for match in ranking.rivals), *ranking.other_tasks]
    return f"unsure: it may be {' or '.join(others)}" if others else "unsure: only the shapes fit"


def _models(request: DraftRequest) -> Iterator[Line]:
    """Yield the model files at the top of the manifest."""
    for key, index in request.ranking.files.items():
        if key != "then":
            yield _model(key, request, index)


def _model(key: str, request: DraftRequest, index: int) -> Line:
    """Return the line of a model file, relative to the manifest."""
    path = os.path.relpath(request.files[index].resolve(), request.folder.resolve())
    inputs = ", ".join(str(tensor) for tensor in request.models[index].signature.inputs)
    return Line(f"{key}: {inline(Path(path).as_posix())}", f"takes {inputs}")


def _second(request: DraftRequest) -> Iterator[Line]:
    """Yield the key `then` if the match has a second model."""
    second = request.match.second
    if second is None:
        return
    lines = [
        _model("model", request, request.ranking.files["then"]),
        *(Line(f"{it.key}: {inline(it.value)}", it.why) for it in second.settings),
        *_section("preprocess", second.preprocess),
        *_section("postprocess", second.postprocess),
    ]
    yield Line("then:")
    for number, line in enumerate(lines):
        yield Line(f"{'    ' if number else '  - '}{line.text}", line.comment)


def _section(key: str, steps: Sequence[DraftStep]) -> Iterator[Line]:
    """Yield a list of steps."""
    if not steps:
        yield Line(f"{key}: []", "the model takes images as they are")
        return
    yield Line(f"{key}:")
    for step in steps:
        why = f"guessed: {step.why}" if step.guessed and step.why else step.why
        yield Line(f"  - {_entry(step)}", why)


def _entry(step: DraftStep) -> str:
    """Return a step in its shortest form."""
    if not step.fields:
        return step.name
    listed = [it.name for it in fields(step.step) if not it.kw_only]  # type: ignore[arg-type]
    if list(step.fields) == listed[:1]:
        (value,) = step.fields.values()
        if not isinstance(value, Mapping):
            return f"{step.name}: {inline(value)}"
    return f"{step.name}: {inline(step.fields)}"


def _settings(request: DraftRequest) -> Iterator[Line]:
    """Yield the keys after the steps."""
    for setting in settings_of(request):
        yield Line(f"{setting.key}: {inline(setting.value)}", setting.why)


def settings_of(request: DraftRequest) -> tuple[Setting, ...]:
    """Return the keys after the steps, with the confidence threshold of a detector."""
    settings = list(request.match.settings)
    if request.match.type == "detector" and all(it.key != "threshold" for it in settings):
        settings.append(
            _threshold(request.ranking.evidence[request.ranking.first].signature.metadata)
        )
    return tuple(settings)


def _threshold(metadata: Mapping[str, str]) -> Setting:
    """Return OpenVINO's `confidence_threshold`, or the default confidence threshold."""
    try:
        found = float(metadata.get("confidence_threshold", ""))
    except ValueError:
        found = -1
    if 0 <= found <= 1:
        return Setting("threshold", found, "rt_info confidence_threshold")
    return Setting("threshold", _DEFAULT_THRESHOLD, "the default confidence threshold")


def _variants(request: DraftRequest) -> Iterator[Line]:
    """Yield the variants if not every runtime can load the models."""
    if any(model.format == "ir" for model in request.models):
        yield Line("variants: {gpu: false}", "OpenVINO IR runs on the CPU alone")
    elif request.openvino_error:
        why = f"OpenVINO cannot run it: {request.openvino_error}"
        yield Line("variants: {cpu: {runtime: onnxruntime}}", why)
