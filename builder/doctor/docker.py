"""Docker, which builds images and runs functions."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from builder.doctor.check_result import CheckResult
from builder.doctor.programs import ProgramError, ProgramNotFound, run_program

_LATER = "; functions can be built but not deployed"

_INSTALL = "install Docker: https://docs.docker.com/engine/install"
_INSTALL_COMMANDS = (
    "curl -fsSL https://get.docker.com -o get-docker.sh",
    "sudo sh get-docker.sh",
)

_KEYRING = "/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg"
_TOOLKIT = "https://nvidia.github.io/libnvidia-container"
_TOOLKIT_COMMANDS = (
    f"curl -fsSL {_TOOLKIT}/gpgkey | sudo gpg --dearmor -o {_KEYRING}",
    f"curl -fsSL {_TOOLKIT}/stable/deb/nvidia-container-toolkit.list | "
    f"sed 's#deb https://#deb [signed-by={_KEYRING}] https://#' | "
    "sudo tee /etc/apt/sources.list.d/nvidia-container-toolkit.list",
    "sudo apt-get update",
    "sudo apt-get install -y nvidia-container-toolkit",
    "sudo nvidia-ctk runtime configure --runtime=docker",
    "sudo systemctl restart docker",
)
"""NVIDIA's instructions for Debian and Ubuntu."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A Docker engine.

    Attributes:
        client: the version of the client.
        version: the version of the engine.
        architecture: that of the engine, such as amd64; empty if unknown.
    """

    client: str
    version: str
    architecture: str


def find() -> Engine | CheckResult:
    """Return the engine that the client is connected to, or why there is none."""
    try:
        output = run_program("docker", "version", "--format", "{{json .}}")
    except ProgramNotFound:
        return _trouble(f"docker is not on the PATH{_LATER}", _INSTALL, *_INSTALL_COMMANDS)
    except ProgramError as error:
        return _trouble(str(error), "restart the Docker engine", "sudo systemctl restart docker")
    try:
        versions = json.loads(output.out)
        client, server = versions["Client"]["Version"], versions.get("Server")
        engine = server.get("Version", "?") if server else ""
        architecture = str(server.get("Arch", "")) if server else ""
    except (ValueError, TypeError, KeyError, AttributeError):
        what = f"unexpected output of `docker version`: {output.error_line}"
        return _trouble(what, _INSTALL, *_INSTALL_COMMANDS)
    if not server:
        reason = output.error_line.rstrip(".")
        what = f"Docker {client} cannot connect to an engine{_LATER}: {reason}"
        if "permission denied" in output.error_line.lower():
            command = "sudo usermod -aG docker $USER"
            remedy = f"add yourself to the group docker, then log in again: {command}"
        else:
            command = "sudo systemctl start docker"
            remedy = f"start the engine: {command}, or Docker Desktop"
        return _trouble(what, remedy, command)
    return Engine(str(client), str(engine), architecture)


def check() -> Iterator[CheckResult]:
    """Check the client, the connection to an engine, and GPU support."""
    found = find()
    if isinstance(found, CheckResult):
        yield found
        return
    yield CheckResult("docker", "ok", f"Docker {found.client}, engine {found.version}")
    if found.architecture == "arm64":
        what = "images are built for ARM; manifests need `platform: arm64` for GPU variants"
        yield CheckResult("docker", "ok", what)
    if shutil.which("nvidia-smi"):
        yield from _gpus()


def _trouble(what: str, remedy: str, *commands: str) -> CheckResult:
    """Return the result about Docker that does not work."""
    return CheckResult("docker", "warning", what, remedy, commands, blocks_deploy=True)


def _gpus() -> Iterator[CheckResult]:
    """Check that containers can use the GPU of this machine."""
    try:
        output = run_program("docker", "info", "--format", "{{json .Runtimes}}")
    except ProgramError:
        return
    hooks = ("nvidia-container-runtime-hook", "nvidia-container-toolkit", "nvidia-ctk")
    if '"nvidia' not in output.out and not any(shutil.which(name) for name in hooks):
        yield CheckResult(
            "docker",
            "warning",
            "containers cannot use the GPU: the NVIDIA Container Toolkit is not installed",
            "install it: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/"
            "install-guide.html",
            _TOOLKIT_COMMANDS,
        )
