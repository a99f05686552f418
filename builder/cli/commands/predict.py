"""`cvatbuild predict`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import console, options


def predict(
    function: Annotated[
        Path, typer.Argument(metavar="FUNCTION", help="Directory of a built function.")
    ],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    variant: Annotated[
        options.VariantOption | None,
        typer.Option("--variant", help="Variant to run.  [default: cpu if it was built]"),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, help="Threshold to send.  [default: none]"),
    ] = None,
    pos: options.Pos = None,
    neg: options.Neg = None,
    box: options.Box = None,
    boxes: options.Boxes = None,
    save: options.Save = None,
    as_json: options.Json = False,
) -> None:
    """Run a built function on images in a child process, as Nuclio would."""
    with console.errors_reported():
        from builder.cli import arguments
        from builder.run.process import FunctionProcess

        places = arguments.parse_places(pos, neg, box)
        name = arguments.built_variant(function, variant)
        process = FunctionProcess(function, name, allow_fallback=name == "gpu")
        # The function loads its models while these modules are imported.
        from builder.run.predict import predict as run_on
        from builder.run.predict.prediction import Prompts

        prompts = Prompts(threshold, *places, boxes)
        failed = crashed = False
        with process as started:
            for warning in started.warnings:
                console.print_warning(warning)
            for result in run_on(started, images, prompts, save):
                failed |= result.reply.status != 200 or bool(result.faults)
                crashed |= result.reply.status == 500
                console.print_utf8(result.as_json()) if as_json else typer.echo(result.as_table())
                if result.saved:
                    typer.echo(f"  drawn: {result.saved}", err=True)
        # Libraries print warnings, such as libpng's of color profiles, that change no result.
        for line in process.output if crashed else ():
            typer.echo(line, err=True)
        if failed:
            raise typer.Exit(1)
