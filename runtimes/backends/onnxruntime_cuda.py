"""ONNX Runtime: on CUDA for the GPU variant, or on the CPU for models that OpenVINO cannot load."""

import ctypes
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from runtimes import gpu_jpeg
from runtimes.arrays import Array
from runtimes.backends.cuda import Cuda, Search
from runtimes.backends.io_binding import IoBinding
from runtimes.backends.session import chosen
from runtimes.backends.varying_input import VaryingInput, VaryingSession
from runtimes.cores import thread_count
from runtimes.errors import BadModel, NoDevice
from runtimes.signature import Signature, Tensor

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, NodeArg

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_DEVICE = "cuda"
"""ONNX Runtime's name of the GPU's memory."""
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
        precision: `tf32` lets CUDA round the factors of convolutions and matrix products to 10 bits
            of mantissa on GPUs since Ampere, which is ONNX Runtime's default. The others do not:
            with `fp16` and `int8`, the model file has this precision.
        suffix: see Backend.suffix.
        cuda: the options of the CUDA provider; None for its defaults, or on the CPU.
        varying: model file -> how it runs on CUDA if the shape of its image input varies.
        decode: `gpu` to decode JPEG files on the GPU if the model runs there, by
            runtimes.gpu_jpeg.
        low_memory: whether buffers of the CPU are allocated for each operation instead of being
            kept between runs; for a few runs of a large model.
    """

    device: Literal["cuda", "cpu"] = "cuda"
    threads: int = 0
    workers: int = 1
    allow_cpu_fallback: bool = False
    precision: Literal["float32", "tf32", "fp16", "int8"] = "float32"
    suffix: str = ""
    cuda: Cuda | None = None
    varying: Mapping[str, VaryingInput] = field(default_factory=dict)
    decode: Literal["gpu", "cpu"] = "cpu"
    # Not in model_handler.py: only the tool sets it, for trials.
    low_memory: bool = field(default=False, repr=False)

    def open(self, model: Path) -> "OnnxRuntimeSession | VaryingSession":
        """Load an ONNX file; see Backend.open."""
        varying = self.varying.get(model.name)
        if varying is None:
            return self._open(model, None)
        # Without buckets, all shapes run in one session, with the search for varying shapes.
        first = self._open(model, None if varying.buckets else varying.search)
        if not first.on_gpu:
            return first  # On the CPU, a change of the shape costs nothing.
        return VaryingSession(varying, first, partial(self._open, model))

    def _open(self, model: Path, search: Search | None) -> "OnnxRuntimeSession":
        """Load an ONNX file.

        Args:
            model: the file.
            search: replaces the search of convolution algorithms of `cuda`.

        Raises:
            NoDevice, BadModel: see Backend.open.
        """
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
            cuda = self.cuda or Cuda()
            providers = [(_CUDA, cuda.options(tf32=self.precision == "tf32", search=search)), _CPU]
        try:
            session = onnxruntime.InferenceSession(model, options, providers=providers)
        except Exception as error:
            # ONNX Runtime's exceptions have no common base class.
            reason = str(error).strip().splitlines()[0]
            graph = len(providers) > 1 and self.cuda is not None and self.cuda.enable_cuda_graph
            raise BadModel(
                f"ONNX Runtime cannot load {model.name}: {reason}",
                hint="remove `cuda_graph` if the reason is an operation without a CUDA kernel"
                if graph
                else "",
            ) from error
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
        decodes = _CUDA in used and self.decode == "gpu" and gpu_jpeg.start()
        warning = f"running on the CPU: {missing}" if missing else ""
        names = ", ".join(name.removesuffix("ExecutionProvider") for name in used)
        return OnnxRuntimeSession(
            session,
            f"ONNX Runtime {onnxruntime.__version__} on {names}"
            + (", JPEG files decoded on the GPU" if decodes else ""),
            warning,
            on_gpu=_CUDA in used,
            graph=_CUDA in used and self.cuda is not None and self.cuda.enable_cuda_graph,
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

    def __init__(
        self,
        session: "InferenceSession",
        device: str,
        warning: str,
        *,
        on_gpu: bool = False,
        graph: bool = False,
    ) -> None:
        """Wrap a session.

        Args:
            session: the loaded model.
            device: see Session.
            warning: see Session.
            on_gpu: whether the model runs on CUDA; inputs and outputs are then bound to buffers.
            graph: whether runs are replayed as a CUDA graph, for which they must be bound.
        """
        self.device = device
        self.warning = warning
        self._session = session
        self.signature = Signature(
            tuple(_tensor(node) for node in session.get_inputs()),
            tuple(_tensor(node) for node in session.get_outputs()),
            dict(session.get_modelmeta().custom_metadata_map),
        )
        self._outputs = self.signature.outputs
        self.on_gpu = on_gpu
        self._is_bound, self._graph = on_gpu, graph
        self._binding: IoBinding | None = None

    def read(self, names: Iterable[str]) -> None:
        """See Session.read."""
        self._outputs = chosen(self.signature, names)
        self._binding = None

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See Session.run."""
        if not self._is_bound:
            return self._run(inputs)
        try:
            self._binding = self._binding or IoBinding(self._session, self._outputs, _DEVICE)
            return self._binding.run(inputs)
        except Exception:
            # For example an output whose shape is not the declared one. Without buffers, ONNX
            # Runtime allocates each output in the size that it has; a CUDA graph needs them.
            self._binding = None
            if self._graph:
                raise
            results = self._run(inputs)
            self._is_bound = False
            return results

    def _run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the model with inputs and outputs in the memory of the CPU."""
        names = [it.name for it in self._outputs]
        return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))


def _tensor(node: "NodeArg") -> Tensor:
    """Return an input or output of a session as a Tensor."""
    element = node.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in node.shape)
    return Tensor(node.name, shape, _DTYPES.get(element, element))
