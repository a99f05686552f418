"""Limits that the models do not fit in, and images that do not fit in a request."""

import re
from collections.abc import Iterator
from math import ceil

from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.lint.scene import Deployment, Scene
from runtimes.interactor import MEMORY

MEMORY_TOO_SMALL = Rule(
    "memory-too-small",
    "Memory limit is below the weights' size",
    "Docker kills the workers while they load their models.",
)
LOW_MEMORY = warning(
    "low-memory",
    "Memory limit is low for the number of workers",
    "Each worker is a process with its own copy of the models.",
)
INVALID_CPU_LIMIT = Rule(
    "invalid-cpu-limit",
    "Invalid CPU limit",
    "Docker rejects the function, or the function is too slow to reply.",
)
IMAGE_EXCEEDS_REQUEST = warning(
    "image-exceeds-request",
    "Images exceed the request size limit",
    "Nuclio rejects requests of more than 32 MiB, base64 included.",
)


BASE_BYTES = 150 * 2**20
"""What a worker takes without weights: Python, OpenCV and a runtime took 80 to 130 MiB."""

WEIGHTS_FACTOR = 2
"""A worker with a model of 100 MB took 175 to 180 MB more than one with a model of a few KB: the
runtimes keep the weights in an order of their own, and for a while the file beside them."""

_BODY_BYTES = 32 * 2**20
"""The largest request that the HTTP trigger accepts."""

_SUFFIXES = {
    "": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip


def find(scene: Scene) -> Iterator[Problem]:
    """See builder.lint."""
    reported: set[tuple[Path_, str]] = set()
    for path, variant in scene.variants():
        for problem in (*_memory(scene, path, variant), *_cores(scene, path, variant)):
            # A limit of both variants is told of once.
            place = (problem.path, problem.code)
            if place not in reported:
                reported.add(place)
                yield problem
    yield from _body(scene)


def amount(quantity: str) -> float:
    """A Kubernetes quantity as a number: bytes, or cores."""
    number, suffix = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity).groups()  # type: ignore[union-attr]
    return float(number) * _SUFFIXES[suffix]


def _memory(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """A limit that the workers' copies of the models exceed."""
    given = variant.memory or scene.manifest_file.manifest.resources.memory
    if given is None:
        return
    here = (*path, "memory") if variant.memory else ("resources", "memory")
    manifest = scene.manifest_file.manifest
    limit, workers = amount(given), variant.worker_count(manifest.type)
    files = {file for model in scene.models.values() for file in model.files.values()}
    weights = sum(file.stat().st_size for file in files)
    kind = scene.manifest_file.manifest.type
    remembered = MEMORY if kind == "interactor" else 0
    needed = workers * (BASE_BYTES + WEIGHTS_FACTOR * weights + remembered)
    count = f"{workers} worker{'s' if workers > 1 else ''}"
    hint = f"write `memory: {_spelled(needed)}`"
    if limit < max(BASE_BYTES, workers * weights):
        what = f"is {limit:.0f} bytes, but {count} with {_mebibytes(weights)} MiB of weights each "
        what += f"take about {_mebibytes(needed)} MiB"
        yield scene.problem(MEMORY_TOO_SMALL, here, what, given, _spelled(needed), hint)
    elif limit < needed:
        yield scene.problem(
            LOW_MEMORY,
            here,
            f"{count} with {_mebibytes(weights)} MiB of weights each take about "
            f"{_mebibytes(needed)} MiB"
            + (
                f", {_mebibytes(remembered)} MiB of it for what is remembered" if remembered else ""
            ),
            given,
            f"{_spelled(needed)} or more",
            hint + (", or fewer `workers`" if workers > 1 else ""),
        )


def _cores(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """A limit of processor time with a unit of memory, or of next to nothing."""
    given = variant.cpu or scene.manifest_file.manifest.resources.cpu
    if given is None or 0.05 <= amount(given) <= 1024:
        return
    here = (*path, "cpu") if variant.cpu else ("resources", "cpu")
    yield scene.problem(
        INVALID_CPU_LIMIT,
        here,
        f"means {amount(given):g} cores of a processor",
        given,
        "0.05 to 1024 cores, such as `2` or `1500m`",
        'write `cpu: "2"`',
    )


def _body(scene: Scene) -> Iterator[Problem]:
    """A model for images that are too large to be sent."""
    image = scene.image
    if image is None or image.height is None or image.width is None:
        return
    # CVAT sends frames of videos as PNG, which noise does not make smaller, in base64.
    size = image.height * image.width * 3 * 4 / 3
    if size > _BODY_BYTES:
        yield scene.problem(
            IMAGE_EXCEEDS_REQUEST,
            next(iter(scene.models)),
            f"an image of the model's own size, {image.width}x{image.height}, can take "
            f"{_mebibytes(size)} MiB as a PNG in base64; Nuclio takes requests of "
            f"{_mebibytes(_BODY_BYTES)} MiB",
            f"{image.width}x{image.height}",
            hint="export the model for smaller images, or annotate images that are stored as JPEG",
        )


def _mebibytes(size: float) -> str:
    """Bytes in MiB, rounded up."""
    return str(ceil(size / 2**20))


def _spelled(size: float) -> str:
    """Bytes as a quantity, rounded up to something that people write."""
    step = 128 * 2**20
    return f"{-(-size // step) * 128:.0f}Mi"
