"""OpenVINO on the CPU: the runtime of the CPU variant."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtimes.arrays import Array
from runtimes.backends.session import chosen
from runtimes.cores import thread_count
from runtimes.errors import BadModel
from runtimes.signature import Signature, Tensor

if TYPE_CHECKING:
    from openvino import CompiledModel


@dataclass(frozen=True, slots=True)
class OpenVino:
    """OpenVINO's settings.

    Attributes:
        threads: the number of threads of an inference; 0 to divide the available cores among the
            workers.
        workers: the number of workers of the function.
        suffix: see Backend.suffix.
    """

    threads: int = 0
    workers: int = 1
    suffix: str = ""

    def open(self, model: Path) -> "OpenVinoSession":
        """Load an ONNX file or an OpenVINO IR; see Backend.open."""
        openvino = import_openvino()
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            # By default, OpenVINO computes in bfloat16 or float16 if the processor supports it. The
            # scores would depend on the machine and differ from those of the GPU variant.
            "INFERENCE_PRECISION_HINT": "f32",
            # By default, OpenVINO counts the host's cores, whatever the container's limit is.
            "INFERENCE_NUM_THREADS": thread_count(self.threads, self.workers),
            # By default, OpenVINO pins its threads, and each process starts at the first core: two
            # workers of one thread each shared one core, which halved their speed.
            "ENABLE_CPU_PINNING": False,
        }
        core = openvino.Core()
        try:
            compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise BadModel(
                f"OpenVINO cannot load {model.name}: {reason}",
                hint="set `runtime: onnxruntime` under `variants.cpu` to use ONNX Runtime",
            ) from error
        name = core.get_property("CPU", "FULL_DEVICE_NAME")
        return OpenVinoSession(compiled, f"OpenVINO {openvino.__version__} on CPU ({name.strip()})")


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry and return the module.

    The telemetry would send an event to a server for each import, and write a client ID into the
    home folder. The import takes a fifth less processor time without it.
    """
    # A module that is None cannot be imported; OpenVINO then uses a stub of its own.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    # Imported here, because the GPU variant's image does not have OpenVINO.
    import openvino

    return openvino


class OpenVinoSession:
    """A model compiled by OpenVINO; see Session."""

    warning = ""

    def __init__(self, compiled: "CompiledModel", device: str) -> None:
        self.device = device
        self._request = compiled.create_infer_request()
        # A port can have several names in no particular order, as in half-precision exports. Each
        # name refers to the port.
        self._inputs = {
            name: index for index, port in enumerate(compiled.inputs) for name in port.get_names()
        }
        self._outputs = {
            name: index for index, port in enumerate(compiled.outputs) for name in port.get_names()
        }
        self.signature = Signature(
            tuple(
                _tensor(name, compiled.inputs[index])
                for name, index in sorted(self._inputs.items())
            ),
            tuple(
                _tensor(name, compiled.outputs[index])
                for name, index in sorted(self._outputs.items())
            ),
        )
        self._read = set(self._outputs)

    def read(self, names: Iterable[str]) -> None:
        """See Session.read. OpenVINO computes all outputs; the others are not even views."""
        self._read = {it.name for it in chosen(self.signature, names)}

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """See Session.run."""
        results = self._request.infer(
            {self._inputs[name]: array for name, array in inputs.items()},
            share_inputs=True,
            share_outputs=True,
        )
        return {name: results[self._outputs[name]] for name in self._read}


def _tensor(name: str, port: Any) -> Tensor:
    """Return an input or output of a compiled model as a Tensor with one of its names."""
    shape = tuple(
        None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
    )
    return Tensor(name, shape, port.get_element_type().to_dtype().name)
