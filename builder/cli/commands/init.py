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
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Print the family and each number of the manifest with its evidence, not the "
            "manifest.",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --explain: print one JSON object per line.")
    ] = False,
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
        if output is not None:
            write_manifest(draft.text, output, force=force)
        if explain or as_json:
            from builder.families.explain import as_json as json_lines
            from builder.families.explain import as_text

            spell = json_lines if as_json else as_text
            console.print_utf8(spell(draft.explanations))
        elif output is None:
            console.print_utf8(draft.text.removesuffix("\n"))
        else:
            typer.echo(output)
