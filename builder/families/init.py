"""From model files to a manifest: `cvatbuild init`, and building from a model file."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from builder.diagnostics.errors import (
    CommandLineError,
    CvatbuildError,
    ManifestError,
    ModelError,
    OutputError,
)
from builder.diagnostics.files import ABSENT, similar, unreadable
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.diagnostics.text import has_controls
from builder.families.blank_run import MOST_BYTES
from builder.families.draft import DraftRequest, common_stem, doubt, draft_text
from builder.families.draft_labels import GivenLabels
from builder.families.explain import Explanation, explain
from builder.families.operators import foreign_operators
from builder.families.ranking import Ranking, recognize
from builder.families.unknown import unknown_family
from builder.families.unread import UNUSED_OUTPUT, listed, unread_by_draft
from builder.families.yaml_writer import printable
from builder.manifest.label_files import LABEL_FILE, encoding_problem, labels_in_file
from builder.manifest.labels import Label, Labels
from builder.manifest.located_yaml import LocatedYaml
from builder.model.file import Model, locate, read
from builder.model.shape_inference import DECLARED_SHAPE
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.errors import FunctionError
from runtimes.quiet import no_stderr

GUESSED_VALUE = warning(
    "guessed-value",
    "Guessed value",
    "The model does not contain the value that `init` wrote into the manifest.",
)
NO_RUNTIME = warning(
    "no-runtime",
    "No runtime has the model's operators",
    "The function cannot be built.",
)


@dataclass(frozen=True, slots=True)
class ManifestDraft:
    """A drafted manifest.

    Attributes:
        text: the manifest.
        ranking: what the models may be; the manifest is for the best match.
        notes: what the user has to check.
        explanations: the values of the manifest, each with its evidence.
    """

    text: str
    ranking: Ranking
    notes: tuple[Problem, ...]
    explanations: tuple[Explanation, ...] = ()


def draft_manifest(
    files: Sequence[Path], folder: Path, labels: Path | None = None
) -> ManifestDraft:
    """Recognize models and draft their manifest.

    Args:
        files: one model, or an encoder and a decoder in any order.
        folder: the manifest's folder; models are named relative to it.
        labels: a label file; see label_files.from_file.

    Raises:
        ModelError: a model cannot be read, or its family is unknown.
        ManifestError: the labels cannot be read.
    """
    for file in files:
        if has_controls(str(file)):
            what = "has a name that a manifest cannot contain"
            raise ModelError(
                Problem(what, file=file, allowed="printable characters", hint="rename the file")
            )
    models = tuple(_read(file) for file in files)
    given = None if labels is None else GivenLabels(_read_labels(labels), labels.name)
    unrunnable = _unrunnable(files, models)
    ranking = recognize(models, run=True, labels=len(given.entries) if given else None)
    if ranking.best is None:
        raise unknown_family(files, models, ranking.evidence)
    openvino_error = "" if unrunnable else _openvino_error(models)
    request = DraftRequest(tuple(files), models, ranking, folder, given, openvino_error)
    text, notes = draft_text(request)
    notes = (
        *unrunnable,
        *notes,
        *_ambiguity(files, ranking),
        *_unread(files, ranking),
        *_misdeclared(files, models, ranking),
    )
    encoding = encoding_problem(labels) if labels is not None else None
    if encoding is not None:
        notes = (*notes, replace(encoding, file=labels))
    return ManifestDraft(
        text,
        ranking,
        tuple(it if it.rule else replace(it, rule=GUESSED_VALUE) for it in notes),
        explain(request),
    )


def write_manifest(text: str, file: Path, *, force: bool) -> None:
    """Write a manifest, all of it or nothing.

    Args:
        text: the manifest.
        file: its path; the target of a symbolic link is written, the link stays.
        force: whether an existing file may be overwritten.

    Raises:
        OutputError: the file exists and must not be overwritten, or cannot be written.
    """
    wrong = unreadable(file)
    if os.path.lexists(file) and (wrong or not force):
        hint = "pass another path with -o FILE"
        hint = hint if wrong else f"pass --force to overwrite it, or {hint.removeprefix('pass ')}"
        raise OutputError(Problem(wrong or "already exists", file=file, hint=hint))
    target = Path(os.path.realpath(file))
    partial = target.with_name(f".{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        partial.replace(target)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        hint = "pass another path with -o FILE"
        if not os.path.exists(file.parent):
            hint = f"create the directory {file.parent}, or {hint}"
        raise OutputError(Problem(f"cannot be written: {reason}", file=file, hint=hint)) from error
    finally:
        with suppress(OSError, ValueError):
            partial.unlink()


def manifest_beside(files: Sequence[Path]) -> tuple[Path, ManifestDraft | None]:
    """Return the manifest beside model files, after writing it if there is none.

    Returns:
        Its path; its draft, if it was written now.

    Raises:
        OutputError: a file of this name is not a manifest of these models.
        ModelError: see `draft_manifest`.
    """
    file = files[0].with_name(f"{common_stem(files)}.yaml")
    if file.exists():
        if not _names_all(file, files):
            raise OutputError(
                Problem(
                    f"already exists, and is not a manifest of {files[0].name}",
                    file=file,
                    hint="write a manifest under another name: `cvatbuild init MODEL -o FILE`",
                )
            )
        return file, None
    draft = draft_manifest(files, file.parent)
    write_manifest(draft.text, file, force=False)
    return file, draft


def are_encoder_and_decoder(files: Sequence[Path]) -> bool:
    """Whether model files are an encoder and its decoder, in any order.

    Raises:
        ModelError: a file cannot be read.
    """
    if len(files) != 2:
        return False
    return recognize([_read(file) for file in files], run=False).best is not None


def _read(file: Path) -> Model:
    """Read a model file that is named on the command line."""
    return read(locate(file.name, file.parent))


def _names_all(file: Path, models: Sequence[Path]) -> bool:
    """Whether a file is a manifest that names all of these models."""
    try:
        data = LocatedYaml.read(file).data
    except CvatbuildError:
        return False
    if not isinstance(data, dict):
        return False
    given = [data.get(key) for key in ("model", "encoder", "decoder")]
    seconds = data.get("then")
    if isinstance(seconds, list):
        given += [it.get("model") for it in seconds if isinstance(it, dict)]
    named = {(file.parent / it).resolve() for it in given if isinstance(it, str) and it}
    return {path.resolve() for path in models} <= named


def _read_labels(file: Path) -> tuple[Label, ...]:
    """Return the labels of a label file.

    Raises:
        CommandLineError: there is no such file.
        ManifestError: the file cannot be read, a label is invalid, or labels are duplicates.
    """
    wrong = unreadable(file)
    if wrong == ABSENT:
        raise CommandLineError(Problem(wrong, file=file, hint=similar(file)))
    if wrong:
        raise ManifestError(Problem(wrong, file=file, rule=LABEL_FILE))
    labels = labels_in_file(file, keep_ids=True)
    problems = Labels.of(labels).problems()
    if problems:
        raise ManifestError(*(replace(it, path=(), file=file) for it in problems))
    return labels


def _ambiguity(files: Sequence[Path], ranking: Ranking) -> list[Problem]:
    """Return a note if the best match is unsure."""
    if ranking.sureness != "unsure":
        return []
    hint = "compare the function's shapes with the expected ones before removing `guessed: true`"
    if not ranking.rivals:
        best = ranking.matches[0]
        return [
            Problem(
                f"the model family is a guess: {best.name}",
                file=files[0],
                found=f"{', '.join(best.reasons)}; {doubt(ranking)}",
                hint=hint,
            )
        ]
    names = " or ".join(match.name for match in (ranking.matches[0], *ranking.rivals))
    return [
        Problem(
            f"the model family is ambiguous: {names}",
            file=files[0],
            found=", ".join(ranking.matches[0].reasons),
            hint="the manifest is for the first; try the others' steps, which it has as comments",
        )
    ]


def _unrunnable(files: Sequence[Path], models: Sequence[Model]) -> list[Problem]:
    """Return a note for each model with operators that no runtime has."""
    found = []
    for file, model in zip(files, models, strict=True):
        foreign = foreign_operators(model.graph)
        if foreign is not None:
            what = f"{printable(foreign.what)}: `check` and `build` refuse the manifest"
            found.append(Problem(what, file=file, hint=foreign.hint, rule=NO_RUNTIME))
    return found


def _unread(files: Sequence[Path], ranking: Ranking) -> list[Problem]:
    """Return a note if the drafted decoder does not read every output."""
    found = unread_by_draft(ranking.matches[0], ranking.evidence[ranking.first].signature)
    if not found:
        return []
    hint = "use a step that reads it, or export the model without it"
    return [Problem(printable(listed(found)), file=files[0], hint=hint, rule=UNUSED_OUTPUT)]


def _misdeclared(files: Sequence[Path], models: Sequence[Model], ranking: Ranking) -> list[Problem]:
    """Return a note for each output whose declared shape is wrong."""
    found = []
    for file, model, evidence in zip(files, models, ranking.evidence, strict=True):
        real = {tensor.name: tensor.shape for tensor in evidence.outputs}
        found += [
            Problem(
                f"declares {declared} but gives {given}",
                file=file,
                hint="the manifest is for the real shape; other tools may need a new export",
                rule=DECLARED_SHAPE,
            )
            for declared, given in model.with_shapes(real).misdeclared
        ]
    return found


def _openvino_error(models: Sequence[Model]) -> str:
    """Return the reason why OpenVINO cannot load a model, or "" if it can.

    Large models are left to the build's smoke test: compiling them takes long.
    """
    for model in models:
        path = model.files[model.name]
        if model.format == "onnx" and path.stat().st_size < MOST_BYTES:
            try:
                with no_stderr():
                    OpenVino().open(path.resolve())
            except FunctionError as error:
                return error.what
    return ""
