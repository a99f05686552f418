"""Variant settings that fail in the image build, or make its result uncertain."""

import re
from collections.abc import Iterator

from builder.backends.pins import PYTHON
from builder.backends.registry import requirements
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, note, warning
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
PIP_WITHOUT_DIGEST = warning(
    "pip-without-digest",
    "Package without digests",
    "pip installs whatever file the index offers under this version, and any versions of the "
    "packages that it depends on.",
)
BASE_IMAGE_DIGEST = note(
    "base-image-digest",
    "Base image without digest",
    "An image that is built later can start from another base image of the same name.",
)
CA_FILE = Rule(
    "ca-file",
    "Unusable certificate file",
    "pip cannot read the file, and the image is not built.",
)

_MAX_CA_BYTES = 64 * 2**10
"""Size that a file may have. Its base64 is one argument of a command, of at most 128 KiB on Linux
(MAX_ARG_STRLEN)."""

_CONFLICTS = {
    "opencv-python": "overwrites opencv-python-headless, which is already installed, and needs "
    "libGL, which slim images do not have",
    "opencv-contrib-python": "overwrites opencv-python-headless, which is already installed, and "
    "needs libGL, which slim images do not have",
    "onnxruntime": "installs the same module as onnxruntime-gpu",
    "onnxruntime-gpu": "installs the same module as onnxruntime",
}
"""Package -> why it conflicts with the packages that every function has."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of the variants' images."""
    for path, variant in scene.variants():
        yield from _base_image(scene, path, variant)
        yield from _packages(scene, path, variant)
        yield from _certificates(scene, path, variant)
    yield from _digest(scene)


def _digest(scene: Scene) -> Iterator[Problem]:
    """Yield a note for each variant whose base image has no digest."""
    for path, variant in scene.variants():
        if "@" not in variant.base_image:
            yield scene.problem(
                BASE_IMAGE_DIGEST,
                (*path, "base_image"),
                "the base image has a name, but no digest",
                variant.base_image,
                hint=f"write `base_image: {variant.base_image}@sha256:...` with the digest that "
                f"`docker images --digests` prints",
            )


def _certificates(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the certificate file cannot be read or has no certificates."""
    given = variant.sources.ca_file
    if given is None:
        return
    file = scene.manifest_file.resolve(given)
    reason, hint = "", "keep only the certificates that sign the index's certificate"
    try:
        content = file.read_bytes()
    except OSError as error:
        reason, hint = f"the file cannot be read: {error.strerror}", "correct the path"
    else:
        if b"-----BEGIN CERTIFICATE-----" not in content:
            reason = "the file has no certificate"
        elif len(content) > _MAX_CA_BYTES:
            reason = "the file is too large for a line of a Dockerfile"
    if reason:
        yield scene.problem(
            CA_FILE,
            (*path, "sources", "ca_file"),
            reason,
            given,
            f"a PEM file of at most {_MAX_CA_BYTES // 2**10} KiB with `BEGIN CERTIFICATE` lines",
            hint,
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
    lines = requirements(manifest.type, settings, manifest.platform)
    pinned = {_package_name(line): line for line in lines}
    earlier: dict[str, str] = {}
    for index, given in enumerate(variant.pip):
        line = given if isinstance(given, str) else given.package
        name = _package_name(line)
        first = earlier.setdefault(name, line)
        if first.partition("==")[2] != line.partition("==")[2]:
            yield scene.problem(
                PIP_PINNED,
                (*path, "pip", index),
                f"the list also has {first}, and pip cannot install two versions of a package",
                line,
                hint="remove one of the two entries",
            )
        elif name in pinned and pinned[name].partition("==")[2] != line.partition("==")[2]:
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
        elif isinstance(given, str):
            yield scene.problem(
                PIP_WITHOUT_DIGEST,
                (*path, "pip", index),
                "the image installs the package without comparing a digest",
                line,
                hint=f'write `{{package: "{line}", sha256: [...]}}` with the digests that '
                "`sha256sum` prints, and list its dependencies in the same way",
            )


def _package_name(requirement: str) -> str:
    """Return the package name of a requirement, normalized as pip does for comparisons."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", requirement)[0]).lower()
