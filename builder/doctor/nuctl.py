"""nuctl, which deploys functions."""

import re
from collections.abc import Iterator

from builder.doctor.finding import Finding
from builder.doctor.outside import Absent, NoAnswer, ask

_OLDEST = (1, 12, 8)
"""The first version that builds images with Python 3.11. nuctl, not the server, brings the wheels
that go into an image."""

_GET = (
    "put the nuctl of your Nuclio's version on the PATH: "
    "https://github.com/nuclio/nuclio/releases (CVAT's docker-compose.serverless.yml names it)"
)


def check() -> Iterator[Finding]:
    """Whether nuctl is there and new enough."""
    try:
        answer = ask("nuctl", "version")
    except Absent:
        yield Finding(
            "nuctl", "warning", "nuctl is not on the PATH; functions are built, not deployed", _GET
        )
        return
    except NoAnswer as error:
        yield Finding("nuctl", "warning", str(error), _GET)
        return
    label = re.search(r"Label: ([^,\s\"]+)", answer.out)
    if answer.status or not label:
        yield Finding("nuctl", "warning", f"nuctl does not work: {answer.complaint}", _GET)
        return
    version = re.match(r"v?(\d+)\.(\d+)\.(\d+)", label[1])
    if not version:
        yield Finding(
            "nuctl",
            "warning",
            f"nuctl calls itself '{label[1]}', so nobody knows which Python it builds",
            _GET,
        )
    elif tuple(int(part) for part in version.groups()) < _OLDEST:
        oldest = ".".join(str(part) for part in _OLDEST)
        yield Finding(
            "nuctl",
            "warning",
            f"nuctl {label[1]} builds no image with Python 3.11; {oldest} and newer do",
            _GET,
        )
    else:
        yield Finding("nuctl", "ok", f"nuctl {label[1]}")
