"""Which variants of a function are built."""

from collections.abc import Sequence
from typing import Any

from builder.diagnostics.errors import ManifestError
from builder.manifest.reading import ManifestFile
from builder.manifest.variants import VARIANTS, VariantName
from builder.model.file import Model


def select(
    read: ManifestFile[Any], found: Sequence[Model], wanted: Sequence[VariantName]
) -> tuple[VariantName, ...]:
    """The variants that are both wanted and possible.

    Args:
        read: the manifest.
        found: its models.
        wanted: what was asked for; the manifest may switch one of them off.

    Raises:
        ManifestError: nothing is left, or a model cannot be run by what is.
    """
    settings = read.manifest.variants
    on: dict[VariantName, bool] = {"cpu": bool(settings.cpu), "gpu": bool(settings.gpu)}
    kept = tuple(name for name in VARIANTS if name in wanted and on[name])
    problem = read.document.problem
    if not kept:
        raise ManifestError(
            problem(
                ("variants",),
                f"switches off the variant that is wanted: {', '.join(wanted)}",
                code="variants-off",
            )
        )
    if any(model.format == "ir" for model in found):
        if "gpu" in kept:
            raise ManifestError(
                problem(
                    ("model",),
                    "is an OpenVINO IR, which the GPU variant cannot run",
                    read.document.found(("model",)),
                    "an ONNX file",
                    "write `variants: {gpu: false}` to build the CPU variant alone",
                    "ir-variant",
                )
            )
        cpu = settings.cpu
        if cpu and cpu.runtime != "openvino":
            raise ManifestError(
                problem(
                    ("variants", "cpu", "runtime"),
                    "an OpenVINO IR can only be run by OpenVINO",
                    cpu.runtime,
                    "openvino",
                    code="ir-variant",
                )
            )
    return kept
