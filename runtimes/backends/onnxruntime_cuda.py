"""ONNX Runtime: on CUDA for the GPU variant, or on the CPU for models that OpenVINO cannot load."""

import ctypes
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runtimes.arrays import Array
from runtimes.cores import thread_count
from runtimes.errors import BadModel, NoDevice
from runtimes.signature import Signature, Tensor

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, NodeArg

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_DTYPES = {"float": "float32", "double": "float64"}
"""ONNX Runtime's names of element types -> numpy's, where they differ."""


@dataclass(frozen=True, slots=True)
class OnnxRuntime:
    """ONNX Runtime's settings.

    Attributes:
        device: the device of the model.
        threads: the number of threads of an inference on the CPU; 0 to divide the available cores
            among the workers.
        workers: the number of workers of the function.
        allow_cpu_fallback: whether to run on the CPU, with a warning in the log of each request, if
            no CUDA device is available. By default, the start then fails.
        precision: `float32`, or `tf32` to let CUDA round the factors of convolutions and matrix
            products to 10 bits of mantissa on GPUs since Ampere, which is ONNX Runtime's default.
        low_memory: whether buffers of the CPU are allocated for each operation instead of being
            kept between runs; for a few runs of a large model.
    """

    device: Literal["cuda", "cpu"] = "cuda"
    threads: int = 0
    workers: int = 1
    allow_cpu_fallback: bool = False
    precision: Literal["float32", "tf32"] = "float32"
    # Not in model_handler.py: only the tool sets it, for trials.
    low_memory: bool = field(default=False, repr=False)

    def open(self, model: Path) -> "OnnxRuntimeSession":
        """Load an ONNX file; see Backend.open."""
        # Imported here, because the CPU variant's image does not have ONNX Runtime.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = thread_count(self.threads, self.workers)
        # By default, threads that wait for work spin: two threads took twice the processor time,
        # which other workers lack, and which counts against the container's CPU limit.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        if self.low_memory:
            options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        providers: list[str | tuple[str, dict[str, str]]] = [_CPU]
        missing = ""
        if self.device == "cpu":
            pass
        elif not has_nvidia_driver():
            missing = "there is no NVIDIA driver"
        elif _CUDA not in onnxruntime.get_available_providers():
            missing = "this onnxruntime is built without CUDA"
        else:
            # The CUDA and cuDNN libraries are in wheels, which are not on the loader's path.
            onnxruntime.preload_dlls()
            providers = [(_CUDA, {"use_tf32": str(int(self.precision == "tf32"))}), _CPU]
        try:
            session = onnxruntime.InferenceSession(model, options, providers=providers)
        except Exception as error:
            # ONNX Runtime's exceptions have no common base class.
            reason = str(error).strip().splitlines()[0]
            raise BadModel(f"ONNX Runtime cannot load {model.name}: {reason}") from error
        used = session.get_providers()
        if self.device == "cuda" and _CUDA not in used:
            missing = missing or "ONNX Runtime could not load its CUDA provider; its log says why"
            if not self.allow_cpu_fallback:
                raise NoDevice(
                    f"the GPU variant cannot use a GPU: {missing}",
                    found=", ".join(used),
                    allowed=_CUDA,
                    hint="check that the container was given a GPU (`nvidia-smi` inside it) and "
                    "that the host's driver supports the CUDA version of the wheels, or set "
                    "`allow_cpu_fallback: true` under `variants.gpu`",
                )
        warning = f"running on the CPU: {missing}" if missing else ""
        names = ", ".join(name.removesuffix("ExecutionProvider") for name in used)
        return OnnxRuntimeSession(
            session, f"ONNX Runtime {onnxruntime.__version__} on {names}", warning
        )


def has_nvidia_driver() -> bool:
    """Return whether the driver's library can be loaded."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


class OnnxRuntimeSession:
    """A model loaded by ONNX Runtime; see Session."""

    def __init__(self, session: "InferenceSession", device: str, warning: str) -> None:
        self.device = device
        self.warning = warning
        self._session = session
        self._outputs = [node.name for node in session.get_outputs()]
        self.signature = Signature(
            tuple(_tensor(node) for node in session.get_inputs()),
            tuple(_tensor(node) for node in session.get_outputs()),
            dict(session.get_modelmeta().custom_metadata_map),
        )

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See Session.run."""
        results = self._session.run(self._outputs, dict(inputs))
        return dict(zip(self._outputs, results, strict=True))


def _tensor(node: "NodeArg") -> Tensor:
    """Return an input or output of a session as a Tensor."""
    element = node.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in node.shape)
    return Tensor(node.name, shape, _DTYPES.get(element, element))
