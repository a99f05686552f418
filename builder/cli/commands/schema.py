"""`cvatbuild schema`."""

import typer


def schema() -> None:
    """Print the JSON Schema of manifests, for editors."""
    from builder.reference.json_schema import text

    typer.echo(text(), nl=False)
