"""ONNX Runtime on CUDA: the backend of the GPU variant."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from builder.backends import pins
from builder.backends.backend import Backend, BackendSettings
from builder.backends.precision import Precision
from builder.manifest.quantity import amount
from builder.manifest.variants import Memory, Platform, VariantSettings
from runtimes.backends.cuda import ArenaStrategy, Cuda, Search
from runtimes.backends.onnxruntime_cuda import OnnxRuntime, has_nvidia_driver
from runtimes.backends.session import Backend as Adapter
from runtimes.backends.varying_input import VaryingInput

Side: TypeAlias = Annotated[int, Field(ge=1, le=16384)]
"""Height or width of a model's input in pixels."""

Buckets: TypeAlias = (
    Literal["auto", "none"]
    | Annotated[tuple[tuple[Side, Side], ...], Field(min_length=1, max_length=16)]
)
"""The sizes to which a model's inputs are padded: chosen by the tool, no sizes, or [height, width]
of each."""

_LEAST_MEMORY = 2**26
"""Bytes of the smallest limit of the arena: no model runs in less."""


def _enough(quantity: str) -> str:
    """Refuse limits that no model fits in."""
    if amount(quantity) < _LEAST_MEMORY:
        raise ValueError(f"{quantity} is too small; at least 64Mi is allowed")
    return quantity


class CudaSettings(BackendSettings):
    """The keys of a variant that this backend reads."""

    cuda: Literal[12, 13] | None = None
    """CUDA version of the runtime's wheels. 12 runs on the drivers that most people have. 13 needs
    driver 580 or newer, and has code for the Blackwell GPUs of workstations, such as the RTX 50
    series. Default: 12; with `platform: arm64`: 13."""
    allow_cpu_fallback: bool = False
    """Whether the function runs on the CPU if it cannot use a GPU, with a warning in each request's
    log. By default the function does not start without a GPU."""
    precision: Precision = "float32"
    """Precision of convolutions and matrix products. With `float32`, the results are those of the
    CPU variant, apart from rounding. With `tf32`, GPUs since Ampere take about half the time for
    large models, and small models gain nothing; boxes moved by up to 3 pixels in tests. With
    `fp16`, the build converts the ONNX file to half precision. `int8` quantizes it, which is meant
    for CPUs: ONNX Runtime has no CUDA kernels for it. See docs/precision.md."""
    cudnn_conv_algo_search: Search = "EXHAUSTIVE"
    """How cuDNN's algorithm for each convolution is chosen, at the first run and again whenever the
    size of the input changes. `EXHAUSTIVE` times all algorithms, which takes about half a second,
    and then runs fastest. `HEURISTIC` and `DEFAULT` choose faster and can run slower. Inputs whose
    size changes from run to run, `buckets` apart, get `DEFAULT` instead of `EXHAUSTIVE`."""
    buckets: Buckets = "auto"
    """Sizes to which inputs are padded, as a list of [height, width], if the model has a dynamic
    input size. Each size gets a session of its own and is warmed up at the start, so that images of
    different sizes do not slow each other down. It takes GPU memory for a copy of the model.
    `auto` chooses up to 7 sizes for `letterbox` with `stride`, for `resize_multiple` with `longest`
    and for `resize_height`. `none` keeps the results of the CPU variant, since padding changes them
    slightly. See docs/gpu.md."""
    arena_extend_strategy: ArenaStrategy = "kNextPowerOfTwo"
    """How ONNX Runtime's pool of GPU memory grows: by doubling, or with `kSameAsRequested` by the
    size that is needed, which reserves less memory for a GPU that others use, too."""
    gpu_mem_limit: Annotated[Memory, AfterValidator(_enough)] | None = None
    """Maximum size of the pool of GPU memory of each session, such as `2Gi`: each model, or each of
    its `buckets`, has one session. Requests that need more fail. CUDA and cuDNN use some hundred
    megabytes in addition. Default: no limit."""
    cuda_graph: bool = False
    """Record the operations of a run once, and replay them as a CUDA graph. Requires fixed shapes
    of all inputs and outputs, and a GPU kernel for each operation; otherwise the function does not
    start. Gained 6 % in a test with a large model."""
    decode: Literal["gpu", "cpu"] = "gpu"
    """Where JPEG files are decoded. With `gpu`, nvImageCodec decodes them: pixels differ from those
    of the CPU by at most 1 of 255 in tests. The CPU decodes all other files, and JPEG files with
    another orientation, color space or depth. With `cpu`, the image has no nvImageCodec. The
    manifest's own key `decode` sets the size at which they are decoded."""


def cuda_version(settings: VariantSettings, platform: Platform) -> int:
    """Return the CUDA version that a variant's image installs."""
    given = settings.part(CudaSettings).cuda
    return pins.CUDA_PLATFORMS[platform][0] if given is None else given


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

    def packages(self, settings: VariantSettings, platform: Platform = "amd64") -> tuple[str, ...]:
        """See Backend.packages."""
        version = cuda_version(settings, platform)
        decode = pins.CUDA_DECODE[version] if settings.part(CudaSettings).decode == "gpu" else ()
        return (*pins.CUDA[version], *decode)

    def host(self, settings: VariantSettings, platform: Platform = "amd64") -> str:
        """See Backend.host."""
        cuda = cuda_version(settings, platform)
        driver = ".".join(map(str, pins.DRIVERS[cuda]))
        capability = ".".join(map(str, pins.COMPUTE_CAPABILITY))
        need = (
            f"The GPU variant needs an NVIDIA GPU of compute capability {capability} or newer and "
            f"driver {driver} or newer."
        )
        if cuda != 12:
            return need
        return (
            f"{need} It runs on x86-64 only; for ARM, write `platform: arm64` in the manifest. For "
            "the GeForce RTX 50 series and other GPUs of compute capability 12, write "
            "`variants: {gpu: {cuda: 13}}` in the manifest."
        )

    def adapter(self, settings: VariantSettings, threads: int = 0, workers: int = 1) -> OnnxRuntime:
        """See Backend.adapter."""
        given = settings.part(CudaSettings)
        return OnnxRuntime(
            device="cuda",
            threads=threads,
            workers=workers,
            allow_cpu_fallback=given.allow_cpu_fallback,
            precision=given.precision,
            suffix=given.suffix,
            cuda=Cuda(
                cudnn_conv_algo_search=given.cudnn_conv_algo_search,
                arena_extend_strategy=given.arena_extend_strategy,
                gpu_mem_limit=int(amount(given.gpu_mem_limit or "0")),
                enable_cuda_graph=given.cuda_graph,
            ),
            decode=given.decode,
        )

    def with_varying(self, adapter: Adapter, varying: Mapping[str, VaryingInput]) -> Adapter:
        """See Backend.with_varying."""
        return replace(adapter, varying=varying) if isinstance(adapter, OnnxRuntime) else adapter

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
