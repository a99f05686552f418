"""What must work on this machine before a deployment."""

import shutil
from collections.abc import Iterator, Sequence

from builder.deploy.function import BuiltFunction
from builder.diagnostics.errors import DeployError
from builder.diagnostics.problem import Problem
from builder.doctor import cvat, docker, nuctl, nvidia
from builder.doctor.check_result import CheckResult
from builder.manifest.variants import Platform


def check_machine(function: BuiltFunction, *, local: bool) -> Iterator[CheckResult]:
    """Check Docker and nuctl; for functions that run here, also CVAT, Nuclio and the GPU.

    Yields:
        The results that are not ok, but do not prevent a deployment.

    Raises:
        DeployError: Docker, nuctl or kubectl does not work, or the machine has another
            architecture than the function's packages.
    """
    if not local and shutil.which("kubectl") is None:
        hint = "install it: https://kubernetes.io/docs/tasks/tools"
        raise DeployError(Problem("kubectl is not on the PATH", hint=hint))
    engine = docker.find()
    results = [engine] if isinstance(engine, CheckResult) else []
    results += nuctl.check()
    if local:
        results += cvat.check()
        results += nvidia.check_cuda(function.cuda) if function.cuda is not None else ()
    blocked = [it for it in results if it.blocks_deploy]
    if blocked:
        raise DeployError(*(Problem(it.what, hint=it.remedy) for it in blocked))
    if local and not isinstance(engine, CheckResult):
        _check_architecture(function, engine.architecture)
    yield from (it for it in results if it.severity != "ok")


def _check_architecture(function: BuiltFunction, architecture: str) -> None:
    """Check that the function's packages exist for the engine's architecture.

    Raises:
        DeployError: a package does not.
    """
    platforms: Sequence[Platform] = ("amd64", "arm64")
    for platform in platforms:
        if architecture == platform:
            function.check_platform(platform)
