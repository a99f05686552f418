"""A program that tries an inference runtime: `python -m builder.doctor.trial openvino`.

A driver that does not fit can end the whole process, so the doctor runs this in a child process.
The first line of its output is `{"version": ..., "devices": [...]}`. For each device a line
`{"device": ..., "name": ..., "trouble": ...}` follows as soon as the device has computed, or failed
to compute, a model of one node.
"""

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from builder.backends.backend import Backend
from builder.backends.registry import backends
from runtimes.errors import FunctionError

Line = dict[str, Any]

_GIVEN, _EXPECTED = [-1.0, 2.0], [0.0, 2.0]
"""The model's input and its correct output."""


def one_node() -> bytes:
    """Return an ONNX model that is one Relu over two numbers."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def lines(module: str) -> Iterator[Line]:
    """Yield the lines of the output.

    Args:
        module: the Python module of the runtime.
    """
    version = importlib.import_module(module).__version__
    users = [backend for backend in backends() if backend.module == module]
    devices = {device: backend for backend in users for device in backend.devices()}
    yield {"version": version, "devices": list(devices)}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "one.onnx"
        model.write_bytes(one_node())
        for device, backend in devices.items():
            yield _tried(backend, device, model)


def _tried(backend: Backend, device: str, model: Path) -> Line:
    """Return the line about one device."""
    name, trouble = "", ""
    try:
        name = backend.device_title(device)
        (found,) = backend.compute(device, model, {"x": np.array(_GIVEN, np.float32)})
        if np.asarray(found).tolist() != _EXPECTED:
            trouble = f"it computes {np.asarray(found).tolist()} where {_EXPECTED} is right"
    except FunctionError as error:
        trouble = error.what
    except Exception as error:
        # Plug-ins raise exceptions of any class.
        text = str(error).strip().splitlines()
        trouble = text[-1].strip() if text else type(error).__name__
    return {"device": device, "name": name, "trouble": trouble}


if __name__ == "__main__":
    for line in lines(sys.argv[1]):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
