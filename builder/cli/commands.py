"""The commands. They print; what they call raises.

Everything that takes time to import is imported where it is needed, so that `--help` is instant.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from builder.cli import console, options


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
    manifests: options.Manifests,
    variant: options.VariantList = None,
    out: options.Out = None,
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
    with console.reported():
        from builder.cli import arguments

        arguments.require_files(manifests, "manifest", "model", commands=_command_names())
        from builder.targets.build import build as write
        from builder.targets.build import check_names
        from builder.targets.nuclio.readme import config_name

        models = [file for file in manifests if arguments.is_model(file)]
        found = [file for file in manifests if file not in models]
        for manifest, begun in arguments.manifests_of(models):
            console.tell_of_manifest(manifest, begun)
            found.append(manifest)
        plans = arguments.plans(found, arguments.variants_of(variant), console.progress())
        check_names(plans)
        for plan in plans:
            built = write(plan, out, force=force, smoke=smoke, step=console.progress().step)
            for warning in built.warnings:
                console.tell(warning)
            for name in plan.variants:
                typer.echo(built.folder / "nuclio" / config_name(name))


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
    with console.reported():
        from builder.cli import arguments

        arguments.require_files(models, "model")
        arguments.require_output(output, [*models, *([labels] if labels else [])])
        from builder.families.init import begin, write

        begun = begin(models, output.parent if output else Path(), labels)
        for note in begun.notes:
            console.tell(note)
        if output is None:
            console.give(begun.draft.text.removesuffix("\n"))
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
    as_json: options.Json = False,
) -> None:
    """Show what the tool sees in a model: inputs, outputs, metadata, family."""
    with console.reported():
        from builder.cli import arguments

        arguments.require_files(models, "model")
        from builder.diagnostics.errors import ModelError, Problem, collect
        from builder.families.inspect import Inspection

        problems: list[Problem] = []
        for file in models:
            seen = collect(problems, partial(Inspection.of, file, run=run_once))
            if seen is not None:
                console.give(seen.as_json()) if as_json else typer.echo(seen.as_text())
        if problems:
            raise ModelError(*problems)


@app.command()
def check(
    manifests: options.Manifests,
    variant: options.VariantList = None,
    model: Annotated[
        bool,
        typer.Option("--model/--no-model", help="Look into the models, fetching them if need be."),
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 where there are only warnings, too.")
    ] = False,
    form: options.Format = options.FormatOption.text,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check manifests and their models; write nothing. docs/findings.md lists what is checked."""
    with console.reported():
        from builder.cli import arguments

        arguments.require_files(manifests, "manifest")
        from builder.lint.check import check as look_at

        wanted = arguments.variants_of(variant)
        checked = look_at(manifests, wanted, console.progress(), look=model)
        form = options.FormatOption.json if as_json else form
        for problem in checked.problems:
            console.tell_program(problem, form) if form != "text" else console.tell(problem)
        failed = checked.failed(strict)
        if form == "text" and not failed:
            for line in checked.sound:
                typer.echo(line)
        if failed:
            raise typer.Exit(1)


@app.command()
def diff(
    manifests: options.Manifests, variant: options.VariantList = None, out: options.Out = None
) -> None:
    """Show what a build would change; exit 1 if anything."""
    with console.reported():
        from builder.cli import arguments

        arguments.require_files(manifests, "manifest")
        from builder.cli.terminal import paint_diff
        from builder.targets.build import diff as compare

        plans = arguments.plans(manifests, arguments.variants_of(variant), console.progress())
        changes = "".join(compare(plan, out) for plan in plans)
        typer.echo(paint_diff(changes, sys.stdout), nl=False)
        if changes:
            raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON Schema of manifests, for editors."""
    from builder.reference.json_schema import text

    typer.echo(text(), nl=False)


@app.command()
def doctor(as_json: options.Json = False) -> None:
    """Say what on this machine will work, and what to do about the rest."""
    with console.reported():
        from builder.doctor.examination import examine

        broken = False
        with console.progress().step("trying out what is installed"):
            findings = list(examine())
        for finding in findings:
            broken |= finding.severity == "error"
            console.give(finding.as_json()) if as_json else console.show(finding)
        if broken:
            raise typer.Exit(1)


@app.command()
def predict(
    function: Annotated[Path, typer.Argument(metavar="FUNCTION", help="A built directory.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    variant: Annotated[
        options.VariantOption | None,
        typer.Option("--variant", help="Variant to run.  [default: cpu, if it was built]"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, help="The request's threshold.  [default: none]"),
    ] = None,
    pos: options.Pos = None,
    neg: options.Neg = None,
    box: options.Box = None,
    boxes: options.Boxes = None,
    save: options.Save = None,
    as_json: options.Json = False,
) -> None:
    """Run a built function on images, in this process, as Nuclio would."""
    with console.reported():
        from builder.cli import arguments
        from builder.run.local import BuiltFunction
        from builder.run.predict import predict as run_on
        from builder.run.predict.prediction import Prompts

        prompts = Prompts(
            threshold,
            tuple(arguments.numbers("--pos", text, 2) for text in pos or ()),
            tuple(arguments.numbers("--neg", text, 2) for text in neg or ()),
            tuple(arguments.numbers("--box", text, 4) for text in box or ()),
            boxes,
        )
        started = BuiltFunction(function, arguments.variant_of(function, variant))
        for warning in started.warnings:
            typer.echo(f"warning: {warning}", err=True)
        failed = False
        for result in run_on(started, images, prompts, save):
            failed |= result.reply.status != 200 or bool(result.faults)
            console.give(result.as_json()) if as_json else typer.echo(result.as_table())
            if result.saved:
                typer.echo(f"  drawn: {result.saved}", err=True)
        if failed:
            raise typer.Exit(1)


def _command_names() -> list[str]:
    """What the first argument may have been meant as."""
    return [it.callback.__name__ for it in app.registered_commands if it.callback]


def run() -> None:
    """The console script."""
    try:
        with console.written_out():
            app()
    except KeyboardInterrupt:
        sys.exit(console.INTERRUPTED)
