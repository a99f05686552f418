"""A manifest for a recognized model, with where each value comes from beside it."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from builder.diagnostics.problem import Problem
from builder.families.draft_labels import label_lines
from builder.families.match import DraftStep, Match, Setting
from builder.families.ranking import Ranking
from builder.families.yaml_writer import Line, flow, readable, written
from builder.manifest.labels import Label
from builder.manifest.patterns import NAME
from builder.model.file import Model

_RESERVED = ("dashboard", "controller", "dlx", "scaler", "pth-facebookresearch-sam-vit-h")


@dataclass(frozen=True, slots=True)
class Source:
    """What a manifest is drafted from.

    Attributes:
        files: the model files as the person named them.
        models: the same, looked into.
        ranking: what they may be.
        folder: where the manifest is to lie.
        labels: names or labels that the person gave, or None; `labels_from` is their file.
        unloadable: why OpenVINO cannot load the model, if it cannot.
    """

    files: tuple[Path, ...]
    models: tuple[Model, ...]
    ranking: Ranking
    folder: Path
    labels: tuple[Label, ...] | None = None
    labels_from: str = ""
    unloadable: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A manifest that nobody has written yet.

    Attributes:
        name: the function's.
        text: the manifest.
        notes: what the person should look at.
    """

    name: str
    text: str
    notes: tuple[Problem, ...]


def stem_of(files: Sequence[Path]) -> str:
    """What model files are called: the name, or what the names of several begin with."""
    if len(files) == 1:
        return files[0].stem
    alike = [
        len(set(letters)) == 1 for letters in zip(*(file.stem for file in files), strict=False)
    ]
    common = files[0].stem[: [*alike, False].index(False)]
    common = re.sub(r"[^a-zA-Z0-9]+(en|de|encod|decod)?$", "", common)
    return common if len(common) > 1 else files[0].stem


def function_name(stem: str) -> str:
    """A valid name for a function, from a model file's name without its suffix."""
    stem = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:50].strip("-")
    if not re.match(NAME, stem):
        stem = f"model-{stem}".strip("-")
    return f"{stem}-model" if stem in _RESERVED else stem


def draft(source: Source) -> Draft:
    """The manifest for what a model most likely is.

    Args:
        source: with a ranking that has at least one match.
    """
    match = source.ranking.matches[0]
    notes: list[Problem] = []
    labels = list(label_lines(source, match, notes)) if match.type == "detector" else []
    stem = stem_of(source.files)
    name = function_name(stem)
    lines = [
        Line(f"# yaml-language-server: $schema={_schema(source.folder)}"),
        *_alternatives(source.ranking),
        Line(f"name: {name}", "the file's name"),
        Line(f"title: {flow(_title(stem))}", "the same, for CVAT's menu"),
        Line(f"type: {match.type}", f"{match.name}; {', '.join(match.reasons)}"),
        *_models(source),
        *labels,
        *_section("preprocess", match.preprocess),
        *_section("postprocess", match.postprocess),
        *_extras(source, match),
    ]
    return Draft(name, written(lines), tuple(notes))


def _title(stem: str) -> str:
    """What CVAT's menu shows."""
    return readable(re.sub(r"[_-]+", " ", stem).strip() or "Model", 64)


def _schema(folder: Path) -> str:
    """The path of the schema: within the checkout that the manifest lies in, if it does."""
    below = Path("builder", "reference", "manifest.schema.json")
    installed = Path(__file__).parents[1] / "reference" / "manifest.schema.json"
    for parent in (folder.resolve(), *folder.resolve().parents):
        if (parent / below).is_file():
            return Path(os.path.relpath(parent / below, folder.resolve())).as_posix()
    return installed.as_posix()


def _alternatives(ranking: Ranking) -> Iterator[Line]:
    """What else the model could be, as comments that can be put in place."""
    if not ranking.rivals:
        return
    yield Line("", "Unsure: the model could as well be one of these; look at a picture of it.")
    for rival in ranking.rivals:
        yield Line("", f"{rival.name}: {', '.join(rival.reasons)}")
        for section in ("preprocess", "postprocess"):
            steps = [_spelled(entry) for entry in getattr(rival, section)]
            listed = ", ".join(f"{{{it}}}" if ": " in it else it for it in steps)
            yield Line(f"#   {section}: [{listed}]")
        if rival.classes is not None and rival.classes.count is not None:
            yield Line(f"#   {rival.classes.count} labels")


def _models(source: Source) -> Iterator[Line]:
    """The model files, relative to the manifest."""
    for key, place in source.ranking.files.items():
        path = os.path.relpath(source.files[place].resolve(), source.folder.resolve())
        signature = source.models[place].signature
        inputs = ", ".join(str(tensor) for tensor in signature.inputs)
        yield Line(f"{key}: {flow(Path(path).as_posix())}", f"takes {inputs}")


def _section(title: str, entries: Sequence[DraftStep]) -> Iterator[Line]:
    """A list of steps."""
    if not entries:
        yield Line(f"{title}: []", "images go in as they are")
        return
    yield Line(f"{title}:")
    for entry in entries:
        yield Line(f"  - {_spelled(entry)}", _why(entry))


def _why(entry: DraftStep) -> str:
    """Where an entry comes from."""
    return f"guessed: {entry.why}" if entry.guessed and entry.why else entry.why


def _spelled(entry: DraftStep) -> str:
    """Return a step in its shortest form."""
    if not entry.fields:
        return entry.name
    listed = [it.name for it in fields(entry.step) if not it.kw_only]  # type: ignore[arg-type]
    if list(entry.fields) == listed[:1]:
        (value,) = entry.fields.values()
        if not isinstance(value, Mapping):
            return f"{entry.name}: {flow(value)}"
    return f"{entry.name}: {flow(entry.fields)}"


def _extras(source: Source, match: Match) -> Iterator[Line]:
    """The keys after the steps."""
    settings = list(match.settings)
    if match.type == "detector" and all(it.key != "threshold" for it in settings):
        threshold = _threshold(source.ranking.evidence[0].signature.metadata)
        why = "the score above which a detection counts; the default"
        if threshold is not None:
            why = "rt_info confidence_threshold"
        settings.append(Setting("threshold", 0.25 if threshold is None else threshold, why))
    for setting in settings:
        yield Line(f"{setting.key}: {flow(setting.value)}", setting.why)
    if any(model.format == "ir" for model in source.models):
        yield Line("variants: {gpu: false}", "OpenVINO IR runs on the CPU alone")
    elif source.unloadable:
        why = f"OpenVINO cannot run it: {source.unloadable}"
        yield Line("variants: {cpu: {runtime: onnxruntime}}", why)


def _threshold(metadata: Mapping[str, str]) -> float | None:
    """OpenVINO's `confidence_threshold`, if it is one."""
    try:
        found = float(metadata.get("confidence_threshold", ""))
    except ValueError:
        return None
    return found if 0 <= found <= 1 else None
