"""From model files to a manifest: `cvatbuild init`, and building straight from a model."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from builder.diagnostics.errors import CvatbuildError, ManifestError, ModelError, OutputError
from builder.diagnostics.files import unreadable
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.diagnostics.text import has_controls
from builder.families.draft import Draft, Source, draft, stem_of
from builder.families.ranking import Ranking, recognize
from builder.manifest.label_files import LABEL_FILE, from_file
from builder.manifest.labels import Label, Name
from builder.manifest.located_yaml import LocatedYaml
from builder.manifest.pydantic_errors import validate
from builder.manifest.validation import Strict
from builder.model.file import Model, locate, read
from builder.model.shape_inference import DECLARED_SHAPE
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.errors import FunctionError

GUESSED_VALUE = warning(
    "guessed-value",
    "Guessed value",
    "The model does not contain the value that `init` wrote into the manifest.",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A manifest for models, not yet written.

    Attributes:
        draft: the manifest.
        ranking: what the models may be.
        notes: what the person should look at.
    """

    draft: Draft
    ranking: Ranking
    notes: tuple[Problem, ...]


def begin(files: Sequence[Path], folder: Path, labels: Path | None = None) -> Begun:
    """Recognize models and draft their manifest.

    Args:
        files: one model, or an encoder and a decoder in any order.
        folder: where the manifest is to lie; it names the models relative to it.
        labels: a file with the labels; see labels.from_file.

    Raises:
        ModelError: a model cannot be read, or nobody knows what it is.
        ManifestError: the labels cannot be read.
    """
    for file in files:
        if has_controls(str(file)):
            what = "has a name that a manifest cannot hold"
            raise ModelError(
                Problem(what, file=file, allowed="letters that can be seen", hint="rename it")
            )
    models = tuple(read(locate(file.name, file.parent)) for file in files)
    named = None if labels is None else _labels(labels)
    ranking = recognize(models, run=True)
    if ranking.best is None:
        raise _unknown(files, models)
    source = Source(
        tuple(files),
        models,
        ranking,
        folder,
        named,
        labels.name if labels is not None else "",
        _unloadable(models),
    )
    found = draft(source)
    notes = (*found.notes, *_remarks(files, models, ranking))
    coded = tuple(note if note.rule else replace(note, rule=GUESSED_VALUE) for note in notes)
    return Begun(found, ranking, coded)


