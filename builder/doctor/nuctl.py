"""nuctl, which deploys functions."""

import platform
import re
from collections.abc import Iterator

from builder.doctor.check_result import CheckResult
from builder.doctor.programs import ProgramError, ProgramNotFound, run_program
from builder.doctor.versions import NEWEST_PINNED, OLDEST_NUCTL, Version, spelled, version_of

_GET = (
    "install the nuctl of your Nuclio version: https://github.com/nuclio/nuclio/releases "
    "(CVAT's docker-compose.serverless.yml states the version)"
)


def install_commands(version: Version = NEWEST_PINNED) -> tuple[str, ...]:
    """Return the commands that install a version of nuctl on this machine."""
    system = "darwin" if platform.system() == "Darwin" else "linux"
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "amd64"
    name = f"nuctl-{spelled(version)}-{system}-{machine}"
    base = "https://github.com/nuclio/nuclio/releases/download"
    return (
        f"curl -fL -o nuctl {base}/{spelled(version)}/{name}",
        "sudo install nuctl /usr/local/bin/nuctl",
    )


def find() -> Version | CheckResult:
    """Return the version of nuctl, or why it cannot be used."""
    try:
        output = run_program("nuctl", "version")
    except ProgramNotFound:
        return _trouble("nuctl is not on the PATH; functions can be built but not deployed")
    except ProgramError as error:
        return _trouble(str(error))
    label = re.search(r"Label: ([^,\s\"]+)", output.out)
    if output.status or not label:
        return _trouble(f"`nuctl version` failed: {output.error_line}")
    version = version_of(label[1])
    if len(version) < 3:
        oldest = spelled(OLDEST_NUCTL)
        return _trouble(f"unknown nuctl version '{label[1]}'; {oldest} or newer is required")
    if version < OLDEST_NUCTL:
        oldest = spelled(OLDEST_NUCTL)
        return _trouble(f"nuctl {label[1]} does not support Python 3.11; {oldest} or newer does")
    return version


def check() -> Iterator[CheckResult]:
    """Check that nuctl is installed and new enough."""
    found = find()
    if isinstance(found, CheckResult):
        yield found
    else:
        yield CheckResult("nuctl", "ok", f"nuctl {spelled(found)}")


def _trouble(what: str) -> CheckResult:
    """Return the result of the check if nuctl cannot be used."""
    return CheckResult("nuctl", "warning", what, _GET, install_commands(), blocks_deploy=True)
