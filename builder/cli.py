"""The command line. It prints; what it calls raises.

Everything that takes time to import is imported where it is needed, so that `--help` is instant.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from builder.doctor.finding import Finding
    from builder.errors import Problem
    from builder.plan import Plan
    from builder.terminal import Colour, Progress
    from builder.variants import VariantName

_Result = TypeVar("_Result")


class VariantOption(StrEnum):
    """The values of --variant."""

    cpu = "cpu"
    gpu = "gpu"


class FormatOption(StrEnum):
    """The values of --format."""

    text = "text"
    json = "json"
    github = "github"


class _Group(TyperGroup):
    """`cvatbuild MANIFEST` is `cvatbuild build MANIFEST`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `build` in front of arguments that begin with no command."""
        own = {"--help", "--version", "--install-completion", "--show-completion"}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["build", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    cls=_Group,
    name="cvatbuild",
    help="Turn a manifest and a model into a Nuclio function that CVAT can use.\n\n"
    "`cvatbuild manifests/yolo.yaml` writes build/yolo, in a CPU and a GPU variant. "
    "`cvatbuild best.onnx` writes the manifest first.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Manifests = Annotated[list[Path], typer.Argument(metavar="MANIFEST...", help="Manifest files.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="DIR",
        help="Folder to write functions under.  [default: build, beside the folder `manifests`]",
    ),
]
VariantList = Annotated[
    list[VariantOption] | None,
    typer.Option("--variant", help="Variant to build; repeatable.  [default: both]"),
]


def _show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from builder import __version__

        typer.echo(f"cvatbuild {__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """See the application's own help."""


@app.command()
def build(
    manifests: Manifests,
    variant: VariantList = None,
    out: Out = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that were edited by hand.")
    ] = False,
    smoke: Annotated[
        bool,
        typer.Option("--smoke/--no-smoke", help="Start each variant and send it a blank image."),
    ] = True,
) -> None:
    """Build functions: the default command.

    A model (.onnx, or .xml of an OpenVINO IR) in place of a manifest is built by the manifest
    beside it, which is written first if there is none.
    """
    with _reported():
        _require_files(manifests)
        manifests = _manifests_of(manifests)
        from builder.build import build as write
        from builder.build import check_names

        plans = _plans(manifests, variant)
        check_names(plans)
        for plan in plans:
            built = write(plan, out, force=force, smoke=smoke, step=_progress().step)
            for warning in built.warnings:
                _report(warning)
            for name in plan.variants:
                typer.echo(built.folder / "nuclio" / _config_name(name))


@app.command()
def init(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL...", help="A model; or an encoder and its decoder."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="The manifest.  [default: stdout]"),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="Labels: .txt, data.yaml, COCO's or CVAT's JSON.  [default: the model's own]",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the manifest if it is there.")
    ] = False,
) -> None:
    """Write a manifest from a model, with the reason beside each value."""
    with _reported():
        _require_files(models, "a model")
        from builder.init import begin, write

        begun = begin(models, output.parent if output else Path(), labels)
        for note in begun.notes:
            _report(note)
        if output is None:
            typer.echo(begun.draft.text, nl=False)
        else:
            write(begun.draft.text, output, force=force)
            typer.echo(output)


