"""OpenVINO on the CPU: the default backend of the CPU variant."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from builder.backends import pins
from builder.backends.backend import Backend
from builder.backends.cpu_settings import CpuSettings
from builder.manifest.variants import Platform, VariantSettings
from runtimes.arrays import Array
from runtimes.backends.openvino_cpu import OpenVino, import_openvino


class OpenVinoCpu(Backend):
    """OpenVINO on the CPU."""

    name = "openvino"
    variant = "cpu"
    runtime = title = "OpenVINO"
    module = package = "openvino"
    device = "CPU"
    formats = frozenset({"onnx", "ir"})
    settings = CpuSettings

    def packages(self, settings: VariantSettings, platform: Platform = "amd64") -> tuple[str, ...]:
        """See Backend.packages."""
        return pins.OPENVINO

    def adapter(self, settings: VariantSettings, threads: int = 0, workers: int = 1) -> OpenVino:
        """See Backend.adapter."""
        suffix = settings.part(CpuSettings).suffix
        return OpenVino(threads=threads, workers=workers, suffix=suffix)

    @property
    def remedy(self) -> str:
        """See Backend.remedy."""
        return f"{super().remedy}; it needs a processor with SSE4.2 or NEON"

    def devices(self) -> Sequence[str]:
        """Return all devices that OpenVINO sees, although functions use the CPU alone."""
        return list(import_openvino().Core().available_devices)

    def device_title(self, device: str) -> str:
        """See Backend.device_title."""
        return str(import_openvino().Core().get_property(device, "FULL_DEVICE_NAME")).strip()

    def compute(self, device: str, model: Path, values: Mapping[str, Array]) -> list[Array]:
        """See Backend.compute."""
        core = import_openvino().Core()
        compiled = core.compile_model(core.read_model(model), device)
        results = compiled(list(values.values()))
        return [np.asarray(results[0])]
