"""nuctl, which deploys functions."""

import re
from collections.abc import Iterator

from builder.doctor.check_result import CheckResult
from builder.doctor.programs import ProgramError, ProgramNotFound, run_program

_OLDEST = (1, 12, 8)
"""The first version that builds images with Python 3.11: nuctl, not the server, provides the wheels
of an image."""

_GET = (
    "install the nuctl of your Nuclio version: https://github.com/nuclio/nuclio/releases "
    "(CVAT's docker-compose.serverless.yml states the version)"
)


def check() -> Iterator[CheckResult]:
    """Check that nuctl is installed and new enough."""
    try:
        output = run_program("nuctl", "version")
    except ProgramNotFound:
        yield CheckResult(
            "nuctl",
            "warning",
            "nuctl is not on the PATH; functions can be built but not deployed",
            _GET,
        )
        return
    except ProgramError as error:
        yield CheckResult("nuctl", "warning", str(error), _GET)
        return
    label = re.search(r"Label: ([^,\s\"]+)", output.out)
    if output.status or not label:
        yield CheckResult("nuctl", "warning", f"`nuctl version` failed: {output.error_line}", _GET)
        return
    version = re.match(r"v?(\d+)\.(\d+)\.(\d+)", label[1])
    if not version:
        yield CheckResult(
            "nuctl",
            "warning",
            f"unknown nuctl version '{label[1]}'; {_spelled(_OLDEST)} or newer is required",
            _GET,
        )
    elif tuple(int(part) for part in version.groups()) < _OLDEST:
        yield CheckResult(
            "nuctl",
            "warning",
            f"nuctl {label[1]} does not support Python 3.11; {_spelled(_OLDEST)} or newer does",
            _GET,
        )
    else:
        yield CheckResult("nuctl", "ok", f"nuctl {label[1]}")


def _spelled(version: tuple[int, ...]) -> str:
    """Return a version as text."""
    return ".".join(str(part) for part in version)
