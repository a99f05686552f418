"""`cvatbuild undeploy`."""

from typing import Annotated

import typer

from builder.cli import console, options


def undeploy(
    function: Annotated[
        str,
        typer.Argument(metavar="FUNCTION", help="Directory or name of a deployed function."),
    ],
    platform: options.PlatformName = options.PlatformOption.local,
    namespace: options.Namespace = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    dry_run: options.DryRun = False,
) -> None:
    """Delete a deployed function. Its directory and its image stay."""
    with console.errors_reported():
        from builder.cli import arguments
        from builder.deploy.commands import Runner
        from builder.deploy.deploy import Platform
        from builder.deploy.deploy import undeploy as run
        from builder.deploy.kube import Kube
        from builder.deploy.local import Local

        name = arguments.function_name(function)
        target: Platform = (
            Local(None, name, namespace=namespace)
            if platform == options.PlatformOption.local
            else Kube(None, name, namespace=namespace)
        )
        if dry_run:
            typer.echo(str(target.nuctl.delete(name)))
            return
        if not yes:
            typer.confirm(f"Delete the function {name} from Nuclio?", abort=True, err=True)
        run(name, target, Runner(lambda line: typer.echo(line, err=True)))
        typer.echo(f"{name}: deleted")
