"""The `cvatbuild` application: the commands and `--version`."""

import gc
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from builder.cli import console
from builder.cli.commands.bench import bench
from builder.cli.commands.build import build
from builder.cli.commands.bundle import bundle
from builder.cli.commands.check import check
from builder.cli.commands.deploy import deploy
from builder.cli.commands.diff import diff
from builder.cli.commands.doctor import doctor
from builder.cli.commands.evaluate import evaluate
from builder.cli.commands.init import init
from builder.cli.commands.inspect import inspect
from builder.cli.commands.parity import parity
from builder.cli.commands.predict import predict
from builder.cli.commands.schema import schema
from builder.cli.commands.undeploy import undeploy


class _DefaultGroup(TyperGroup):
    """A group whose default command is `build`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert `build` if the first argument is neither a command nor an option of the group."""
        own = {"--help", "--version", "--install-completion", "--show-completion"}
        if args and args[0] not in self.commands and args[0] not in own:
            args = ["build", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed

    def invoke(self, ctx: Any) -> Any:
        """Run the command; pydantic's prefix is removed from the message for an invalid value."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    cls=_DefaultGroup,
    name="cvatbuild",
    help="Build a Nuclio function for CVAT from a manifest and a model file.\n\n"
    "`cvatbuild manifests/yolo.yaml` writes build/yolo with a CPU and a GPU variant. "
    "`cvatbuild best.onnx` writes the manifest first.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        from builder import __version__

        typer.echo(f"cvatbuild {__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Handle the options that belong to no command."""


for _command in (
    build,
    check,
    diff,
    init,
    inspect,
    predict,
    bench,
    evaluate,
    parity,
    bundle,
    deploy,
    undeploy,
    schema,
    doctor,
):
    app.command()(_command)


def run() -> None:
    """Run the command line; builder.__main__ calls this."""
    # Imports create many objects that stay. With the default threshold of 700, the garbage
    # collector scans them again and again.
    gc.set_threshold(50_000)
    with console.safe_output():
        app()
