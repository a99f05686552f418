"""Nuclio's local platform: functions are Docker containers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from builder.deploy.commands import Command, Runner
from builder.deploy.function import BuiltFunction
from builder.deploy.nuctl import Deployed, Nuctl
from builder.deploy.ports import choose

NAMESPACE = "nuclio"
"""Nuclio's namespace for functions with Docker, which CVAT asks for by default."""

NETWORK = "cvat_cvat"
"""The network of CVAT's containers."""


def network_config(network: str) -> str:
    """Return the value of nuctl's `--platform-config` for a network of Docker."""
    return json.dumps({"attributes": {"network": network}})


class Local:
    """Deployment with Docker.

    Args:
        function: the function; None if it is only deleted.
        name: the function's name.
        port: the port of the command line; None without one.
        network: the network of the command line; None for CVAT's, if it exists.
        namespace: Nuclio's namespace; None for the default.
        pull: whether nuctl pulls Nuclio's images.
    """

    def __init__(
        self,
        function: BuiltFunction | None,
        name: str,
        port: int | None = None,
        network: str | None = None,
        namespace: str | None = None,
        pull: bool = True,
    ) -> None:
        self._function = function
        self._name = name
        self._port = port
        self._network = network
        self._pull = pull
        self._namespace = namespace or NAMESPACE
        self.nuctl = Nuctl("local", namespace)

    @property
    def logs(self) -> tuple[Command, ...]:
        """The commands that show the function's log."""
        container = f"nuclio-{self._namespace}-{self._name}"
        return (Command(("docker", "logs", "--tail", "200", container)),)

    def check(self) -> Iterator[str]:
        """Check the function, and yield warnings.

        Raises:
            DeployError: it cannot run with Docker.
        """
        assert self._function is not None
        self._function.check_docker_gpu()
        yield from self._function.needs_kubernetes()

    def planned(self) -> tuple[Command, ...]:
        """Return the commands of a deployment, as far as they are known before it."""
        assert self._function is not None
        port = choose(self._name, self._wanted, {})
        return (
            self.nuctl.list_functions,
            self._inspect_network,
            self.nuctl.create_project,
            self._deploy(port, self._network or NETWORK),
            self.nuctl.get_function(self._name),
        )

    def deployment(self, runner: Runner) -> Command:
        """Return the command that deploys the function.

        Raises:
            DeployError: another function has its port.
        """
        deployed = self.nuctl.functions(runner)
        port = choose(self._name, self._wanted, {it.port: it.name for it in deployed if it.port})
        network = self._network
        if network is None and runner.read(self._inspect_network).status == 0:
            network = NETWORK
        return self._deploy(port, network)

    @contextmanager
    def address(self, runner: Runner, deployed: Deployed) -> Iterator[str]:
        """Yield the URL of a deployed function."""
        yield f"http://localhost:{deployed.port}"

    @property
    def _wanted(self) -> int | None:
        """The port that the command line or the manifest names."""
        assert self._function is not None
        return self._port if self._port is not None else self._function.port

    @property
    def _inspect_network(self) -> Command:
        return Command(("docker", "network", "inspect", self._network or NETWORK))

    def _deploy(self, port: int, network: str | None) -> Command:
        """Return the command with a port and a network."""
        assert self._function is not None
        more: list[str] = []
        if self._function.port != port:
            more += ["--triggers", json.dumps(self._function.triggers_with_port(port))]
        if network is not None:
            more += ["--platform-config", network_config(network)]
        return self.nuctl.deploy(self._function, self._pull, *more)
