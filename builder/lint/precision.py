"""Variants in reduced precision."""

from collections.abc import Iterator
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
            from builder.plan.calibration import Calibration

            manifest_file = scene.manifest_file
            try:
                Calibration.find(given.calibration, manifest_file.path, (*path, "calibration"))
            except ManifestError as error:
                for problem in error.problems:
                    yield manifest_file.yaml.locate(problem, ())


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
