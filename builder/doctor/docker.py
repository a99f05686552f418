"""Docker, which builds images and runs functions."""

import json
import shutil
from collections.abc import Iterator

from builder.doctor.check_result import CheckResult
from builder.doctor.programs import ProgramError, ProgramNotFound, run_program

_LATER = "; functions can be built but not deployed"


def check() -> Iterator[CheckResult]:
    """Check the client, the connection to an engine, and GPU support."""
    try:
        output = run_program("docker", "version", "--format", "{{json .}}")
    except ProgramNotFound:
        yield CheckResult(
            "docker",
            "warning",
            f"docker is not on the PATH{_LATER}",
            "install Docker: https://docs.docker.com/engine/install",
        )
        return
    except ProgramError as error:
        yield CheckResult("docker", "warning", str(error), "restart the Docker engine")
        return
    try:
        versions = json.loads(output.out)
        client, server = versions["Client"]["Version"], versions.get("Server")
        engine = server.get("Version", "?") if server else ""
    except (ValueError, TypeError, KeyError, AttributeError):
        yield CheckResult(
            "docker",
            "warning",
            f"unexpected output of `docker version`: {output.error_line}",
            "install Docker: https://docs.docker.com/engine/install",
        )
        return
    if not server:
        denied = "permission denied" in output.error_line.lower()
        yield CheckResult(
            "docker",
            "warning",
            f"Docker {client} cannot connect to an engine: {output.error_line}{_LATER}",
            "add yourself to the group docker, then log in again: sudo usermod -aG docker $USER"
            if denied
            else "start the engine: sudo systemctl start docker, or Docker Desktop",
        )
        return
    yield CheckResult("docker", "ok", f"Docker {client}, engine {engine}")
    if shutil.which("nvidia-smi"):
        yield from _gpus()


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
        )
