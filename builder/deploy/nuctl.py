"""nuctl's commands, and what they print.

The formats are those of pkg/nuctl/command in Nuclio's source.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

from builder.deploy.commands import Command, Runner
from builder.deploy.function import BuiltFunction
from builder.diagnostics.errors import DeployError
from builder.diagnostics.problem import Problem

PROJECT = "cvat"
"""The project of the functions that CVAT lists."""

PlatformName = Literal["local", "kube"]
"""Nuclio's names of its platforms."""

READY = ("ready", "scaledToZero")
"""States of functions that answer requests (pkg/functionconfig/types.go)."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployed function.

    Attributes:
        name: its name.
        state: Nuclio's word for its state; empty if unknown.
        port: its port on the host or the nodes; 0 without one.
        message: Nuclio's message about the state.
    """

    name: str
    state: str
    port: int
    message: str


@dataclass(frozen=True, slots=True)
class Nuctl:
    """nuctl for a platform and a namespace.

    Attributes:
        platform: the platform.
        namespace: the namespace; None for nuctl's default.
    """

    platform: PlatformName
    namespace: str | None

    @property
    def create_project(self) -> Command:
        """The command that creates the project."""
        return self._command("create", "project", PROJECT)

    @property
    def list_functions(self) -> Command:
        """The command that lists all functions."""
        return self._command("get", "functions", "--output", "json")

    def get_function(self, name: str) -> Command:
        """Return the command that shows a function."""
        return self._command("get", "function", name, "--output", "json")

    def deploy(self, function: BuiltFunction, pull: bool, *more: str) -> Command:
        """Return the command that builds and deploys a function.

        Args:
            function: the function.
            pull: whether to pull Nuclio's images.
            more: further options.
        """
        return self._command(
            *("deploy", "--project-name", PROJECT),
            *("--path", str(function.config.parent), "--file", str(function.config)),
            *(() if pull else ("--no-pull",)),
            *more,
        )

    def delete(self, name: str) -> Command:
        """Return the command that deletes a function."""
        return self._command("delete", "function", name)

    def functions(self, runner: Runner) -> list[Deployed]:
        """Return all deployed functions.

        Raises:
            DeployError: nuctl fails.
        """
        result = runner.read(self.list_functions)
        if result.status:
            what = f"nuctl cannot list functions: {_last_line(result.output)}"
            raise DeployError(Problem(what, hint="run `cvatbuild doctor`"))
        return [_deployed(it) for it in _json(result.output)]

    def function(self, runner: Runner, name: str) -> Deployed | None:
        """Return the deployed function with this name, or None if it is not deployed."""
        result = runner.read(self.get_function(name))
        found = [] if result.status else [_deployed(it) for it in _json(result.output)]
        return next((it for it in found if it.name == name), None)

    def _command(self, *words: str) -> Command:
        """Return a command for the platform and the namespace."""
        given = ("--namespace", self.namespace) if self.namespace else ()
        return Command(("nuctl", *words, "--platform", self.platform, *given))


def _json(output: str) -> list[Any]:
    """Return the functions in nuctl's output, after lines of its log.

    nuctl prints one object for one function, a list for several, and a sentence for none.
    """
    lines = output.splitlines()
    for number, line in enumerate(lines):
        if line[:1] in ("{", "["):
            try:
                data = json.loads("\n".join(lines[number:]))
            except ValueError:
                continue
            return data if isinstance(data, list) else [data]
    return []


def _deployed(data: Any) -> Deployed:
    """Return a function from its configuration and status."""
    status = data.get("status") if isinstance(data, dict) else None
    metadata = data.get("metadata") if isinstance(data, dict) else None
    status = status if isinstance(status, dict) else {}
    metadata = metadata if isinstance(metadata, dict) else {}
    port = status.get("httpPort", 0)
    return Deployed(
        str(metadata.get("name", "")),
        str(status.get("state", "")),
        port if isinstance(port, int) else 0,
        str(status.get("message", "")),
    )


def _last_line(output: str) -> str:
    """Return the last line of an output that is not empty."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
