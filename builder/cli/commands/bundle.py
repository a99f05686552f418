"""`cvatbuild bundle`."""

import re
from pathlib import Path
from typing import Annotated

import typer

from builder.cli import console, options

NUCTL = "1.16.3"
"""Version of nuctl that current CVAT uses."""


def bundle(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="Manifest file.")],
    variant: Annotated[
        options.VariantOption, typer.Option("--variant", help="Variant of the function.")
    ] = options.VariantOption.cpu,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Directory to write, absent or empty.  [default: bundles/NAME-VARIANT]",
            show_default=False,
        ),
    ] = None,
    nuctl: Annotated[
        str,
        typer.Option("--nuctl", metavar="VERSION", help="Version of nuctl that will run."),
    ] = NUCTL,
    smoke: Annotated[
        bool, typer.Option("--smoke/--no-smoke", help="Smoke-test the function.")
    ] = True,
    accept_guess: options.AcceptGuess = False,
) -> None:
    """Write a function with its packages and images, for a machine without network access.

    The directory has the function, the wheels of its packages, the images that Docker has here, the
    names of all images that nuctl needs, and the script build.sh.
    """
    with console.errors_reported():
        from builder.cli import arguments

        arguments.require_files([manifest], "manifest")
        from builder.deploy.bundle import write_bundle
        from builder.deploy.commands import Runner
        from builder.diagnostics.errors import CommandLineError
        from builder.diagnostics.problem import Problem

        if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", nuctl):
            what = "--nuctl is not a version"
            raise CommandLineError(Problem(what, found=nuctl, allowed="such as 1.16.3"))
        progress = console.progress()
        (plan,) = arguments.read_plans(
            [manifest], (variant.value,), progress, accept_guess=accept_guess
        )
        folder = out or Path("bundles") / f"{plan.name}-{variant.value}"
        runner = Runner(lambda line: typer.echo(line, err=True))
        made = write_bundle(plan, variant.value, folder, nuctl, runner, progress, smoke=smoke)
        for warning in made.warnings:
            console.print_problem(warning)
        for name in made.missing:
            typer.echo(f"not in the bundle, since Docker does not have it here: {name}", err=True)
        typer.echo(made.script)
