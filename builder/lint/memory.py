"""Memory limits, CPU limits and the size of requests."""

from collections.abc import Iterable, Iterator
from math import ceil

from builder.backends.backend import BackendSettings
from builder.backends.precision import FILE_SHARES
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import Rule, warning
from builder.lint.scene import Deployment, Scene
from builder.manifest.quantity import amount
from builder.model.file import Model
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
    "Nuclio rejects requests above `max_request_size`, base64 included, and CVAT ends the job.",
)
TOO_MANY_THREADS = warning(
    "too-many-threads",
    "Threads of the workers exceed the CPU limit",
    "The system stops the threads that exceed the limit, so that each request takes longer.",
)


_LEAST_CORES, _MOST_CORES = 0.05, 1024
"""Range of CPU limits in cores."""

BASE_BYTES = 150 * 2**20
"""Memory of a worker without models: Python, OpenCV and a runtime took 80 to 130 MiB."""

WEIGHTS_FACTOR = 2
"""Memory of a model, divided by the size of its weights. A worker with a model of 100 MB took 175
to 180 MB more than one with a model of a few KB: the runtimes store the weights in their own
layout, and temporarily the content of the file."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of limits and of the model's image size."""
    reported: set[tuple[Path_, str]] = set()
    for path, variant in scene.variants():
        for problem in (
            *_memory(scene, path, variant),
            *_cpu_limit(scene, path, variant),
            *_threads(scene, path, variant),
        ):
            # A limit that both variants share is reported once.
            key = (problem.path, problem.code)
            if key not in reported:
                reported.add(key)
                yield problem
    yield from _request_size(scene)


def loaded_bytes(models: Iterable[Model], settings: BackendSettings) -> int:
    """Return the size of the model files that a worker loads, in bytes.

    The size of a file in reduced precision is an estimate, since it is not converted yet.

    Args:
        models: the models, as the manifest names them.
        settings: of the variant.
    """
    # A file that two models name is loaded twice.
    size = sum(file.stat().st_size for model in models for file in model.files.values())
    return ceil(size * FILE_SHARES[settings.reduced]) if settings.reduced else size


def worker_bytes(function_type: str, weights: int) -> int:
    """Return about how much memory a worker needs, in bytes.

    Args:
        function_type: the function's type.
        weights: size of the model files in bytes; see `loaded_bytes`.
    """
    cached = MEMORY if function_type == "interactor" else 0
    return BASE_BYTES + WEIGHTS_FACTOR * weights + cached


def _memory(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the workers' copies of the models exceed the memory limit."""
    given = variant.memory or scene.manifest_file.manifest.resources.memory
    if given is None:
        return
    key = (*path, "memory") if variant.memory else ("resources", "memory")
    manifest = scene.manifest_file.manifest
    limit, workers = amount(given), variant.worker_count(manifest.type)
    settings = manifest.variants.of(variant.NAME).part(BackendSettings)
    weights = loaded_bytes(scene.models.values(), settings)
    cached = MEMORY if manifest.type == "interactor" else 0
    needed = workers * worker_bytes(manifest.type, weights)
    loaded = f"with {_mebibytes(weights)} MiB of weights"
    need = f"{workers} workers {loaded} each need" if workers > 1 else f"1 worker {loaded} needs"
    need += f" about {_mebibytes(needed)} MiB"
    hint = f"write `memory: {_as_quantity(needed)}`, a multiple of 128 MiB"
    if limit < max(BASE_BYTES, workers * weights):
        what = f"the limit is {given}, but {need}"
        yield scene.problem(MEMORY_TOO_SMALL, key, what, given, _as_quantity(needed), hint)
    elif limit < needed:
        yield scene.problem(
            LOW_MEMORY,
            key,
            need
            + (f", of which {_mebibytes(cached)} MiB are for cached embeddings" if cached else ""),
            given,
            f"{_as_quantity(needed)} or more",
            hint + (", or fewer `workers`" if workers > 1 else ""),
        )


def _cpu_limit(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the CPU limit is out of range, such as one with a suffix of memory."""
    given = variant.cpu or scene.manifest_file.manifest.resources.cpu
    if given is None or _LEAST_CORES <= amount(given) <= _MOST_CORES:
        return
    key = (*path, "cpu") if variant.cpu else ("resources", "cpu")
    yield scene.problem(
        INVALID_CPU_LIMIT,
        key,
        f"the limit is {amount(given):g} cores",
        given,
        f"{_LEAST_CORES} to {_MOST_CORES} cores, such as `2` or `1500m`",
        'write `cpu: "2"`',
    )


def _threads(scene: Scene, path: Path_, variant: Deployment) -> Iterator[Problem]:
    """Yield a problem if the threads of all workers exceed the CPU limit."""
    manifest = scene.manifest_file.manifest
    given = variant.cpu or manifest.resources.cpu
    if given is None or amount(given) < _LEAST_CORES:
        return
    limit, workers = amount(given), variant.worker_count(manifest.type)
    threads = variant.thread_count(given, workers)
    # One worker of one thread is the least, however small the limit is.
    if workers * threads <= max(1, limit):
        return
    fitting = max(1, int(limit))
    what = f"{_count(workers, 'worker')} with {_count(threads, 'thread')} "
    what += f"{'each ' if workers > 1 else ''}can use {workers * threads} cores; "
    what += f"the limit is {limit:g}"
    if variant.threads:
        share = f"`threads: {max(1, int(limit / workers))}`"
        hint = f"write {share}" if workers <= fitting else f"write {share} and `workers: {fitting}`"
        yield scene.problem(TOO_MANY_THREADS, (*path, "threads"), what, threads, hint=hint)
    else:
        key = (*path, "cpu") if variant.cpu else ("resources", "cpu")
        hint = f'write `workers: {fitting}` under `variants.{path[-1]}`, or `cpu: "{workers}"`'
        yield scene.problem(TOO_MANY_THREADS, key, what, given, hint=hint)


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _request_size(scene: Scene) -> Iterator[Problem]:
    """Yield a problem if images of the model's input size exceed the largest request."""
    image = scene.image
    if image is None or image.height is None or image.width is None:
        return
    # CVAT sends video frames as PNG in base64. PNG does not compress noise.
    size = image.height * image.width * 3 * 4 / 3
    limits = {path: variant.max_request_bytes() for path, variant in scene.variants()}
    small = {path: limit for path, limit in limits.items() if size > limit}
    if small:
        keys = " and ".join(f"`{'.'.join(map(str, path))}`" for path in small)
        yield scene.problem(
            IMAGE_EXCEEDS_REQUEST,
            next(iter(scene.models)),
            f"an image of the model's input size can take {_mebibytes(size)} MiB as PNG in base64; "
            f"the function accepts requests of up to {_mebibytes(min(small.values()))} MiB",
            f"{image.width}x{image.height}",
            hint=f"write `max_request_size: {_as_quantity(size)}` in {keys}, export the model "
            "with a smaller input size, or annotate JPEG images",
        )


def _mebibytes(size: float) -> str:
    """Return a number of bytes in MiB, rounded up."""
    return str(ceil(size / 2**20))


def _as_quantity(size: float) -> str:
    """Return a number of bytes as a Kubernetes quantity, rounded up to 128 MiB."""
    step = 128 * 2**20
    return f"{-(-size // step) * 128:.0f}Mi"
