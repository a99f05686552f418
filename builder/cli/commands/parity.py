"""`cvatbuild parity`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import console, options


def parity(
    function: Annotated[
        Path, typer.Argument(metavar="FUNCTION", help="Directory of a built function.")
    ],
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Image files, and folders of images.")
    ],
    against: Annotated[
        Path | None,
        typer.Option(
            "--against",
            metavar="OTHER",
            help="Directory of another function.  [default: the other variant of FUNCTION]",
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            help="Saved answers of a reference implementation; see docs/parity.md.",
        ),
    ] = None,
    variant: Annotated[
        options.VariantOption | None,
        typer.Option(
            "--variant",
            help="Variant to run with --against and --reference.  [default: cpu if it was built]",
        ),
    ] = None,
    tolerance: Annotated[
        list[str] | None,
        typer.Option(
            "--tolerance",
            metavar="NAME=NUMBER",
            help="Largest difference to accept: px, score, iou (the least), unmatched, visibility, "
            "attributes; repeatable.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0, help="Threshold to send to both.  [default: none]"),
    ] = None,
    pos: options.Pos = None,
    neg: options.Neg = None,
    box: options.Box = None,
    boxes: options.Boxes = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown for a comment on a pull request.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the two variants of a function, two functions, or a function and its reference.

    Exit status 1: a difference is larger than its limit, or an image was not answered.
    """
    with console.errors_reported():
        from builder.cli import arguments
        from builder.evaluation.parity.comparison import (
            Subject,
            compare_functions,
            compare_reference,
            subjects_of,
        )
        from builder.evaluation.parity.measures import limits_of
        from builder.run.predict.prediction import Prompts

        one, other = subjects_of(function, variant.value if variant else None, against, reference)
        limits = limits_of(tolerance or ())
        prompts = Prompts(threshold, *arguments.parse_places(pos, neg, box), boxes)
        counter = console.counter()
        if isinstance(other, Subject):
            report = compare_functions(one, other, images, prompts, limits, counter)
        else:
            report = compare_reference(one, other, images, prompts, limits, counter)
        if as_json:
            console.print_utf8(report.as_json())
        elif as_markdown:
            console.print_utf8(report.as_markdown())
        else:
            typer.echo(report.as_text())
        if not report.is_good:
            raise typer.Exit(1)