def write(text: str, file: Path, *, force: bool) -> None:
    """Write a manifest: all of it or nothing.

    Raises:
        OutputError: it cannot be written; or is there already, and not to be overwritten (`force`).
    """
    wrong = unreadable(file)
    if os.path.lexists(file) and (wrong or not force):
        hint = "-o FILE writes another"
        hint = hint if wrong else f"--force overwrites it; {hint}"
        raise OutputError(Problem(wrong or "is there already", file=file, hint=hint))
    # What a link means is overwritten, not the link.
    target = Path(os.path.realpath(file))
    partial = target.with_name(f".{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        partial.replace(target)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OutputError(Problem(f"cannot be written: {reason}", file=file)) from error
    finally:
        with suppress(OSError, ValueError):
            partial.unlink()


def manifest_beside(files: Sequence[Path]) -> tuple[Path, Begun | None]:
    """The manifest that models are built by: the one beside them, or a new one.

    Returns:
        Its path, and how it came to be if it was written now.

    Raises:
        OutputError: a file of its name is no manifest of these models.
        ModelError: see `begin`.
    """
    file = files[0].with_name(f"{stem_of(files)}.yaml")
    if file.exists():
        if not _names(file, files):
            raise OutputError(
                Problem(
                    f"is there already, and is no manifest of {files[0].name}",
                    file=file,
                    hint="`cvatbuild init MODEL -o FILE` writes a manifest under another name",
                )
            )
        return file, None
    begun = begin(files, file.parent)
    write(begun.draft.text, file, force=False)
    return file, begun


def belong_together(files: Sequence[Path]) -> bool:
    """Whether two model files are an encoder and its decoder.

    Raises:
        ModelError: one of them cannot be read.
    """
    if len(files) != 2:
        return False
    models = [read(locate(file.name, file.parent)) for file in files]
    return recognize(models, run=False).best is not None


def _names(file: Path, files: Sequence[Path]) -> bool:
    """Whether a file is a manifest that names all of these models."""
    try:
        data = LocatedYaml.read(file).data
    except CvatbuildError:
        return False
    if not isinstance(data, dict):
        return False
    given = [data.get(key) for key in ("model", "encoder", "decoder")]
    named = {(file.parent / it).resolve() for it in given if isinstance(it, str) and it}
    return {path.resolve() for path in files} <= named


class _LabelFile(Strict):
    """The entries of a label file, under the key by which the manifest would have them."""

    labels: tuple[Name | Label, ...]


def _labels(file: Path) -> tuple[Label, ...]:
    """The labels of a file.

    Raises:
        ManifestError: it cannot be read, or they are none that CVAT could have.
    """
    wrong = unreadable(file)
    if wrong:
        raise ManifestError(Problem(wrong, file=file, rule=LABEL_FILE))
    data = {"labels": from_file(file, numbered=True)}
    entries = validate(_LabelFile, data, LocatedYaml(file, data, {}, {})).labels
    return tuple(it if isinstance(it, Label) else Label(name=it) for it in entries)


def _unknown(files: Sequence[Path], models: Sequence[Model]) -> ModelError:
    """The error for models that no family claims."""
    listing = "; ".join(
        f"{file.name} takes {', '.join(map(str, model.signature.inputs))} and gives "
        f"{', '.join(map(str, model.signature.outputs))}"
        for file, model in zip(files, models, strict=True)
    )
    hint = "models of which each is a function of its own are begun one by one"
    if len(files) == 1:
        hint = _what_to_do(models[0])
    return ModelError(
        Problem(
            "this is no family of models that cvatbuild knows",
            file=files[0],
            found=listing[:600],
            allowed="docs/manifest.md lists what can be decoded",
            hint=hint,
        )
    )


def _what_to_do(model: Model) -> str:
    """What may help with a model that no family claims."""
    inputs = [tensor for tensor in model.signature.inputs if len(tensor.shape) == 4]
    outputs = [tensor for tensor in model.signature.outputs if len(tensor.shape) == 4]
    # Features have many channels; an image whose channels are its last axis has few there.
    if any((it.shape[1] or 0) >= 16 and it.shape[3] not in (1, 3) for it in [*inputs, *outputs]):
        return "an encoder and its decoder go together: `cvatbuild init ENCODER DECODER`"
    if not inputs:
        return "none of its inputs takes images: [1, 3, height, width] or [1, height, width, 3]"
    batches = [tensor for tensor in inputs if tensor.shape[0] not in (1, None)]
    if batches:
        return f"export it for one image at a time; {batches[0].name} takes {batches[0].shape[0]}"
    return "if you know how to read its outputs, write a manifest by hand: docs/manifest.md"


def _remarks(files: Sequence[Path], models: Sequence[Model], ranking: Ranking) -> list[Problem]:
    """What a person should know about the models themselves."""
    found = []
    if ranking.rivals:
        match = ranking.matches[0]
        others = "; ".join(rival.name for rival in ranking.rivals)
        found.append(
            Problem(
                f"unsure what this is; the manifest takes it for {match.name}",
                file=files[0],
                found=", ".join(match.reasons),
                allowed=f"it could as well be {others}",
                hint="the manifest lists the steps of each as comments; try them on a picture",
            )
        )
    for file, model, evidence in zip(files, models, ranking.evidence, strict=True):
        real = {tensor.name: tensor.shape for tensor in evidence.outputs}
        found += [
            Problem(
                f"declares {declared} but gives {given}",
                file=file,
                hint="its steps are chosen by what it gives; other tools may need a new export",
                rule=DECLARED_SHAPE,
            )
            for declared, given in model.with_shapes(real).misdeclared
        ]
    return found


def _unloadable(models: Sequence[Model]) -> str:
    """Why OpenVINO cannot load a model, if it cannot.

    Large models are left to the build's own trial: compiling them takes long.
    """
    for model in models:
        path = model.files[model.name]
        if model.format == "onnx" and path.stat().st_size < 400 * 2**20:
            try:
                OpenVino().open(path.resolve())
            except FunctionError as error:
                return error.what
    return ""
