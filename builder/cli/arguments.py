"""Arguments of the command line as files, numbers and plans. It prints nothing; it raises.

Everything that takes time to import is imported where it is needed; see builder.cli.commands.
"""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from builder.cli.options import VariantOption
from builder.diagnostics.errors import CommandLineError, ManifestError, Problem, closest, collect
from builder.diagnostics.files import ABSENT, names_in, trouble

if TYPE_CHECKING:
    from builder.cli.terminal import Progress
    from builder.families.init import Begun
    from builder.manifest.variants import VariantName
    from builder.plan.plan import Plan

_Result = TypeVar("_Result")


Kind: TypeAlias = Literal["manifest", "model"]
"""What a file that a command takes can be."""

SUFFIXES: dict[Kind, tuple[str, ...]] = {"manifest": (".yaml", ".yml"), "model": (".onnx", ".xml")}
"""How the names of files of a kind end."""


def require_files(files: Sequence[Path], *takes: Kind, commands: Iterable[str] = ()) -> None:
    """Stop where an argument is no file, or of a kind that the command does not take.

    Args:
        files: the arguments.
        takes: the kinds that the command takes.
        commands: what an argument may have been meant as that is no file.

    Raises:
        CommandLineError: one is none.
    """
    for file in files:
        kinds = tuple(kind for kind in takes if file.suffix.lower() in SUFFIXES[kind]) or takes
        what, hint = trouble(file), ""
        if what == ABSENT:
            hint = _near(file, kinds, commands)
        elif what == "is a directory":
            what, hint = f"{what}, not a {' or a '.join(kinds)}", _inside(file, takes)
        elif not what:
            what, hint = _other_kind(file, takes)
        if what:
            allowed = " or ".join(f"a {kind} ({', '.join(SUFFIXES[kind])})" for kind in kinds)
            raise CommandLineError(Problem(what, file=file, allowed=allowed, hint=hint))


def _other_kind(file: Path, takes: Sequence[Kind]) -> tuple[str, str]:
    """What a file's name says that it is which the command does not take, and what to do then.

    A manifest may be called anything that no model is called.
    """
    suffix = file.suffix.lower()
    if any(suffix in SUFFIXES[kind] for kind in takes):
        return "", ""
    if suffix in SUFFIXES["model"]:
        return "is a model, not a manifest", _manifest_of(file)
    if suffix in SUFFIXES["manifest"]:
        return "is a manifest, not a model", "name the model that it is about"
    from builder.model.file import OTHER_FORMATS

    hint = OTHER_FORMATS.get(suffix, "")
    return "is no model of a format that functions can run" if hint else "", hint


def _names_in(folder: Path, kinds: Sequence[Kind]) -> list[str]:
    """The names of the files of some kinds in a folder."""
    return names_in(folder, *(suffix for kind in kinds for suffix in SUFFIXES[kind]))


def _near(file: Path, kinds: Sequence[Kind], commands: Iterable[str]) -> str:
    """What a path at which nothing is may have meant."""
    folder = file.parent
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    beside = _names_in(folder, kinds)
    # By their stems, for a suffix in common makes any two short names alike.
    stems = {Path(name).stem: name for name in beside} | {name: name for name in commands}
    meant = closest(file.stem, stems)
    if meant is not None:
        return f"did you mean '{stems[meant]}'?"
    return f"in that folder: {', '.join(beside[:5])}" if beside else ""


def _inside(folder: Path, kinds: Sequence[Kind]) -> str:
    """What to name instead of a folder."""
    there = _names_in(folder, kinds)
    if there:
        return f"in that folder: {', '.join(there[:5])}"
    models = _names_in(folder, ["model"])
    if models:
        return _manifest_of(folder / models[0])
    if (folder / "build.lock").is_file():
        return "this function is built already; `cvatbuild predict FUNCTION IMAGE` runs it"
    return "`cvatbuild init MODEL -o FILE` writes a manifest" if "manifest" in kinds else ""


def _manifest_of(model: Path) -> str:
    """How to come by the manifest of a model."""
    for suffix in SUFFIXES["manifest"]:
        if os.path.isfile(model.with_suffix(suffix)):
            return f"did you mean '{model.with_suffix(suffix)}'?"
    words = ["cvatbuild", "init", str(model), "-o", str(model.with_suffix(".yaml"))]
    return f"`{shlex.join(words)}` writes one"


def require_output(output: Path | None, inputs: Sequence[Path]) -> None:
    """Stop where a manifest would be written over what it is made from, or over another model.

    Raises:
        CommandLineError: it would.
    """
    if output is None:
        return
    lost = [file for file in inputs if os.path.exists(output) and os.path.samefile(output, file)]
    if lost or output.suffix.lower() in (*SUFFIXES["model"], ".bin"):
        what = "is what the manifest is made from" if lost else "is the name of a model"
        hint = f"-o {shlex.quote(str(output.with_suffix('.yaml')))}"
        raise CommandLineError(
            Problem(what, file=output, allowed="the path of a manifest", hint=hint)
        )


def is_model(file: Path) -> bool:
    """Whether an argument's name is a model's, and not a manifest's."""
    return file.suffix.lower() in SUFFIXES["model"]


def manifests_of(models: Sequence[Path]) -> "Iterator[tuple[Path, Begun | None]]":
    """The manifests that models are built by, and how those came to be that were written now.

    Raises:
        OutputError, ModelError: see builder.families.init.manifest_beside.
    """
    if models:
        from builder.families.init import belong_together, manifest_beside

        groups = [models] if belong_together(models) else [[model] for model in models]
        yield from map(manifest_beside, groups)


def plans(
    manifests: Sequence[Path], variants: "tuple[VariantName, ...]", progress: "Progress"
) -> "list[Plan]":
    """The plans of all manifests.

    Raises:
        ManifestError: the problems of all of them, if any has one.
    """
    from builder.plan.plan import Plan, plan

    def planned(file: Path) -> Plan:
        with progress.step(f"reading {file}"):
            return plan(file, variants, progress.bytes)

    return each(manifests, planned)


def each(files: Sequence[Path], part: Callable[[Path], _Result]) -> list[_Result]:
    """What `part` makes of every file.

    Raises:
        ManifestError: the problems of all of them, if any has one.
    """
    problems: list[Problem] = []
    results = [collect(problems, partial(part, file)) for file in files]
    if problems:
        raise ManifestError(*problems)
    return [result for result in results if result is not None]


def variants_of(wanted: Sequence[VariantOption] | None) -> "tuple[VariantName, ...]":
    """The variants that --variant asks for; without it all."""
    from builder.manifest.variants import VARIANTS

    return tuple(name for name in VARIANTS if not wanted or name in [it.value for it in wanted])


def variant_of(function: Path, wanted: VariantOption | None) -> "VariantName":
    """The variant that was asked for, or the one that a directory has, the CPU's first."""
    from builder.targets.nuclio.readme import config_name

    if wanted is not None:
        return wanted.value
    only_gpu = not (function / "nuclio" / config_name("cpu")).is_file()
    return "gpu" if only_gpu and (function / "nuclio" / config_name("gpu")).is_file() else "cpu"


def numbers(option: str, text: str, count: int) -> Any:
    """The numbers that an option's text lists.

    Args:
        option: its name, for messages.
        text: numbers with commas between them.
        count: how many there must be.

    Raises:
        CommandLineError: they are fewer or more, or no numbers.
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
