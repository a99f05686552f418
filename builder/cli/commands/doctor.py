"""`cvatbuild doctor`."""

from typing import Annotated

import typer

from builder.cli import console, options


def doctor(
    as_json: options.Json = False,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Print only the commands that fix what does not work."),
    ] = False,
) -> None:
    """Check what works on this machine, and how to fix the rest."""
    with console.errors_reported():
        from builder.doctor.examination import examine, script

        with console.progress().step("checking this machine"):
            results = list(examine())
        if fix:
            typer.echo(script(results), nl=False)
        else:
            for result in results:
                console.print_utf8(result.as_json()) if as_json else console.print_result(result)
        if any(result.severity == "error" for result in results):
            raise typer.Exit(1)
