"""`cvatbuild diff`."""

import sys

import typer

from builder.cli import console, options


def diff(
    manifests: options.Manifests, variant: options.VariantList = None, out: options.Out = None
) -> None:
    """Show what a build would change; exit with 1 on a difference."""
    with console.errors_reported():
        from builder.cli import arguments

        arguments.require_files(manifests, "manifest")
        from builder.cli.terminal import paint_diff
        from builder.targets.build import diff as compare

        plans = arguments.read_plans(
            manifests,
            arguments.selected_variants(variant),
            console.progress(),
            accept_guess=True,  # Nothing is written.
        )
        changes = "".join(compare(plan, out) for plan in plans)
        typer.echo(paint_diff(changes, sys.stdout), nl=False)
        if changes:
            raise typer.Exit(1)
