"""A program that tries an inference runtime out: `python -m builder.doctor.trial openvino`.

A driver that does not fit can end the whole process, so the doctor never does this in its own. The
first line that it prints is `{"version": ..., "devices": [...]}`; then comes a line for each
device, `{"device": ..., "name": ..., "trouble": ...}`, as soon as the device has computed or failed
to compute a model of one node.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from runtimes.backends.onnxruntime_cuda import OnnxRuntime, has_nvidia_driver
from runtimes.errors import FunctionError

Line = dict[str, Any]

_GIVEN, _EXPECTED = [-1.0, 2.0], [0.0, 2.0]
"""What goes into the model, and what must come out of it."""


def one_node() -> bytes:
    """An ONNX model that is one Relu over two numbers."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def openvino() -> Iterator[Line]:
    """Try every device that OpenVINO sees."""
    import openvino as ov

    core = ov.Core()
    model = core.read_model(one_node())
    yield {"version": ov.__version__, "devices": list(core.available_devices)}
    for device in core.available_devices:
        name, trouble = "", ""
        try:
            name = str(core.get_property(device, "FULL_DEVICE_NAME")).strip()
            result = core.compile_model(model, device)([np.array(_GIVEN, np.float32)])[0]
            trouble = _judged(result)
        except Exception as error:
            # Plug-ins raise what they like.
            trouble = _line(error)
        yield {"device": device, "name": name, "trouble": trouble}


def onnxruntime() -> Iterator[Line]:
    """Try the devices that functions use, by the adapter that they use."""
    import onnxruntime as ort

    devices: list[Any] = ["cpu", *(["cuda"] if has_nvidia_driver() else [])]
    yield {"version": ort.__version__, "devices": devices}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "one.onnx"
        model.write_bytes(one_node())
        for device in devices:
            name, trouble = "", ""
            try:
                session = OnnxRuntime(device).open(model)
                name = session.device
                trouble = _judged(session.run({"x": np.array(_GIVEN, np.float32)})["y"])
            except FunctionError as error:
                trouble = error.what
            except Exception as error:
                trouble = _line(error)
            yield {"device": device, "name": name, "trouble": trouble}


def _judged(result: Any) -> str:
    """What is wrong with the model's output, or nothing."""
    found = np.asarray(result).tolist()
    return "" if found == _EXPECTED else f"it computes {found} where {_EXPECTED} is right"


def _line(error: Exception) -> str:
    """An exception on one line."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


RUNTIMES: dict[str, Callable[[], Iterator[Line]]] = {
    "openvino": openvino,
    "onnxruntime": onnxruntime,
}


if __name__ == "__main__":
    for line in RUNTIMES[sys.argv[1]]():
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
