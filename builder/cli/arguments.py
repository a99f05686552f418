"""Command-line arguments as files, numbers and plans.

Slow imports stay inside functions; see builder.cli.commands.
"""

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from builder.cli.options import VariantOption
from builder.diagnostics.collector import Diagnostics
from builder.diagnostics.errors import CommandLineError, ManifestError
from builder.diagnostics.files import ABSENT, names_in, unreadable
from builder.diagnostics.problem import Problem
from builder.diagnostics.text import closest
from builder.model.url import is_url, restored

if TYPE_CHECKING:
    from builder.cli.terminal import Progress
    from builder.families.init import ManifestDraft
    from builder.manifest.variants import VariantName
    from builder.plan.plan import Plan
    from builder.run.predict.prediction import Box, Point

_Result = TypeVar("_Result")


FileType: TypeAlias = Literal["manifest", "model"]
"""The types of files that commands accept."""

SUFFIXES: dict[FileType, tuple[str, ...]] = {
    "manifest": (".yaml", ".yml"),
    "model": (".onnx", ".xml"),
}
"""File type -> file name suffixes."""


def require_files(files: Sequence[Path], *accepted: FileType, commands: Iterable[str] = ()) -> None:
    """Check that every argument is a file of an accepted type.

    Args:
        files: the arguments.
        accepted: the file types that the command accepts.
        commands: command names to suggest for a file that does not exist.

    Raises:
        CommandLineError: an argument is not a readable file, or has another type.
    """
    for file in files:
        if is_url(str(file)):
            url = restored(str(file))
            form = f"`model: {{url: {url}, sha256: ...}}`"
            hint = f"download the file and pass its path, or write {form} in a manifest"
            raise CommandLineError(Problem("is a URL, not a file", file=file, found=url, hint=hint))
        types = tuple(it for it in accepted if file.suffix.lower() in SUFFIXES[it]) or accepted
        what, hint = unreadable(file), ""
        if what == ABSENT:
            hint = _similar_path(file, types, commands)
        elif what == "is a directory":
            what, hint = f"{what}, not a {' or a '.join(types)}", _directory_hint(file, accepted)
        elif not what:
            what, hint = _wrong_type(file, accepted)
        if what:
            allowed = " or ".join(f"a {it} ({', '.join(SUFFIXES[it])})" for it in types)
            raise CommandLineError(Problem(what, file=file, allowed=allowed, hint=hint))


def _wrong_type(file: Path, accepted: Sequence[FileType]) -> tuple[str, str]:
    """Return a message and a hint for a file of another type; two empty strings if it is accepted.

    A manifest may have any suffix that no model format has.
    """
    suffix = file.suffix.lower()
    if any(suffix in SUFFIXES[it] for it in accepted):
        return "", ""
    if suffix in SUFFIXES["model"]:
        return "is a model, not a manifest", _manifest_hint(file)
    if suffix in SUFFIXES["manifest"]:
        return "is a manifest, not a model", "pass the model file"
    from builder.model.file_format import identify

    found = identify(file)
    if found is None:
        return "", ""
    if "model" not in accepted and found.is_document:
        hint = "pass a manifest, or write one with `cvatbuild init MODEL -o FILE`"
        return f"is not a manifest: the content is that of another format, {found.name}", hint
    return "is not in a supported model format", found.hint


def _names_in(folder: Path, types: Sequence[FileType]) -> list[str]:
    """Return the sorted names of the files of some types in a directory."""
    return names_in(folder, *(suffix for it in types for suffix in SUFFIXES[it]))


def _similar_path(file: Path, types: Sequence[FileType], commands: Iterable[str]) -> str:
    """Return a hint for a path that does not exist."""
    folder = file.parent
    if not os.path.isdir(folder):
        return f"create the directory {folder}, or correct the path"
    beside = _names_in(folder, types)
    # Stems are compared, since a common suffix makes any two short names similar.
    stems = {Path(name).stem: name for name in beside} | {name: name for name in commands}
    meant = closest(file.stem, stems)
    if meant is not None:
        return f"did you mean '{stems[meant]}'?"
    return _listing(beside)


