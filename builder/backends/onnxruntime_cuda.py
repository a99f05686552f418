"""ONNX Runtime on CUDA: the backend of the GPU variant."""

from collections.abc import Sequence
from typing import Literal

from builder.backends import pins
from builder.backends.backend import Backend, BackendSettings
from builder.manifest.variants import VariantSettings
from runtimes.backends.onnxruntime_cuda import OnnxRuntime, has_nvidia_driver


class CudaSettings(BackendSettings):
    """The keys of a variant that this backend reads."""

    cuda: Literal[12, 13] = 12
    """CUDA version of the runtime's wheels. 12 runs on the drivers that most people have; 13 needs
    driver 580 or newer."""
    allow_cpu_fallback: bool = False
    """Whether the function runs on the CPU if it cannot use a GPU, with a warning in each request's
    log. By default the function does not start without a GPU."""
    precision: Literal["float32", "tf32"] = "float32"
    """Precision of convolutions and matrix products. With `float32`, the results are those of the
    CPU variant, apart from rounding. With `tf32`, GPUs since Ampere take about half the time for
    large models, and small models gain nothing; boxes moved by up to 3 pixels in tests."""


class OnnxRuntimeCuda(Backend):
    """ONNX Runtime on CUDA."""

    name = "onnxruntime"
    variant = "gpu"
    runtime = "ONNX Runtime"
    title = "ONNX Runtime CUDA"
    module = "onnxruntime"
    package = "onnxruntime-gpu"
    device = "CUDA"
    settings = CudaSettings
    # What a CUDA base image would have set: without them the container sees no GPU.
    environment = {  # noqa: RUF012
        "NVIDIA_VISIBLE_DEVICES": "all",
        "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    }
    fallback = {"allow_cpu_fallback": True}  # noqa: RUF012
    low_memory = {"low_memory": True}  # noqa: RUF012

    def packages(self, settings: VariantSettings) -> tuple[str, ...]:
        """See Backend.packages."""
        return pins.CUDA[settings.part(CudaSettings).cuda]

    def adapter(self, settings: VariantSettings, threads: int = 0, workers: int = 1) -> OnnxRuntime:
        """See Backend.adapter."""
        given = settings.part(CudaSettings)
        return OnnxRuntime(
            device="cuda",
            threads=threads,
            workers=workers,
            allow_cpu_fallback=given.allow_cpu_fallback,
            precision=given.precision,
        )

    @property
    def remedy(self) -> str:
        """See Backend.remedy."""
        return (
            "functions need nothing, since their images contain CUDA; for this machine: "
            f"pip install '{self.package}[cuda,cudnn]'"
        )

    def devices(self) -> Sequence[str]:
        """Return the GPU, or nothing on a machine without an NVIDIA driver."""
        return (self.device,) if has_nvidia_driver() else ()
