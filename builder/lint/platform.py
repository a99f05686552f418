"""Packages of the image that do not fit the platform or the base image."""

import re
from collections.abc import Iterator

from builder.backends import wheels
from builder.backends.pins import CUDA_PLATFORMS, PYTHON
from builder.backends.registry import requirements
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule
from builder.lint.image import BASE_IMAGE
from builder.lint.scene import Deployment, Scene

CUDA_ON_ARM = Rule(
    "cuda-on-arm",
    "CUDA version has no wheels for ARM",
    "pip finds no onnxruntime-gpu, and the image is not built.",
)

_GLIBC = {
    "buster": (2, 28),
    "bullseye": (2, 31),
    "focal": (2, 31),
    "ubuntu20.04": (2, 31),
}
"""Part of the name of an old Debian or Ubuntu image -> its glibc."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield variants whose packages have no wheels that fit."""
    for path, variant in scene.variants():
        yield from _cuda(scene, path, variant)
        yield from _glibc(scene, path, variant)


def _cuda(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the platform has no wheels for the CUDA version."""
    platform = scene.manifest_file.manifest.platform
    # Only settings of the GPU variant have the key.
    cuda = getattr(variant, "cuda", None)
    if cuda is not None and cuda not in CUDA_PLATFORMS[platform]:
        default = CUDA_PLATFORMS[platform][0]
        yield scene.problem(
            CUDA_ON_ARM,
            (*path, "cuda"),
            f"onnxruntime-gpu has no {platform} wheels for CUDA {cuda}",
            cuda,
            str(default),
            f"write `cuda: {default}`, or remove the key",
        )


def _glibc(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the base image is a Debian or Ubuntu that is too old for a wheel."""
    manifest = scene.manifest_file.manifest
    given = next((it for name, it in _GLIBC.items() if name in variant.base_image), None)
    if given is None:
        return
    settings = manifest.variants.of(variant.NAME)
    for line in requirements(manifest.type, settings, manifest.platform):
        package = wheels.packages()[re.sub(r"\[.*?\]", "", line)]
        needed = package.glibc(manifest.platform)
        if needed is not None and given < needed:
            yield scene.problem(
                BASE_IMAGE,
                (*path, "base_image"),
                f"the image has glibc {_dotted(given)}, but the {manifest.platform} wheel of "
                f"{line} needs {_dotted(needed)}",
                variant.base_image,
                f"an image with glibc {_dotted(needed)} or newer, such as Debian 12",
                f"remove `base_image`, or write `python:{PYTHON}-slim-bookworm`",
            )
            return


def _dotted(version: tuple[int, int]) -> str:
    """Return a version as text."""
    return ".".join(map(str, version))
