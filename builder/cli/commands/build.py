"""`cvatbuild build`, the default command."""

from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from builder.cli import console, options

if TYPE_CHECKING:
    from builder.diagnostics.problem import Problem


def build(
    ctx: typer.Context,
    manifests: options.Manifests,
    variant: options.VariantList = None,
    out: options.Out = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Overwrite generated files that were edited by hand."),
    ] = False,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke/--no-smoke",
            help="Smoke-test each variant: start it, and check what it finds in pictures.",
        ),
    ] = True,
    accept_guess: options.AcceptGuess = False,
) -> None:
    """Build functions (the default command).

    For a model file (.onnx, or .xml of an OpenVINO IR), cvatbuild uses the manifest next to it and
    writes one first if there is none.
    """
    with console.errors_reported():
        from builder.cli import arguments

        arguments.require_files(manifests, "manifest", "model", commands=_commands(ctx))
        from builder.diagnostics.errors import CvatbuildError, ManifestError
        from builder.run.builds import build_all
        from builder.targets.build import check_names

        models = [file for file in manifests if arguments.is_model(file)]
        found = [file for file in manifests if file not in models]
        for manifest, draft in arguments.manifests_for(models):
            console.print_manifest_origin(manifest, draft)
            found.append(manifest)
        plans = arguments.read_plans(
            found,
            arguments.selected_variants(variant),
            console.progress(),
            accept_guess=accept_guess,
        )
        check_names(plans)
        failed: list[Problem] = []
        for built in build_all(plans, out, force=force, smoke=smoke, progress=console.progress()):
            if isinstance(built, CvatbuildError):
                failed += built.problems
                continue
            for warning in built.warnings:
                console.print_problem(warning)
            for line in built.differences:
                typer.echo(line, err=True)
            for config in built.configs:
                typer.echo(config)
        if failed:
            raise ManifestError(*failed)


def _commands(ctx: typer.Context) -> list[str]:
    """Return the names of all commands; a mistyped command arrives as a manifest."""
    group = ctx.find_root().command
    assert isinstance(group, TyperGroup)
    return group.list_commands(ctx)
