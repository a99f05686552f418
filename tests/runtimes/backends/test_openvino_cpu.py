import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
import pytest

from runtimes.backends.openvino_cpu import OpenVino
from runtimes.cores import available
from runtimes.errors import BadModel
from runtimes.signature import Tensor
from tests.runtimes import graphs
from tests.runtimes.graphs import Axes

BACKEND = OpenVino(threads=1)


@pytest.mark.parametrize(
    ("shape", "declared"),
    [
        ((1, 3, 64, 64), (1, 3, 64, 64)),
        ((1, 48, 64, 3), (1, 48, 64, 3)),
        ((3, 64, 64), (3, 64, 64)),
        (("batch", 3, "height", "width"), (None, 3, None, None)),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "uint8"])
def test_signature_is_what_the_graph_declares(
    tmp_path: Path, shape: Axes, declared: tuple[int | None, ...], dtype: str
) -> None:
    file = graphs.constant(tmp_path / "model.onnx", np.zeros((1, 5, 6)), shape=shape, dtype=dtype)
    signature = BACKEND.open(file).signature
    assert signature.inputs == (Tensor("images", declared, dtype),)
    assert signature.outputs == (Tensor("output0", (1, 5, 6), "float32"),)


def test_device_names_the_runtime_its_version_and_the_processor(tmp_path: Path) -> None:
    session = BACKEND.open(graphs.echo(tmp_path / "model.onnx"))
    assert session.device.startswith(f"OpenVINO {openvino.__version__} on CPU (")
    assert session.warning == ""


@pytest.mark.parametrize(
    ("cores", "threads", "workers", "used"),
    [(6, 0, 1, 6), (6, 0, 2, 3), (0.5, 0, 2, 1), (6, 1, 2, 1), (1, 2, 1, 2)],
)
def test_the_model_is_compiled_for_latency_in_single_precision_with_a_share_of_the_cores(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cores: float,
    threads: int,
    workers: int,
    used: int,
) -> None:
    monkeypatch.setattr("runtimes.cores.available", lambda: cores)
    given: list[tuple[Path, str, dict[str, Any]]] = []
    compiled: list[openvino.CompiledModel] = []
    core = openvino.Core()

    class Recorder:
        def get_property(self, device: str, name: str) -> Any:
            return core.get_property(device, name)

        def compile_model(self, model: Path, device: str, settings: dict[str, Any]) -> Any:
            given.append((model, device, settings))
            compiled.append(core.compile_model(model, device, settings))
            return compiled[-1]

    monkeypatch.setattr(openvino, "Core", Recorder)
    file = graphs.echo(tmp_path / "model.onnx")
    OpenVino(threads, workers).open(file)
    wanted = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": used,
        "ENABLE_CPU_PINNING": False,
    }
    assert given == [(file, "CPU", wanted)]
    # OpenVINO understood all of them.
    (model,) = compiled
    assert model.get_property("PERFORMANCE_HINT") == "LATENCY"
    assert model.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32
    # It uses fewer threads if the machine has fewer cores.
    assert model.get_property("INFERENCE_NUM_THREADS") == min(used, int(available()))
    assert model.get_property("ENABLE_CPU_PINNING") is False
    assert OpenVino() == OpenVino(0, 1)


def test_an_openvino_ir_runs(tmp_path: Path) -> None:
    known = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    model = openvino.convert_model(graphs.constant(tmp_path / "model.onnx", known))
    openvino.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    session = BACKEND.open(tmp_path / "model.xml")
    outputs = session.run({"images": np.ones((1, 3, 64, 64), np.float32)})
    np.testing.assert_array_equal(outputs["output0"], known)


def test_an_output_with_two_names_is_found_under_each(tmp_path: Path) -> None:
    known = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    model = openvino.convert_model(graphs.constant(tmp_path / "model.onnx", known))
    model.outputs[0].get_tensor().add_names({"detections"})
    openvino.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    session = BACKEND.open(tmp_path / "model.xml")
    assert [tensor.name for tensor in session.signature.outputs] == ["detections", "output0"]
    outputs = session.run({"images": np.ones((1, 3, 64, 64), np.float32)})
    np.testing.assert_array_equal(outputs["output0"], known)
    np.testing.assert_array_equal(outputs["detections"], known)


def test_computes_in_single_precision_on_every_processor(tmp_path: Path) -> None:
    # 1 + 2**-20 is 1 in bfloat16 and in float16; multiplied and reduced, so that it is computed.
    weights = np.full((1, 3, 1, 1), 1 + 2**-20)
    file = graphs.convolution(tmp_path / "model.onnx", weights, np.zeros(1), shape=(1, 3, 4, 4))
    outputs = BACKEND.open(file).run({"images": np.ones((1, 3, 4, 4), np.float32)})
    np.testing.assert_allclose(outputs["features"] - 3, 3 * 2**-20, rtol=0.2)


def test_a_file_that_is_not_a_model_is_refused_with_a_hint(tmp_path: Path) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"this is not a model")
    with pytest.raises(BadModel) as caught:
        BACKEND.open(file)
    assert "OpenVINO cannot load broken.onnx: " in caught.value.what
    assert "\n" not in caught.value.what
    assert "`runtime: onnxruntime`" in caught.value.hint


def test_an_operation_that_openvino_lacks_is_refused_with_a_hint(tmp_path: Path) -> None:
    file = graphs.echo(tmp_path / "model.onnx")
    model = onnx.load(file)
    model.graph.node[0].CopyFrom(
        onnx.helper.make_node("NoSuchOperation", ["images"], ["seen"], domain="example.org")
    )
    model.opset_import.append(onnx.helper.make_opsetid("example.org", 1))
    onnx.save(model, file)
    with pytest.raises(BadModel) as caught:
        BACKEND.open(file)
    assert caught.value.what.startswith("OpenVINO cannot load model.onnx: ")
    assert "`runtime: onnxruntime`" in caught.value.hint


@pytest.mark.slow
def test_openvino_is_imported_without_its_telemetry(tmp_path: Path) -> None:
    code = (
        "import sys; from runtimes.backends.openvino_cpu import import_openvino; "
        "import_openvino().Core(); print(sorted(it for it in sys.modules if 'telemetry' in it))"
    )
    # Telemetry is off in CI anyway.
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "openvino.tools.ovc.telemetry_stub" in done.stdout
    assert "openvino_telemetry." not in done.stdout
    assert list(tmp_path.iterdir()) == []
