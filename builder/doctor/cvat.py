"""CVAT and Nuclio's dashboard on this machine, compared with Docker and nuctl."""

import re
from collections.abc import Iterator, Sequence

from builder.doctor import docker, nuctl
from builder.doctor.check_result import CheckResult
from builder.doctor.programs import ProgramError, run_program
from builder.doctor.versions import (
    LAST_VULNERABLE,
    VULNERABILITIES,
    Version,
    is_refused,
    is_vulnerable,
    match,
    nuclio_of,
    spelled,
    version_of,
)

_DASHBOARD = re.compile(r"(?:^|/)nuclio/dashboard:(\S+)$")
_SERVER = re.compile(r"(?:^|/)cvat/server:(\S+)$")
"""Names of the images, with the version as tag."""

_OVERRIDE = "/etc/systemd/system/docker.service.d/min-api-version.conf"


def check() -> Iterator[CheckResult]:
    """Check that the versions of the running containers fit each other, Docker and nuctl."""
    engine = docker.find()
    if isinstance(engine, CheckResult):
        return
    images = running_images()
    dashboard, server = _tag(_DASHBOARD, images), _tag(_SERVER, images)
    if server:
        yield from _cvat(server, dashboard)
    if dashboard:
        found = nuctl.find()
        client = None if isinstance(found, CheckResult) else found
        yield from _nuclio(dashboard, version_of(engine.version), client)


def running_images() -> list[str]:
    """Return the names of the images of running containers; empty if Docker does not say."""
    try:
        output = run_program("docker", "ps", "--format", "{{.Image}}")
    except ProgramError:
        return []
    return output.out.split() if output.status == 0 else []


def _tag(name: re.Pattern[str], images: Sequence[str]) -> Version:
    """Return the version in the tag of the first image of a name; empty without one."""
    found = (name.search(image) for image in images)
    return next((version_of(it[1]) for it in found if it), ())


def _cvat(server: Version, dashboard: Version) -> Iterator[CheckResult]:
    """Check that Nuclio has the version that CVAT comes with, as far as it is known."""
    expected = nuclio_of(server)
    if not dashboard:
        yield CheckResult(
            "cvat",
            "warning",
            f"CVAT {spelled(server)} runs without Nuclio's dashboard, so it offers no models",
            "start CVAT with its file components/serverless/docker-compose.serverless.yml",
            (
                "docker compose -f docker-compose.yml -f "
                "components/serverless/docker-compose.serverless.yml up -d",
            ),
        )
    elif expected is not None and dashboard < expected:
        yield CheckResult(
            "cvat",
            "warning",
            f"CVAT {spelled(server)} comes with Nuclio {spelled(expected)}, but "
            f"{spelled(dashboard)} runs",
            "use the docker-compose.serverless.yml of your CVAT version",
        )
    else:
        yield CheckResult("cvat", "ok", f"CVAT {spelled(server)}")


def _nuclio(dashboard: Version, engine: Version, client: Version | None) -> Iterator[CheckResult]:
    """Check a dashboard's version against Docker, nuctl and the published vulnerabilities."""
    problems = list(_nuclio_problems(dashboard, engine, client))
    yield from problems or [CheckResult("nuclio", "ok", f"Nuclio {spelled(dashboard)}")]


def _nuclio_problems(
    dashboard: Version, engine: Version, client: Version | None
) -> Iterator[CheckResult]:
    """Yield the results of a dashboard's version that are not ok."""
    name = f"Nuclio {spelled(dashboard)}"
    if is_refused(dashboard, engine):
        yield CheckResult(
            "nuclio",
            "warning",
            f"Docker {spelled(engine)} refuses the client in {name}, so CVAT lists no models",
            "use the Nuclio of a newer CVAT, or let Docker accept older clients",
            (
                "sudo mkdir -p /etc/systemd/system/docker.service.d",
                f"printf '[Service]\\nEnvironment=DOCKER_MIN_API_VERSION=1.24\\n' | "
                f"sudo tee {_OVERRIDE}",
                "sudo systemctl daemon-reload",
                "sudo systemctl restart docker",
            ),
        )
    if client is not None and not match(client, dashboard):
        yield CheckResult(
            "nuclio",
            "warning",
            f"nuctl {spelled(client)} and {name} are of different versions; nuctl decides which "
            "processor and wheels an image gets",
            f"install nuctl {spelled(dashboard)}",
            nuctl.install_commands(dashboard),
        )
    if is_vulnerable(dashboard):
        yield CheckResult(
            "nuclio",
            "warning",
            f"{name} has published vulnerabilities ({VULNERABILITIES})",
            f"use a Nuclio newer than {spelled(LAST_VULNERABLE)} if your CVAT works with it, and "
            "do not publish the dashboard's port 8070: it has no authentication",
        )
