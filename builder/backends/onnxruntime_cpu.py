"""ONNX Runtime on the CPU, for the CPU variant of models that OpenVINO cannot load."""

from builder.backends import pins
from builder.backends.backend import Backend
from builder.backends.cpu_settings import CpuSettings
from builder.manifest.variants import Platform, VariantSettings
from runtimes.backends.onnxruntime_cuda import OnnxRuntime


class OnnxRuntimeCpu(Backend):
    """ONNX Runtime on the CPU."""

    name = "onnxruntime"
    variant = "cpu"
    rank = 1
    advice = "`onnxruntime` is for the few models that OpenVINO cannot load."
    runtime = title = "ONNX Runtime"
    module = "onnxruntime"
    package = "onnxruntime-gpu"
    device = "CPU"
    settings = CpuSettings

    def packages(self, settings: VariantSettings, platform: Platform = "amd64") -> tuple[str, ...]:
        """See Backend.packages."""
        return pins.ONNXRUNTIME

    def adapter(self, settings: VariantSettings, threads: int = 0, workers: int = 1) -> OnnxRuntime:
        """See Backend.adapter."""
        given = settings.part(CpuSettings)
        return OnnxRuntime(
            device="cpu",
            threads=threads,
            workers=workers,
            precision=given.precision,
            suffix=given.suffix,
        )
