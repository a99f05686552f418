"""`cvatbuild init`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import console


def init(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="MODEL...", help="A model file, or an encoder and its decoder."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="File to write the manifest to.  [default: stdout]",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            metavar="FILE",
            help="Label file: .txt, data.yaml, or JSON of COCO or CVAT.  "
            "[default: the labels in the model]",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing manifest.")] = False,
) -> None:
    """Write a manifest for a model, with a reason for each value."""
    with console.errors_reported():
        from builder.cli import arguments

        arguments.require_files(models, "model")
        arguments.require_manifest_path(output, [*models, *([labels] if labels else [])])
        from builder.families.init import draft_manifest, write_manifest

        draft = draft_manifest(models, output.parent if output else Path(), labels)
        for note in draft.notes:
            console.print_problem(note)
        if output is None:
            console.print_utf8(draft.text.removesuffix("\n"))
        else:
            write_manifest(draft.text, output, force=force)
            typer.echo(output)
