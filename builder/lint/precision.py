"""Variants in reduced precision."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from builder.backends.backend import BackendSettings
from builder.diagnostics.errors import ManifestError
from builder.diagnostics.path import Path_
from builder.diagnostics.problem import Problem
from builder.diagnostics.rule import warning
from builder.lint.scene import Scene
from builder.model.file import Model
from builder.plan.reduction import CONVERSION

INT8_ON_GPU = warning(
    "int8-on-gpu",
    "8-bit integers on a GPU",
    "ONNX Runtime's CUDA provider converts them back to float32 before each layer, so that the "
    "function gets slower.",
)

UNUSED_LIMIT = warning(
    "unused-limit",
    "Limit has no effect",
    "The build measures other differences for functions of this type.",
)

_MEASURED = {
    "detector": ("lost", "box", "score", "area"),
    "interactor": ("score", "area"),
    "tracker": ("box", "score"),
    "reid": ("vector",),
}
"""Function type -> the keys of `max_difference` that builder.plan.difference measures."""

_MOST_BYTES = 2**31 - 2**20
"""Limit of Protocol Buffers for a model with its weights."""


def find(scene: Scene) -> Iterator[Problem]:
    """Yield problems of converted models and of calibration images."""
    for path, variant in scene.variants():
        settings: Any = variant
        given: BackendSettings = settings
        if given.reduced is None:
            continue
        key = (*path, "precision")
        for model in scene.models.values():
            yield from _model(scene, key, given.reduced, model)
        yield from _limits(scene, path, given)
        if given.reduced == "int8" and given.NAME == "gpu":
            yield scene.problem(
                INT8_ON_GPU,
                key,
                "is meant for CPUs: ONNX Runtime has no CUDA kernels for it",
                "int8",
                hint="use `fp16`",
            )
        if given.calibration is not None:
            # Imported here, since most functions are in float32.
            from builder.plan.calibration import Calibration, not_an_image

            manifest_file, folder = scene.manifest_file, (*path, "calibration")
            try:
                found = Calibration.find(given.calibration, manifest_file.path, folder)
            except ManifestError as error:
                problems: Iterable[Problem] = error.problems
            else:
                files = found.used(given.reduced)
                each = (not_an_image(it, manifest_file.path, folder) for it in files)
                problems = islice(filter(None, each), 1)
            for problem in problems:
                yield manifest_file.yaml.locate(problem, ())


def _limits(scene: Scene, path: Path_, given: BackendSettings) -> Iterator[Problem]:
    """Yield limits of differences that are not measured for the function's type."""
    type_ = scene.manifest_file.manifest.type
    for name, limit in given.max_difference:
        if limit is not None and name not in _MEASURED[type_]:
            yield scene.problem(
                UNUSED_LIMIT,
                (*path, "max_difference", name),
                f"is not measured for functions of the type {type_}",
                limit,
                ", ".join(_MEASURED[type_]),
                "remove the key",
            )


def _model(scene: Scene, key: Path_, precision: str, model: Model) -> Iterator[Problem]:
    """Yield the reason why a model cannot be converted."""
    if model.format == "ir":
        hint = "name the ONNX file that it was made from"
        if precision == "int8":
            hint += ", or quantize it with NNCF yourself and remove `precision`"
        yield scene.problem(
            CONVERSION, key, "OpenVINO IR cannot be converted", model.name, "an ONNX file", hint
        )
    size = sum(it.stat().st_size for it in model.files.values())
    if size > _MOST_BYTES:
        yield scene.problem(
            CONVERSION,
            key,
            "the model is too large to be converted",
            f"{size / 2**30:.1f} GiB with its weights",
            "less than 2 GiB",
            "remove `precision`",
        )
