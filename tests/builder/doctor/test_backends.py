"""OpenVINO and ONNX Runtime, broken in the ways in which they break: by modules of their names."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from builder.doctor import backends
from tests.builder.doctor.conftest import check_form, only

Break: TypeAlias = Callable[[str, str], None]

OPENVINO = """
import os
import numpy as np
__version__ = "1.2.3"
print("a library says something")
class Core:
    available_devices = {devices}
    def read_model(self, model): return model
    def get_property(self, device, name): return "Chip of " + device
    def compile_model(self, model, device):
        {gpu}
        return lambda given: [np.maximum(given[0], 0)]
"""


@pytest.fixture
def break_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Break:
    """Puts a module in the place of an installed one, for child processes."""
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)

    def write(module: str, text: str) -> None:
        (tmp_path / f"{module}.py").write_text(text, "utf-8")

    return write


def test_an_openvino_that_cannot_be_imported_is_an_error(break_module: Break) -> None:
    break_module("openvino", "raise ImportError('libopenvino.so: no such file')\n")
    result = only(backends.check("openvino"))
    check_form([result])
    assert result.severity == "error"
    assert result.what == ("OpenVINO cannot be used: ImportError: libopenvino.so: no such file")


def test_an_openvino_that_ends_the_process_is_an_error(break_module: Break) -> None:
    break_module("openvino", "import os; os.kill(os.getpid(), 9)\n")
    result = only(backends.check("openvino"))
    check_form([result])
    assert result.severity == "error"
    assert result.what == "OpenVINO cannot be used: the process ends with status -9"


def test_a_gpus_plug_in_that_ends_the_process_does_not_matter(break_module: Break) -> None:
    gpu = "if device == 'GPU': os.kill(os.getpid(), 9)"
    break_module("openvino", OPENVINO.format(devices=["CPU", "GPU"], gpu=gpu))
    found = list(backends.check("openvino"))
    check_form(found)
    assert [(result.severity, result.what) for result in found] == [
        ("ok", "OpenVINO 1.2.3 computes on CPU (Chip of CPU)"),
        ("ok", "OpenVINO 1.2.3 sees GPU, but: the process ends with status -9"),
    ]


@pytest.mark.parametrize(
    ("cpu", "trouble"),
    [
        ("raise RuntimeError('a\\nno SSE4.2\\n')", "no SSE4.2"),
        ("return lambda given: [given[0]]", "it computes [-1.0, 2.0] where [0.0, 2.0] is right"),
    ],
)
def test_a_processor_that_does_not_compute_is_an_error(
    break_module: Break, cpu: str, trouble: str
) -> None:
    break_module("openvino", OPENVINO.format(devices=["CPU"], gpu=cpu))
    result = only(backends.check("openvino"))
    check_form([result])
    assert result.severity == "error"
    assert result.what == f"OpenVINO 1.2.3 does not compute on CPU (Chip of CPU): {trouble}"


def test_an_openvino_without_a_processor_is_an_error(break_module: Break) -> None:
    break_module("openvino", OPENVINO.format(devices=[], gpu="pass"))
    result = only(backends.check("openvino"))
    check_form([result])
    assert (result.severity, result.what) == (
        "error",
        "OpenVINO 1.2.3 sees no processor that it can use",
    )


def test_an_onnx_runtime_that_cannot_be_imported_is_a_warning(break_module: Break) -> None:
    break_module("onnxruntime", "raise ImportError('DLL load failed')\n")
    result = only(backends.check("onnxruntime"))
    check_form([result])
    assert result.severity == "warning"
    assert result.what.startswith("ONNX Runtime cannot be used: ImportError: DLL load failed")
