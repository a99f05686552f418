"""Variant settings that fail in CVAT, in Nuclio or in the image build."""

import re
from collections.abc import Iterator

from builder.backends.pins import PYTHON
from builder.backends.registry import requirements
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.lint.scene import Deployment, Scene

BASE_IMAGE = Rule(
    "base-image",
    "Unsuitable base image",
    "The image build fails after minutes, with a message about msgpack, python or a wheel.",
)
PIP_PINNED = Rule(
    "pip-pinned",
    "Package conflicts with a pinned version",
    "pip finds no solution, and the image is not built.",
)
PIP_CLASH = Rule(
    "pip-clash",
    "Package overwrites a required package",
    "Two packages that install the same module overwrite each other.",
)
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

_CONFLICTS = {
    "opencv-python": "overwrites opencv-python-headless, which is already installed, and needs "
    "libGL, which slim images do not have",
    "opencv-contrib-python": "overwrites opencv-python-headless, which is already installed, and "
    "needs libGL, which slim images do not have",
    "onnxruntime": "installs the same module as onnxruntime-gpu",
    "onnxruntime-gpu": "installs the same module as onnxruntime",
}
"""Package -> why it conflicts with the packages that every function has."""

_SECRET = re.compile(r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|APIKEY|API_KEY|ACCESS_KEY)($|_)", re.I)
_RESERVED = re.compile(r"^(NUCLIO_|PYTHONPATH$|PYTHONHOME$|LD_LIBRARY_PATH$|LD_PRELOAD$)")

_PIP = re.compile(r"^(PIP_|UV_|REQUESTS_CA_BUNDLE$|SSL_CERT_FILE$|SSL_CERT_DIR$)")
_PROXY = re.compile(r"^(HTTP|HTTPS|FTP|NO|ALL)_PROXY$", re.I)
"""Variables that pip and apt read. `env` sets them in the container only."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of the variants' settings."""
    for path, variant in scene.variants():
        yield from _timeout(scene, path, variant)
        yield from _base_image(scene, path, variant)
        yield from _packages(scene, path, variant)
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


def _base_image(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the base image lacks glibc, or Python in the right version."""
    name = variant.base_image
    key = (*path, "base_image")
    hint = "remove `base_image`, or write `python:3.11-slim` and add Debian packages with `apt`"
    python = re.search(r"(?:^|/)python:v?([0-9]+(?:\.[0-9]+)?)", name)
    if "alpine" in name:
        yield scene.problem(
            BASE_IMAGE,
            key,
            "Alpine has musl instead of glibc, which the wheels of Nuclio and of the inference "
            "runtimes need",
            name,
            "an image based on Debian or Ubuntu",
            hint,
        )
    elif python and python[1] != PYTHON:
        yield scene.problem(
            BASE_IMAGE,
            key,
            f"the image has Python {python[1]}, but Nuclio's wheels and the pinned packages need "
            f"{PYTHON}",
            name,
            f"an image with Python {PYTHON}",
            hint,
        )
    elif re.match(r"^(docker\.io/)?(library/)?(nvidia/cuda|ubuntu|debian|busybox)(:|@|$)", name):
        yield scene.problem(
            BASE_IMAGE,
            key,
            "the image has no `python` command, which Nuclio runs during the image build",
            name,
            f"an image with Python {PYTHON}",
            hint + "; GPU functions install CUDA from wheels",
        )


def _packages(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield packages that conflict with those that every function has."""
    manifest = scene.manifest_file.manifest
    settings = manifest.variants.of(variant.NAME)
    pinned = {_package_name(line): line for line in requirements(manifest.type, settings)}
    for index, line in enumerate(variant.pip):
        name = _package_name(line)
        if name in pinned and pinned[name].partition("==")[2] != line.partition("==")[2]:
            yield scene.problem(
                PIP_PINNED,
                (*path, "pip", index),
                f"functions need {pinned[name]}, and pip cannot install two versions of a package",
                line,
                pinned[name],
                "remove the entry",
            )
        elif name in _CONFLICTS and name not in pinned:
            yield scene.problem(
                PIP_CLASH,
                (*path, "pip", index),
                f"{name} {_CONFLICTS[name]}",
                line,
                hint="remove the entry",
            )


def _package_name(requirement: str) -> str:
    """Return the package name of a requirement, normalized as pip does for comparisons."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement)[0]).lower()


def _variables(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield reserved environment variables, and those whose name suggests a secret."""
    for name in variant.env:
        key = (*path, "env", name)
        if _RESERVED.match(name):
            yield scene.problem(
                ENV_RESERVED,
                key,
                f"Nuclio and Python use {name} to find code and libraries",
                name,
                hint="remove the variable",
            )
        elif _PIP.match(name) or _PROXY.match(name):
            yield scene.problem(
                ENV_AT_BUILD,
                key,
                f"{name} is set in the running container, not while pip installs the packages of "
                "the image; a running function downloads nothing",
                name,
                hint="remove the variable, and set `proxies` in ~/.docker/config.json of the "
                "machine that builds the image"
                if _PROXY.match(name)
                else "remove the variable, and use a `base_image` with the setting in "
                "/etc/pip.conf",
            )
        elif _SECRET.search(name):
            yield scene.problem(
                ENV_SECRET,
                key,
                "the value is written to function.yaml, which is meant to be committed",
                name,
                hint=f"remove the variable, and deploy with `nuctl deploy ... --env {name}=...`",
            )


def _port(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if another program uses the port on CVAT's host."""
    if variant.port in _USED_PORTS:
        yield scene.problem(
            PORT_TAKEN,
            (*path, "port"),
            f"the port is used by {_USED_PORTS[variant.port]} on CVAT's host",
            variant.port,
            hint="write another port, such as 20000 to 29999",
        )
