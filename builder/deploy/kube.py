"""Nuclio on Kubernetes: functions are deployments of pods."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from builder.deploy.commands import Command, Runner
from builder.deploy.function import BuiltFunction
from builder.deploy.nuctl import Deployed, Nuctl
from builder.diagnostics.errors import DeployError
from builder.diagnostics.problem import Problem

_FORWARDING = re.compile(r"^Forwarding from 127\.0\.0\.1:(\d+) ->")
"""What kubectl prints once it forwards a port."""


class Kube:
    """Deployment on Kubernetes.

    Args:
        function: the function; None if it is only deleted.
        name: the function's name.
        registry: the registry of the command line; None without one.
        namespace: the namespace; None for that of the kubeconfig.
        pull: whether nuctl pulls Nuclio's images.
    """

    def __init__(
        self,
        function: BuiltFunction | None,
        name: str,
        registry: str | None = None,
        namespace: str | None = None,
        pull: bool = True,
    ) -> None:
        self._function = function
        self._name = name
        self._registry = registry
        self._pull = pull
        self._namespace = namespace
        self.nuctl = Nuctl("kube", namespace)

    @property
    def logs(self) -> tuple[Command, ...]:
        """The commands that show the function's pods and their log."""
        label = f"nuclio.io/function-name={self._name}"
        return (
            self._kubectl("describe", "pods", "--selector", label),
            self._kubectl("logs", f"deployment/nuclio-{self._name}", "--tail", "200"),
        )

    def check(self) -> Iterator[str]:
        """Check the function, and yield warnings.

        Raises:
            DeployError: no registry is known, or two are.
        """
        assert self._function is not None
        named = self._function.registry
        if self._registry and named not in (None, self._registry):
            what = "nuctl ignores --registry, since function.yaml names a registry"
            hint = "remove --registry, or change `kubernetes.registry` in the manifest"
            raise DeployError(Problem(what, file=self._function.folder, found=named, hint=hint))
        known = self._registry or self._function.registry or os.environ.get("NUCTL_REGISTRY")
        if not known:
            what = "no registry: the nodes of the cluster could not pull the image"
            hint = "pass --registry, set NUCTL_REGISTRY, or write `kubernetes: {registry: ...}`"
            raise DeployError(Problem(what, file=self._function.folder, hint=hint))
        yield from ()

    def planned(self) -> tuple[Command, ...]:
        """Return the commands of a deployment."""
        return (
            self.nuctl.create_project,
            self._deploy,
            self.nuctl.get_function(self._name),
            self._forward,
        )

    def deployment(self, runner: Runner) -> Command:
        """Return the command that deploys the function."""
        return self._deploy

    @contextmanager
    def address(self, runner: Runner, deployed: Deployed) -> Iterator[str]:
        """Yield a URL that reaches the function while the `with` block runs.

        Raises:
            DeployError: kubectl forwards no port.
        """
        with runner.background(self._forward) as lines:
            said = []
            for line in lines:
                said.append(line)
                found = _FORWARDING.match(line)
                if found:
                    yield f"http://127.0.0.1:{found[1]}"
                    return
            last = said[-1] if said else "no output"
            raise DeployError(Problem(f"kubectl does not reach the function: {last}"))

    @property
    def _deploy(self) -> Command:
        assert self._function is not None
        more = ("--registry", self._registry) if self._registry else ()
        return self.nuctl.deploy(self._function, self._pull, *more)

    @property
    def _forward(self) -> Command:
        return self._kubectl("port-forward", f"service/nuclio-{self._name}", ":8080")

    def _kubectl(self, *words: str) -> Command:
        """Return a command for the namespace."""
        given = ("--namespace", self._namespace) if self._namespace else ()
        return Command(("kubectl", *words, *given))
