"""`cvatbuild doctor`."""

import typer

from builder.cli import console, options


def doctor(as_json: options.Json = False) -> None:
    """Check what works on this machine, and how to fix the rest."""
    with console.errors_reported():
        from builder.doctor.examination import examine

        with console.progress().step("checking this machine"):
            results = list(examine())
        for result in results:
            console.print_utf8(result.as_json()) if as_json else console.print_result(result)
        if any(result.severity == "error" for result in results):
            raise typer.Exit(1)
