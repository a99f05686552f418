"""The keys of the CPU variant that both of its backends read."""

from typing import Literal

from pydantic import field_validator

from builder.backends.backend import BackendSettings
from builder.backends.precision import UNSUPPORTED_PRECISION
from builder.diagnostics.errors import Refused


class CpuSettings(BackendSettings):
    """The keys of the CPU variant that its backends read."""

    precision: Literal["float32", "int8"] = "float32"
    """Precision of the model. With `int8`, the build quantizes the ONNX file with the images of
    `calibration`; OpenVINO takes less time, about half for one example, and results change
    slightly. See docs/precision.md."""

    @field_validator("precision", mode="before")
    @classmethod
    def _is_for_cpus(cls, value: object) -> object:
        """Refuse the precisions of GPUs."""
        if value in ("fp16", "tf32"):
            raise Refused(
                "the CPU variant computes in float32: half precision and TF32 are for GPUs",
                UNSUPPORTED_PRECISION,
                allowed="'float32' or 'int8'",
                hint="remove the key, or set it under `variants.gpu`",
            )
        return value