def _directory_hint(folder: Path, types: Sequence[FileType]) -> str:
    """Return a hint for an argument that is a directory."""
    there = _names_in(folder, types)
    if there:
        return _listing(there)
    models = _names_in(folder, ["model"])
    if models:
        return _manifest_hint(folder / models[0])
    if (folder / "build.lock").is_file():
        return "run a built function with `cvatbuild predict FUNCTION IMAGE`"
    from builder.model.file_format import identify

    found = identify(folder)
    if found:
        return f"the directory is a {found.name}: {found.hint}"
    return "write a manifest with `cvatbuild init MODEL -o FILE`" if "manifest" in types else ""


def _listing(names: Sequence[str]) -> str:
    """Return a hint that lists the first five files of a directory; empty without any."""
    return f"choose one of: {', '.join(names[:5])}" if names else ""


def _manifest_hint(model: Path) -> str:
    """Return a hint that names the manifest of a model, or the command that writes one."""
    for suffix in SUFFIXES["manifest"]:
        if os.path.isfile(model.with_suffix(suffix)):
            return f"did you mean '{model.with_suffix(suffix)}'?"
    words = ["cvatbuild", "init", str(model), "-o", str(model.with_suffix(".yaml"))]
    return f"write a manifest with `{shlex.join(words)}`"


def require_manifest_path(output: Path | None, inputs: Sequence[Path]) -> None:
    """Check that writing a manifest overwrites neither an input nor a model.

    Args:
        output: where the manifest is written; None for stdout.
        inputs: the files that the manifest is made from.

    Raises:
        CommandLineError: the path is one of `inputs`, or has the suffix of a model.
    """
    if output is None:
        return
    lost = os.path.exists(output) and any(
        os.path.exists(file) and os.path.samefile(output, file) for file in inputs
    )
    if lost or output.suffix.lower() in (*SUFFIXES["model"], ".bin"):
        what = "is an input file" if lost else "has the suffix of a model file"
        hint = f"-o {shlex.quote(str(output.with_suffix('.yaml')))}"
        raise CommandLineError(
            Problem(what, file=output, allowed="the path of a manifest", hint=hint)
        )


def require_output_directory(option: str, folder: Path) -> None:
    """Check that files can be written to a directory that need not exist yet.

    Args:
        option: the option that names it, for messages.
        folder: the directory.

    Raises:
        CommandLineError: the path, or a directory above it, is a file.
    """
    for path in (folder, *folder.parents):
        if os.path.isdir(path):
            return
        if os.path.lexists(path):
            hint = f"pass another directory with {option} DIR"
            problem = Problem("is not a directory", file=path, allowed="a directory", hint=hint)
            raise CommandLineError(problem)


def is_model(file: Path) -> bool:
    """Return whether an argument has the suffix of a model file."""
    return file.suffix.lower() in SUFFIXES["model"]


def manifests_for(models: Sequence[Path]) -> "Iterator[tuple[Path, ManifestDraft | None]]":
    """Find or write the manifests of model files.

    Args:
        models: model files. An encoder and its decoder share one manifest.

    Yields:
        The manifest's path, and its draft if it was written now.

    Raises:
        OutputError, ModelError: see builder.families.init.manifest_beside.
    """
    if models:
        from builder.families.init import are_encoder_and_decoder, manifest_beside

        groups = [models] if are_encoder_and_decoder(models) else [[model] for model in models]
        yield from map(manifest_beside, groups)


def read_plans(
    manifests: Sequence[Path],
    variants: "tuple[VariantName, ...]",
    progress: "Progress",
    *,
    accept_guess: bool,
) -> "list[Plan]":
    """Plan all manifests.

    Args:
        manifests: their paths.
        variants: the variants to build.
        progress: receives the steps that take long.
        accept_guess: whether a guessed model family is not an error.

    Raises:
        ManifestError: the problems of all manifests.
    """
    from builder.lint.examine import plan
    from builder.plan.plan import Plan

    def planned(file: Path) -> Plan:
        with progress.step(f"reading {file}"):
            return plan(file, variants, progress.bytes, accept_guess=accept_guess)

    return for_each(manifests, planned)


def for_each(files: Sequence[Path], action: Callable[[Path], _Result]) -> list[_Result]:
    """Call `action` with every file and return the results.

    Raises:
        ManifestError: the problems of all files.
    """
    diagnostics = Diagnostics()
    results = []
    for file in files:
        with diagnostics.collect():
            results.append(action(file))
    if diagnostics.problems:
        raise ManifestError(*diagnostics.problems)
    return results


