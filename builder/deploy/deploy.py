"""Deploying a function, trying it out, and deleting it."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from builder.datasets.drawn import blank
from builder.deploy.causes import likely_cause
from builder.deploy.commands import Command, Runner
from builder.deploy.function import BuiltFunction
from builder.deploy.nuctl import READY, Deployed, Nuctl
from builder.diagnostics.errors import BuiltError, DeployError
from builder.diagnostics.problem import Problem
from builder.run.http import HttpFunction
from builder.run.predict import PREDICTORS

_HEALTHY_SECONDS = 30.0
"""Time that a function gets to accept requests, after nuctl has waited until it is ready."""


class Platform(Protocol):
    """A platform of Nuclio: builder.deploy.local or builder.deploy.kube."""

    nuctl: Nuctl

    @property
    def logs(self) -> tuple[Command, ...]:
        """The commands that show the function's log."""

    def check(self) -> Iterator[str]:
        """Check the function, and yield warnings.

        Raises:
            DeployError: it cannot run on the platform.
        """

    def planned(self) -> tuple[Command, ...]:
        """Return the commands of a deployment, as far as they are known before it."""

    def deployment(self, runner: Runner) -> Command:
        """Return the command that deploys the function.

        Raises:
            DeployError: it cannot be deployed.
        """

    def address(self, runner: Runner, deployed: Deployed) -> AbstractContextManager[str]:
        """Return a context manager that yields a URL of the function.

        Raises:
            DeployError: the function cannot be reached.
        """


def deploy(
    function: BuiltFunction, platform: Platform, runner: Runner, show: Callable[[str], None]
) -> Deployed:
    """Deploy a function, and send it the requests of CVAT for its type.

    Args:
        function: the function.
        platform: where it runs.
        runner: runs the commands.
        show: receives messages.

    Returns:
        The deployed function.

    Raises:
        DeployError: a command fails, or the function does not answer as CVAT expects.
    """
    command = platform.deployment(runner)
    created = runner.run(platform.nuctl.create_project)
    if created.status and "already exist" not in created.output:
        raise _failed("nuctl cannot create the project", created.output)
    result = runner.run(command)
    if result.status:
        raise _failed("nuctl cannot deploy the function", result.output, *_logs(platform, runner))
    deployed = platform.nuctl.function(runner, function.name)
    if deployed is None or deployed.state not in READY:
        state = deployed.state if deployed else "unknown"
        message = deployed.message if deployed else ""
        what = f"the function is not ready: its state is {state}"
        raise _failed(what, message, *_logs(platform, runner))
    with platform.address(runner, deployed) as url:
        show(f"sending requests of CVAT to {url}")
        try:
            faults = _probe(HttpFunction(url, function.description))
        except BuiltError as error:
            reason = error.problems[0]
            what = f"the function does not work: {reason.what}"
            raise _failed(what, reason.found, *_logs(platform, runner)) from error
    if faults:
        what = "CVAT cannot use the function's reply"
        raise DeployError(Problem(what, file=function.folder, found=faults[0]))
    return deployed


def _probe(function: HttpFunction) -> tuple[str, ...]:
    """Return the faults of the replies to the smoke test's requests.

    Raises:
        BuiltError: the function gives no response, or one with an error status.
    """
    end = time.monotonic() + _HEALTHY_SECONDS
    while not function.is_healthy() and time.monotonic() < end:
        time.sleep(0.5)
    return PREDICTORS[function.type].smoke_test(function, blank())


def _logs(platform: Platform, runner: Runner) -> list[str]:
    """Show the function's log, and return it."""
    return [runner.run(command).output for command in platform.logs]


def _failed(what: str, *texts: str) -> DeployError:
    """Return an error with the likely cause, if one of the texts has its sign."""
    cause = likely_cause(*texts)
    if cause is None:
        hint = "the log above says more; `cvatbuild doctor` checks this machine"
        return DeployError(Problem(what, found=_telling(texts[0])[:300], hint=hint))
    return DeployError(Problem(what, found=f"likely cause: {cause[0]}", hint=cause[1]))


def _telling(text: str) -> str:
    """Return the line of an output that most likely states the error; empty without lines."""
    lines = [line.strip() for line in text.splitlines()]
    # nuctl prints the lines of its source after each message.
    lines = [line for line in lines if line and not re.search(r"\.go:\d+$", line)]
    errors = [line for line in lines if re.search(r"\berror\b|denied|cannot|no such", line, re.I)]
    return next(iter((errors or lines)[-1:]), "")


def require_deployed(name: str, platform: Platform, runner: Runner) -> None:
    """Check that a function is deployed.

    Raises:
        DeployError: it is not, or nuctl does not exist.
    """
    if platform.nuctl.function(runner, name) is None:
        raise DeployError(
            Problem(f"the function {name} is not deployed", hint="list them: nuctl get functions")
        )


def undeploy(name: str, platform: Platform, runner: Runner) -> None:
    """Delete a deployed function.

    Raises:
        DeployError: nuctl fails.
    """
    result = runner.run(platform.nuctl.delete(name))
    if result.status:
        raise _failed("nuctl cannot delete the function", result.output)
