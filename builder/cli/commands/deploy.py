"""`cvatbuild deploy`."""

from pathlib import Path
from typing import Annotated

import typer

from builder.cli import console, options


def deploy(
    function: Annotated[
        Path, typer.Argument(metavar="FUNCTION", help="Directory of a built function.")
    ],
    variant: Annotated[
        options.VariantOption | None,
        typer.Option("--variant", help="Variant to deploy.  [default: cpu if it was built]"),
    ] = None,
    platform: options.PlatformName = options.PlatformOption.local,
    namespace: options.Namespace = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            help="Port on the host, with Docker.  [default: by the function's name]",
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            metavar="NAME",
            help="Docker network of the function.  [default: cvat_cvat if it exists]",
        ),
    ] = None,
    registry: Annotated[
        str | None,
        typer.Option(
            "--registry",
            metavar="URL",
            help="Registry for the image, with Kubernetes.  [default: the manifest's]",
        ),
    ] = None,
    pull: Annotated[
        bool,
        typer.Option("--pull/--no-pull", help="Pull Nuclio's images, or use those that are here."),
    ] = True,
    dry_run: options.DryRun = False,
) -> None:
    """Deploy a built function with nuctl, and send it requests as CVAT does.

    Each command is shown before it runs.
    """
    with console.errors_reported():
        from builder.cli import arguments
        from builder.cli.names import require_name
        from builder.deploy.checks import check_machine
        from builder.deploy.commands import Runner
        from builder.deploy.deploy import Platform
        from builder.deploy.deploy import deploy as run
        from builder.deploy.function import BuiltFunction
        from builder.deploy.kube import Kube
        from builder.deploy.local import Local

        local = platform == options.PlatformOption.local
        arguments.require_platform(local, {"--port": port, "--network": network}, registry)
        require_name("--namespace", namespace)
        require_name("--network", network)
        require_name("--registry", registry)
        built = BuiltFunction.read(function, arguments.built_variant(function, variant))
        target: Platform = (
            Local(built, built.name, port, network, namespace, pull)
            if local
            else Kube(built, built.name, registry, namespace, pull)
        )
        for warning in target.check():
            typer.echo(f"warning: {warning}", err=True)
        if dry_run:
            for command in target.planned():
                typer.echo(str(command))
            return
        with console.progress().step("checking this machine"):
            results = list(check_machine(built, local=local))
        for result in results:
            typer.echo(f"warning: {result.what}", err=True)

        def show(line: str) -> None:
            typer.echo(line, err=True)

        deployed = run(built, target, Runner(show), show)
        where = f"http://localhost:{deployed.port}" if local else f"service/nuclio-{built.name}"
        typer.echo(f"{built.name}: {built.variant} variant is {deployed.state} at {where}")
