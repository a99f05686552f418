"""Variant settings that fail in CVAT or in Nuclio."""

import re
from collections.abc import Iterator

from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.lint.scene import Deployment, Scene

TIMEOUT_EXCEEDS_CVAT = warning(
    "timeout-exceeds-cvat",
    "Timeout exceeds CVAT's timeout",
    "The annotator sees an error while the function is still running.",
)
PORT_TAKEN = warning(
    "port-taken",
    "Port is in use",
    "Docker does not start the function.",
)
ENV_RESERVED = warning(
    "env-reserved",
    "Reserved environment variable",
    "The function may not start.",
)
ENV_AT_BUILD = warning(
    "env-at-build",
    "Variable does not reach the image build",
    "pip and apt install packages while the image is built, before the variable is set.",
)
ENV_SECRET = warning(
    "env-secret",
    "Secret in a committed file",
    "Everyone who can read the repository can read the secret.",
)


_CVAT_TIMEOUT = 120
"""Seconds that CVAT waits for a reply (cvat/settings/base.py, CVAT_NUCLIO_DEFAULT_TIMEOUT)."""

_USED_PORTS = {8080: "CVAT", 8070: "Nuclio's dashboard", 8090: "CVAT's traefik dashboard"}
"""Port -> the program that uses it on CVAT's host."""

_SECRET = re.compile(r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|APIKEY|API_KEY|ACCESS_KEY)($|_)", re.I)
_RESERVED = re.compile(r"^(NUCLIO_|PYTHONPATH$|PYTHONHOME$|LD_LIBRARY_PATH$|LD_PRELOAD$)")

_AT_BUILD = re.compile(
    r"^(PIP_.*|UV_.*|REQUESTS_CA_BUNDLE|SSL_CERT_FILE|SSL_CERT_DIR"
    r"|(?i:HTTP|HTTPS|FTP|NO|ALL)_(?i:PROXY))$"
)
"""Variables that pip and apt read. `env` sets them in the container only."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of the variants' settings."""
    for path, variant in scene.variants():
        yield from _timeout(scene, path, variant)
        yield from _variables(scene, path, variant)
        yield from _port(scene, path, variant)


def seconds(duration: str) -> int:
    """Return the number of seconds of a duration such as `1m30s`."""
    parts = re.findall(r"([0-9]+)([hms])", duration)
    return sum(int(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)


def _timeout(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the timeout exceeds CVAT's."""
    if seconds(variant.event_timeout) > _CVAT_TIMEOUT:
        yield scene.problem(
            TIMEOUT_EXCEEDS_CVAT,
            (*path, "event_timeout"),
            f"CVAT waits {_CVAT_TIMEOUT} s for a reply; the function would continue, and delay the "
            "next request",
            variant.event_timeout,
            "at most 2m",
            "write `event_timeout: 2m`, or set CVAT_NUCLIO_DEFAULT_TIMEOUT on CVAT's server",
        )


def _variables(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield reserved environment variables, and those whose name suggests a secret."""
    secrets = variant.kubernetes.secret_env if variant.kubernetes else {}
    keys = {(*path, "env", name): name for name in variant.env}
    keys |= {(*path, "kubernetes", "secret_env", name): name for name in secrets}
    for key, name in keys.items():
        if _RESERVED.match(name):
            yield scene.problem(
                ENV_RESERVED,
                key,
                f"Nuclio and Python use {name} to find code and libraries",
                name,
                hint="remove the variable",
            )
        elif _AT_BUILD.match(name):
            yield scene.problem(
                ENV_AT_BUILD,
                key,
                f"{name} reaches the running function only; pip runs earlier, in the image build",
                name,
                hint="set `sources` of the variant: `index`, `extra_indexes`, `ca_file`, `proxy`, "
                "`no_proxy`",
            )
        elif name in variant.env and _SECRET.search(name):
            yield scene.problem(
                ENV_SECRET,
                key,
                "the value is written to function.yaml, which is meant to be committed",
                name,
                hint=f"remove the variable, and deploy with `nuctl deploy ... --env {name}=...`",
            )


def _port(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if another program uses the port on CVAT's host."""
    cluster = variant.kubernetes
    if cluster is not None and cluster.service_type == "NodePort":
        return  # builder.lint.kubernetes checks node ports.
    if variant.port in _USED_PORTS:
        yield scene.problem(
            PORT_TAKEN,
            (*path, "port"),
            f"the port is used by {_USED_PORTS[variant.port]} on CVAT's host",
            variant.port,
            hint="write another port, such as 20000 to 29999",
        )
