"""`cvatbuild undeploy`."""

import sys
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
        from builder.cli.names import require_name
        from builder.deploy.commands import Runner
        from builder.deploy.deploy import Platform, require_deployed
        from builder.deploy.deploy import undeploy as run
        from builder.deploy.kube import Kube
        from builder.deploy.local import Local
        from builder.diagnostics.errors import CommandLineError
        from builder.diagnostics.problem import Problem

        require_name("--namespace", namespace)
        name = arguments.function_name(function)
        target: Platform = (
            Local(None, name, namespace=namespace)
            if platform == options.PlatformOption.local
            else Kube(None, name, namespace=namespace)
        )
        if dry_run:
            typer.echo(str(target.nuctl.delete(name)))
            return
        if not (yes or sys.stdin.isatty()):
            what = "without a terminal, `undeploy` cannot ask for confirmation"
            raise CommandLineError(Problem(what, hint="pass --yes"))
        runner = Runner(lambda line: typer.echo(line, err=True))
        require_deployed(name, target, runner)
        if not yes:
            typer.confirm(f"Delete the function {name} from Nuclio?", abort=True, err=True)
        run(name, target, runner)
        typer.echo(f"{name}: deleted")