@app.command()
def inspect(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL...", help="ONNX or OpenVINO IR files.")
    ],
    run_once: Annotated[
        bool,
        typer.Option("--run", help="Run it once on a blank image, where the graph cannot tell."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show what the tool sees in a model: inputs, outputs, metadata, family."""
    with _reported():
        _require_files(models, "a model")
        from builder.inspection import Inspection

        for seen in _each(models, lambda file: Inspection.of(file, run=run_once)):
            typer.echo(seen.as_json() if as_json else seen.as_text())


@app.command()
def check(
    manifests: Manifests,
    variant: VariantList = None,
    model: Annotated[
        bool,
        typer.Option("--model/--no-model", help="Look into the models, fetching them if need be."),
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where there are only warnings, too.")
    ] = False,
    form: Annotated[
        FormatOption,
        typer.Option(
            "--format",
            help="text for people; json: one object a line; github: annotations of a workflow.",
        ),
    ] = FormatOption.text,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check manifests and their models; write nothing. docs/findings.md lists what is checked."""
    with _reported():
        _require_files(manifests)
        from builder import report
        from builder.check import check as look_at

        checked = look_at(manifests, _wanted(variant), _progress(), look=model)
        form = FormatOption.json if as_json else form
        for problem in checked.problems:
            if form == FormatOption.text:
                _report(problem)
            else:
                write = report.as_json if form == FormatOption.json else report.as_annotation
                typer.echo(write(problem))
        failed = checked.failed(strict)
        if form == FormatOption.text and not failed:
            for line in checked.sound:
                typer.echo(line)
        if failed:
            raise typer.Exit(1)


@app.command()
def diff(manifests: Manifests, variant: VariantList = None, out: Out = None) -> None:
    """Show what a build would change; exit 1 if anything."""
    with _reported():
        _require_files(manifests)
        from builder.build import diff as compare
        from builder.terminal import paint_diff

        changes = "".join(compare(plan, out) for plan in _plans(manifests, variant))
        typer.echo(paint_diff(changes, sys.stdout), nl=False)
        if changes:
            raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of manifests, for editors."""
    from builder.schema import text

    typer.echo(text(), nl=False)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Say what on this machine will work, and what to do about the rest."""
    with _reported():
        from builder.doctor.examination import examine

        broken = False
        with _progress().step("trying out what is installed"):
            findings = list(examine())
        for finding in findings:
            broken |= finding.severity == "error"
            typer.echo(finding.as_json() if as_json else _finding(finding))
        if broken:
            raise typer.Exit(1)


def _finding(finding: "Finding") -> str:
    """A finding of the doctor as a person reads it."""
    from builder.terminal import paint

    colours: dict[str, Colour] = {"ok": "green", "warning": "yellow", "error": "red"}
    severity = paint(f"{finding.severity:7}", colours[finding.severity], sys.stdout)
    remedy = f"\n{'':21} remedy: {finding.remedy}" if finding.remedy else ""
    return f"{severity}  {finding.subject:11}  {finding.what}{remedy}"


@app.command()
def predict(
    function: Annotated[Path, typer.Argument(metavar="FUNCTION", help="A built directory.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    variant: Annotated[
        VariantOption | None,
        typer.Option("--variant", help="Variant to run.  [default: cpu, if it was built]"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, help="The request's threshold.  [default: none]"),
    ] = None,
    pos: Annotated[
        list[str] | None,
        typer.Option("--pos", metavar="X,Y", help="A click on the object; repeatable."),
    ] = None,
    neg: Annotated[
        list[str] | None,
        typer.Option("--neg", metavar="X,Y", help="A click beside the object; repeatable."),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(
            "--box",
            metavar="X1,Y1,X2,Y2",
            help="A box: an interactor's prompt, or what a tracker follows; repeatable.",
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", metavar="FILE", help="JSON with the boxes of two images (ReID)."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="DIR", help="Folder for pictures with the shapes drawn."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Run a built function on images, in this process, as Nuclio would."""
    with _reported():
        from builder.built import BuiltFunction
        from builder.predictors import predict as run_on
        from builder.predictors.prediction import Prompts

        prompts = Prompts(
            threshold,
            tuple(_numbers("--pos", text, 2) for text in pos or ()),
            tuple(_numbers("--neg", text, 2) for text in neg or ()),
            tuple(_numbers("--box", text, 4) for text in box or ()),
            boxes,
        )
        started = BuiltFunction(function, _variant_of(function, variant))
        failed = False
        for result in run_on(started, images, prompts, save):
            failed |= result.reply.status != 200 or bool(result.faults)
            typer.echo(result.as_json() if as_json else result.as_table())
            if result.saved:
                typer.echo(f"  drawn: {result.saved}", err=True)
        if failed:
            raise typer.Exit(1)


def _wanted(variants: list[VariantOption] | None) -> "tuple[VariantName, ...]":
    """The variants that --variant asks for; without it all."""
    from builder.variants import VARIANTS

    return tuple(name for name in VARIANTS if not variants or name in [it.value for it in variants])


def _plans(manifests: list[Path], variants: list[VariantOption] | None) -> "list[Plan]":
    """The plans of all manifests; the problems of all of them if any has one."""
    from builder.plan import Plan, plan

    progress = _progress()

    def planned(file: Path) -> Plan:
        with progress.step(f"reading {file}"):
            return plan(file, _wanted(variants), progress.bytes)

    return _each(manifests, planned)


def _each(manifests: list[Path], part: Callable[[Path], _Result]) -> list[_Result]:
    """What `part` makes of every manifest; the problems of all of them if any has one."""
    from builder.errors import CvatbuildError, ManifestError, Problem

    results: list[_Result] = []
    problems: list[Problem] = []
    for file in manifests:
        try:
            results.append(part(file))
        except CvatbuildError as error:
            problems += error.problems
    if problems:
        raise ManifestError(*problems)
    return results


def _manifests_of(files: list[Path]) -> list[Path]:
    """The manifests among the arguments, and those of the models among them."""
    models = [file for file in files if file.suffix.lower() in (".onnx", ".xml")]
    if not models:
        return files
    from builder.init import belong_together, manifest_beside

    groups = [models] if belong_together(models) else [[model] for model in models]
    found = [file for file in files if file not in models]
    for group in groups:
        manifest, begun = manifest_beside(group)
        found.append(manifest)
        if begun is None:
            typer.echo(f"by {manifest}, which is there already", err=True)
            continue
        family = begun.verdict.matches[0].family
        typer.echo(f"wrote {manifest}: {family} ({begun.verdict.sureness})", err=True)
        for note in begun.notes:
            _report(note)
    return found


def _require_files(manifests: list[Path], what: str = "a manifest") -> None:
    """Stop where an argument is no file."""
    from builder.errors import CommandLineError, Problem
    from builder.files import is_file

    for file in manifests:
        if not is_file(file):
            problem = f"is a directory, not {what}"
            raise CommandLineError(
                Problem(
                    problem if os.path.isdir(file) else "there is no such file",
                    file=file,
                    allowed=f"the path of {what}",
                    hint=_near(file),
                )
            )


def _near(file: Path) -> str:
    """The manifest or command that a wrong path may have meant."""
    from builder.errors import did_you_mean

    beside = [path.name for path in file.parent.glob("*.*")] if file.parent.is_dir() else []
    commands = [
        command.callback.__name__ for command in app.registered_commands if command.callback
    ]
    return did_you_mean(file.name, [*beside, *commands])


def _numbers(option: str, text: str, count: int) -> Any:
    """The numbers that an option's text lists."""
    from builder.errors import CommandLineError, Problem

    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != count or not all(abs(number) < float("inf") for number in numbers):
        raise CommandLineError(
            Problem(
                f"{option} needs {count} numbers",
                found=text,
                allowed=",".join("XY"[place % 2] for place in range(count)),
                hint=f"for example {option} {','.join(['10', '20', '60', '80'][:count])}",
            )
        )
    return numbers


def _variant_of(function: Path, variant: VariantOption | None) -> "VariantName":
    """The variant that was asked for, or the one that a directory has, the CPU's first."""
    if variant is not None:
        return variant.value
    only_gpu = not (function / "nuclio" / _config_name("cpu")).is_file()
    return "gpu" if only_gpu and (function / "nuclio" / _config_name("gpu")).is_file() else "cpu"


def _config_name(variant: "VariantName") -> str:
    """See builder.readme.config_name."""
    from builder.readme import config_name

    return config_name(variant)


@contextmanager
def _reported() -> Iterator[None]:
    """Print what the tool raises on purpose, and leave with its status."""
    from builder.errors import CvatbuildError

    try:
        yield
    except CvatbuildError as error:
        for problem in error.problems:
            _report(problem)
        raise typer.Exit(error.status) from None
    except KeyboardInterrupt:
        # What a shell says of a program that Ctrl-C ended.
        raise typer.Exit(130) from None


def _report(problem: "Problem") -> None:
    """Print one problem to stderr, its severity coloured on a terminal."""
    from builder.report import as_text
    from builder.terminal import paint, width

    severity = problem.severity
    room = width(sys.stderr)
    text = as_text(problem, room and room - len(f"{severity}: "))
    head = paint(f"{severity}:", "red" if severity == "error" else "yellow", sys.stderr)
    typer.echo(f"{head} {text}", err=True)


def _progress() -> "Progress":
    """What says on stderr what takes long."""
    from builder.terminal import Progress

    return Progress(sys.stderr)


def run() -> None:
    """The console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
