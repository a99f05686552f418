"""`cvatbuild inspect`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import console, options


def inspect(
    models: Annotated[
        list[Path], typer.Argument(metavar="MODEL...", help="Model files: ONNX or OpenVINO IR.")
    ],
    run_once: Annotated[
        bool,
        typer.Option(
            "--run",
            help="Run the model on a blank image to find output shapes that the graph leaves open.",
        ),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show a model's inputs, outputs, metadata and recognized family."""
    with console.errors_reported():
        from builder.cli import arguments

        arguments.require_files(models, "model")
        from builder.diagnostics.collector import Diagnostics
        from builder.diagnostics.errors import ModelError
        from builder.families.inspect import Inspection

        diagnostics = Diagnostics()
        for file in models:
            with diagnostics.collect():
                seen = Inspection.of(file, run=run_once)
                console.print_utf8(seen.as_json()) if as_json else typer.echo(seen.as_text())
        if diagnostics.problems:
            raise ModelError(*diagnostics.problems)
