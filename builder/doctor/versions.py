"""Which versions of CVAT, Nuclio, nuctl, Docker and CUDA work together, in one table.

Sources:

- Docker 29 refuses clients with an API older than 1.44 (docs.docker.com/engine/release-notes/29).
- Nuclio's dashboard has a Docker client of its own: 19.03.14 (API 1.40) in Nuclio 1.8.14 and 23.0.1
  (API 1.42) in 1.13.0 to 1.14.1 (cmd/dashboard/docker/Dockerfile at these tags); later minor
  versions have 28 and newer (nuclio#3718, #3792, #3925). cvat#10013 reports the error.
- Nuclio up to 1.16.4: CVE-2026-45730 (any user of the dashboard can change and delete projects) and
  CVE-2026-29042 (commands in arguments of the shell runtime).
- CVAT's docker-compose.serverless.yml: Nuclio 1.13.0 in 2.15 and 2.24 (cvat#8907), 1.16.3 in 2.73.
- nuctl from 1.12.8 on builds images with Python 3.11 (pkg/processor/build/runtime/python).
"""

import re
from typing import TypeAlias

Version: TypeAlias = tuple[int, ...]

OLDEST_NUCTL: Version = (1, 12, 8)
"""The first nuctl that builds images with Python 3.11: nuctl, not the server, provides the wheels
of an image."""

OLD_DOCKER_CLIENT: Version = (1, 14, 1)
"""The last Nuclio whose Docker client has an API older than 1.44."""

STRICT_DOCKER: Version = (29,)
"""The first Docker engine that refuses such clients."""

LAST_VULNERABLE: Version = (1, 16, 4)
"""The last Nuclio with published vulnerabilities."""

VULNERABILITIES = "CVE-2026-45730 and CVE-2026-29042"
"""The most severe ones."""

NUCLIO_OF_CVAT: tuple[tuple[Version, Version, Version], ...] = (
    ((2, 15), (2, 24), (1, 13, 0)),
    ((2, 73), (2, 73), (1, 16, 3)),
)
"""The first and the last CVAT version of which it is known that they run a version of Nuclio, and
that version. Versions between the ranges were not looked up."""

NEWEST_PINNED: Version = NUCLIO_OF_CVAT[-1][2]
"""The Nuclio of the newest CVAT in the table; nuctl should have the same version."""


def version_of(text: str) -> Version:
    """Return the numbers at the beginning of a version, such as 1.13.0-amd64; empty without any."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def spelled(version: Version) -> str:
    """Return a version as text."""
    return ".".join(map(str, version))


def nuclio_of(cvat: Version) -> Version | None:
    """Return the Nuclio version that a CVAT version comes with, or None if it is not known."""
    for first, last, nuclio in NUCLIO_OF_CVAT:
        if first <= cvat[:2] <= last:
            return nuclio
    return None


def is_refused(nuclio: Version, engine: Version) -> bool:
    """Return whether a Docker engine refuses the client in a version of Nuclio."""
    return engine >= STRICT_DOCKER and nuclio <= OLD_DOCKER_CLIENT


def is_vulnerable(nuclio: Version) -> bool:
    """Return whether a version of Nuclio has published vulnerabilities."""
    return nuclio <= LAST_VULNERABLE


def match(nuctl: Version, nuclio: Version) -> bool:
    """Return whether nuctl and Nuclio have the same major and minor version."""
    return nuctl[:2] == nuclio[:2]
