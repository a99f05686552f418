"""The host port of a function that runs with Docker.

Without a fixed port Docker chooses one at each start of the container, also after a restart of the
host, while Nuclio keeps telling CVAT the port of the deployment.
"""

from collections.abc import Mapping
from hashlib import sha256

from builder.diagnostics.errors import DeployError
from builder.diagnostics.problem import Problem

PORTS = range(20000, 30000)
"""The ports to choose from: below Linux's ports for outgoing connections (from 32768) and
Kubernetes' node ports (from 30000)."""


def preferred(name: str) -> int:
    """Return the port of a function, which depends on its name alone."""
    return PORTS[int.from_bytes(sha256(name.encode()).digest()[:8], "big") % len(PORTS)]


def choose(name: str, wanted: int | None, claimed: Mapping[int, str]) -> int:
    """Return the port for a function.

    Args:
        name: the function's name.
        wanted: the port that the manifest or the command line names; None without one.
        claimed: port -> name of the deployed function that has it.

    Returns:
        `wanted`; or the preferred port, or the next one that no other function has.

    Raises:
        DeployError: another function has the wanted port.
    """
    others = {port: other for port, other in claimed.items() if other != name}
    if wanted is not None:
        if wanted in others:
            raise DeployError(
                Problem(
                    f"the deployed function {others[wanted]} has the port {wanted}",
                    found=str(wanted),
                    hint=f"pass --port {choose(name, None, claimed)}, or write another `port` in "
                    "the manifest",
                )
            )
        return wanted
    start = PORTS.index(preferred(name))
    for step in range(len(PORTS)):
        port = PORTS[(start + step) % len(PORTS)]
        if port not in others:
            return port
    raise DeployError(Problem("every port from 20000 to 29999 belongs to a function"))
