"""`cvatbuild check`."""

from typing import Annotated

import typer

from builder.cli import console, options


def check(
    manifests: options.Manifests,
    variant: options.VariantList = None,
    model: Annotated[
        bool,
        typer.Option(
            "--model/--no-model", help="Check the model files too; download them if necessary."
        ),
    ] = True,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with status 1 if there are warnings.")
    ] = False,
    notes: Annotated[
        bool, typer.Option("--notes", help="Also print notes, which never change the exit status.")
    ] = False,
    accept_guess: options.AcceptGuess = False,
    form: options.Format = options.FormatOption.text,
    as_json: Annotated[bool, typer.Option("--json", help="Same as --format json.")] = False,
) -> None:
    """Check manifests and their models; write nothing.

    docs/diagnostics.md lists all diagnostics.
    """
    with console.errors_reported():
        from builder.cli import arguments

        arguments.require_files(manifests, "manifest")
        from builder.lint.check import check as look_at

        wanted = arguments.selected_variants(variant)
        checked = look_at(
            manifests, wanted, console.progress(), with_models=model, accept_guess=accept_guess
        )
        form = options.FormatOption.json if as_json else form
        for problem in (*checked.problems, *(checked.notes if notes else ())):
            console.print_problem(problem, form)
        failed = checked.failed(strict)
        if form == "text" and not failed:
            for line in checked.valid:
                typer.echo(line)
        if failed:
            raise typer.Exit(1)
