"""Settings that Nuclio, CVAT or the image's installation stumble over."""

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
ENV_SECRET = warning(
    "env-secret",
    "Secret in a committed file",
    "Everyone who can read the repository can read the secret.",
)


_CVAT_SECONDS = 120
"""How long CVAT waits for a reply (cvat/settings/base.py, CVAT_NUCLIO_DEFAULT_TIMEOUT)."""

_TAKEN_PORTS = {8080: "CVAT", 8070: "Nuclio's dashboard", 8090: "CVAT's traefik dashboard"}

_OTHERS = {
    "opencv-python": "opencv-python-headless is installed already; this one needs libGL, which "
    "slim images do not have, and overwrites the other",
    "opencv-contrib-python": "opencv-python-headless is installed already; this one needs libGL, "
    "which slim images do not have, and overwrites the other",
    "onnxruntime": "it puts the same module into the same place as onnxruntime-gpu",
    "onnxruntime-gpu": "it puts the same module into the same place as onnxruntime",
}
"""Package -> why it cannot be beside what a function has."""

_SECRET = re.compile(r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|APIKEY|API_KEY|ACCESS_KEY)($|_)", re.I)
_RESERVED = re.compile(r"^(NUCLIO_|PYTHONPATH$|PYTHONHOME$|LD_LIBRARY_PATH$|LD_PRELOAD$)")


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    for path, variant in scene.variants():
        yield from _timeout(scene, path, variant)
        yield from _image(scene, path, variant)
        yield from _packages(scene, path, variant)
        yield from _variables(scene, path, variant)
        if variant.port in _TAKEN_PORTS:
            yield scene.problem(
                PORT_TAKEN,
                (*path, "port"),
                f"where CVAT runs, this is the port of {_TAKEN_PORTS[variant.port]}",
                variant.port,
                hint="leave the port out: CVAT asks Nuclio for it",
            )


def seconds(duration: str) -> int:
    """What a duration such as `1m30s` means."""
    parts = re.findall(r"([0-9]+)([hms])", duration)
    return sum(int(number) * {"h": 3600, "m": 60, "s": 1}[unit] for number, unit in parts)


def _timeout(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """A request that goes on after CVAT has given it up."""
    if seconds(variant.event_timeout) > _CVAT_SECONDS:
        yield scene.problem(
            TIMEOUT_EXCEEDS_CVAT,
            (*path, "event_timeout"),
            f"CVAT gives a request up after {_CVAT_SECONDS} s; the function would work on it all "
            "the same, and keep the next one waiting",
            variant.event_timeout,
            "at most 2m",
            "write `event_timeout: 2m`, or set CVAT_NUCLIO_DEFAULT_TIMEOUT on CVAT's server",
        )


def _image(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """A base image with another Python, or with none."""
    name = variant.base_image
    here = (*path, "base_image")
    hint = "leave it out, or take `python:3.11-slim` and add Debian packages by `apt`"
    python = re.search(r"(?:^|/)python:v?([0-9]+(?:\.[0-9]+)?)", name)
    if "alpine" in name:
        yield scene.problem(
            BASE_IMAGE,
            here,
            "Alpine has another C library than the wheels of the inference runtimes and of Nuclio",
            name,
            "an image of Debian or Ubuntu",
            hint,
        )
    elif python and python[1] != PYTHON:
        yield scene.problem(
            BASE_IMAGE,
            here,
            f"has Python {python[1]}, but Nuclio's wheels and the pinned packages are for {PYTHON}",
            name,
            f"an image with Python {PYTHON}",
            hint,
        )
    elif re.match(r"^(docker\.io/)?(library/)?(nvidia/cuda|ubuntu|debian|busybox)(:|@|$)", name):
        yield scene.problem(
            BASE_IMAGE,
            here,
            "has no Python, which Nuclio calls as `python` while it builds the image",
            name,
            f"an image with Python {PYTHON}",
            hint + "; GPU functions bring CUDA as wheels",
        )


def _packages(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Packages that contradict those that every function has."""
    manifest = scene.manifest_file.manifest
    settings = manifest.variants.of(variant.NAME)
    pinned = {_project(line): line for line in requirements(manifest.type, settings)}
    for place, line in enumerate(variant.pip):
        name = _project(line)
        if name in pinned and pinned[name].partition("==")[2] != line.partition("==")[2]:
            yield scene.problem(
                PIP_PINNED,
                (*path, "pip", place),
                f"functions have {pinned[name]}, and pip installs no two versions of a package",
                line,
                pinned[name],
                "leave it out",
            )
        elif name in _OTHERS and name not in pinned:
            yield scene.problem(
                PIP_CLASH,
                (*path, "pip", place),
                f"{name} cannot be beside what a function has: {_OTHERS[name]}",
                line,
                hint="leave it out",
            )


def _project(requirement: str) -> str:
    """The name of a requirement's package, as pip compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement)[0]).lower()


def _variables(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Variables that others rely on, or that nobody should read."""
    for name in variant.env:
        here = (*path, "env", name)
        if _RESERVED.match(name):
            yield scene.problem(
                ENV_RESERVED,
                here,
                f"Nuclio and Python find the function's own code and libraries by {name}",
                name,
                hint="leave it out",
            )
        elif _SECRET.search(name):
            yield scene.problem(
                ENV_SECRET,
                here,
                "is written to function.yaml, which is made to be committed and reviewed",
                name,
                hint=f"leave it out, and deploy with `nuctl deploy ... --env {name}=...`",
            )