def selected_variants(wanted: Sequence[VariantOption] | None) -> "tuple[VariantName, ...]":
    """Return the variants that --variant names, in fixed order; all of them without the option."""
    from builder.manifest.variants import VARIANTS

    return tuple(name for name in VARIANTS if not wanted or name in [it.value for it in wanted])


def built_variant(function: Path, wanted: VariantOption | None) -> "VariantName":
    """Return the variant of a built function to run.

    Args:
        function: the directory of the function.
        wanted: the value of --variant. Without it, the CPU variant is preferred.
    """
    from builder.targets.built import built_variants

    if wanted is not None:
        return wanted.value
    return next(iter(built_variants(function)), "cpu")


def parse_places(
    pos: Sequence[str] | None, neg: Sequence[str] | None, box: Sequence[str] | None
) -> "tuple[tuple[Point, ...], tuple[Point, ...], tuple[Box, ...]]":
    """Parse the values of --pos, --neg and --box; see builder.run.predict.prediction.Prompts.

    Raises:
        CommandLineError: see parse_numbers; or the corners of a box are not in order.
    """
    positive, negative = (
        tuple(parse_numbers(option, text, 2) for text in points or ())
        for option, points in (("--pos", pos), ("--neg", neg))
    )
    return positive, negative, tuple(map(_parse_box, box or ()))


def _parse_box(text: str) -> "Box":
    """Parse a value of --box.

    Raises:
        CommandLineError: see parse_numbers; or the corners are not in order.
    """
    x1, y1, x2, y2 = parse_numbers("--box", text, 4)
    if x2 <= x1 or y2 <= y1:
        raise CommandLineError(
            Problem(
                "--box needs the top left and the bottom right corner",
                found=text,
                allowed="X1,Y1,X2,Y2 with X1 < X2 and Y1 < Y2",
            )
        )
    return x1, y1, x2, y2


def built_variants_of(function: Path, wanted: Sequence[VariantOption]) -> "tuple[VariantName, ...]":
    """Return the variants of a built function to run.

    Args:
        function: the directory of the function.
        wanted: the values of --variant. Without any, the CPU variant is preferred.
    """
    return selected_variants(wanted) if wanted else (built_variant(function, None),)


def parse_numbers(option: str, text: str, count: int) -> Any:
    """Parse the comma-separated numbers of an option.

    Args:
        option: the option's name, for messages.
        text: the option's value.
        count: the expected number of numbers.

    Returns:
        A tuple of `count` floats.

    Raises:
        CommandLineError: the count differs, or a part is not a finite number.
    """
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != count or not all(abs(number) < float("inf") for number in found):
        raise CommandLineError(
            Problem(
                f"{option} needs {count} numbers",
                found=text,
                allowed=",".join("XY"[place % 2] for place in range(count)),
                hint=f"for example {option} {','.join(['10', '20', '60', '80'][:count])}",
            )
        )
    return found


def require_platform(local: bool, of_docker: Mapping[str, object], registry: str | None) -> None:
    """Check that the options of `cvatbuild deploy` belong to the platform.

    Args:
        local: whether the platform is Docker.
        of_docker: options that only Docker has -> their values.
        registry: the value of --registry, which only Kubernetes has.

    Raises:
        CommandLineError: an option belongs to the other platform.
    """
    given = [name for name, value in of_docker.items() if value is not None]
    if not local and given:
        what = f"{given[0]} is an option for Docker"
        raise CommandLineError(Problem(what, hint=f"remove {given[0]}, or use --platform local"))
    if local and registry is not None:
        what = "--registry is an option for Kubernetes"
        raise CommandLineError(Problem(what, hint="remove --registry, or use --platform kube"))


def function_name(function: str) -> str:
    """Return the name of a deployed function.

    Args:
        function: its name, or the directory that it was deployed from.

    Raises:
        CommandLineError: the text is neither.
    """
    from builder.manifest.patterns import NAME, WORDS
    from builder.targets.built import built_variants, target_of

    folder = Path(function)
    variants = built_variants(folder)
    if variants:
        described = target_of(folder).describe(folder, variants[0])
        return described.name
    if not re.fullmatch(NAME, function):
        raise CommandLineError(
            Problem(
                "is neither a built function nor the name of one",
                file=folder,
                allowed=f"a directory such as build/yolo, or a name: {WORDS[NAME]}",
            )
        )
    return function
