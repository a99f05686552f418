"""Arguments of the command line as files, numbers and plans. It prints nothing; it raises.

Everything that takes time to import is imported where it is needed; see builder.cli.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from builder.errors import CommandLineError, ManifestError, Problem, collect, did_you_mean
from builder.files import is_file
from builder.options import VariantOption

if TYPE_CHECKING:
    from builder.init import Begun
    from builder.plan import Plan
    from builder.terminal import Progress
    from builder.variants import VariantName

_Result = TypeVar("_Result")


def require_files(files: Sequence[Path], what: str, commands: Iterable[str] = ()) -> None:
    """Stop where an argument is no file.

    Args:
        files: the arguments.
        what: "a manifest" or "a model".
        commands: what the first of them may have been meant as, if it is no file.

    Raises:
        CommandLineError: one is none.
    """
    for file in files:
        if not is_file(file):
            problem = f"is a directory, not {what}"
            raise CommandLineError(
                Problem(
                    problem if os.path.isdir(file) else "there is no such file",
                    file=file,
                    allowed=f"the path of {what}",
                    hint=_near(file, commands),
                )
            )


def _near(file: Path, commands: Iterable[str]) -> str:
    """The manifest or command that a wrong path may have meant."""
    beside = [path.name for path in file.parent.glob("*.*")] if file.parent.is_dir() else []
    return did_you_mean(file.name, [*beside, *commands])


def is_model(file: Path) -> bool:
    """Whether an argument's name is a model's, and not a manifest's."""
    return file.suffix.lower() in (".onnx", ".xml")


def manifests_of(models: Sequence[Path]) -> "Iterator[tuple[Path, Begun | None]]":
    """The manifests that models are built by, and how those came to be that were written now.

    Raises:
        OutputError, ModelError: see builder.init.manifest_beside.
    """
    if models:
        from builder.init import belong_together, manifest_beside

        groups = [models] if belong_together(models) else [[model] for model in models]
        yield from map(manifest_beside, groups)


def plans(
    manifests: Sequence[Path], variants: "tuple[VariantName, ...]", progress: "Progress"
) -> "list[Plan]":
    """The plans of all manifests.

    Raises:
        ManifestError: the problems of all of them, if any has one.
    """
    from builder.plan import Plan, plan

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
    from builder.variants import VARIANTS

    return tuple(name for name in VARIANTS if not wanted or name in [it.value for it in wanted])


def variant_of(function: Path, wanted: VariantOption | None) -> "VariantName":
    """The variant that was asked for, or the one that a directory has, the CPU's first."""
    from builder.readme import config_name

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
