import ctypes
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
import pytest

from runtimes import gpu_jpeg
from runtimes.arrays import Array
from runtimes.backends import onnxruntime_cuda
from runtimes.backends.cuda import Cuda
from runtimes.backends.io_binding import IoBinding
from runtimes.backends.onnxruntime_cuda import OnnxRuntime, has_nvidia_driver
from runtimes.errors import BadModel, NoDevice
from runtimes.signature import Tensor
from tests.runtimes import graphs
from tests.runtimes.graphs import Axes

BACKEND = OnnxRuntime(device="cpu", threads=1)

without_gpu = pytest.mark.skipif(has_nvidia_driver(), reason="there is an NVIDIA driver")
with_gpu = pytest.mark.skipif(not has_nvidia_driver(), reason="there is no NVIDIA driver")


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
    output = "float16" if dtype == "float16" else "float32"
    known = np.zeros((1, 5, 6))
    file = graphs.constant(
        tmp_path / "model.onnx", known, shape=shape, dtype=dtype, output_dtype=output
    )
    signature = BACKEND.open(file).signature
    assert signature.inputs == (Tensor("images", declared, dtype),)
    assert signature.outputs == (Tensor("output0", (1, 5, 6), output),)


@pytest.mark.parametrize("metadata", [{}, {"task": "detect", "names": "{0: 'cat'}"}])
def test_metadata_of_the_file_are_read(tmp_path: Path, metadata: dict[str, str]) -> None:
    file = graphs.constant(tmp_path / "model.onnx", np.zeros((1, 5, 6)), metadata=metadata)
    assert BACKEND.open(file).signature.metadata == metadata


def test_the_cpu_by_choice_gives_no_warning(tmp_path: Path) -> None:
    session = BACKEND.open(graphs.echo(tmp_path / "model.onnx"))
    assert session.device == f"ONNX Runtime {onnxruntime.__version__} on CPU"
    assert session.warning == ""


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_file_that_is_not_a_model_is_refused(tmp_path: Path, device: str) -> None:
    file = tmp_path / "broken.onnx"
    file.write_bytes(b"this is not a model")
    backend = OnnxRuntime(device="cpu" if device == "cpu" else "cuda", allow_cpu_fallback=True)
    with pytest.raises(BadModel) as caught:
        backend.open(file)
    assert caught.value.what.startswith("ONNX Runtime cannot load broken.onnx: ")
    assert "\n" not in caught.value.what


@without_gpu
def test_without_a_gpu_the_gpu_variant_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(NoDevice) as caught:
        OnnxRuntime(device="cuda").open(graphs.echo(tmp_path / "model.onnx"))
    error = caught.value
    assert error.what == "the GPU variant cannot use a GPU: there is no NVIDIA driver"
    assert error.found == "CPUExecutionProvider"
    assert error.allowed == "CUDAExecutionProvider"
    assert "nvidia-smi" in error.hint
    assert "`allow_cpu_fallback: true`" in error.hint


@without_gpu
def test_without_a_gpu_the_fallback_runs_and_warns(tmp_path: Path) -> None:
    known = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    file = graphs.constant(tmp_path / "model.onnx", known)
    session = OnnxRuntime(device="cuda", allow_cpu_fallback=True).open(file)
    assert session.warning == "running on the CPU: there is no NVIDIA driver"
    assert session.device.endswith(" on CPU")
    outputs = session.run({"images": np.ones((1, 3, 64, 64), np.float32)})
    np.testing.assert_array_equal(outputs["output0"], known)


@with_gpu
def test_with_a_gpu_the_model_runs_there(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    file = graphs.convolution(
        tmp_path / "model.onnx", rng.normal(size=(4, 3, 3, 3)), np.zeros(4), shape=(1, 3, 16, 16)
    )
    image = rng.random((1, 3, 16, 16), np.float32)
    session = OnnxRuntime(device="cuda").open(file)
    assert session.device.endswith(" on CUDA, CPU")
    assert session.warning == ""
    found, wanted = session.run({"images": image}), BACKEND.open(file).run({"images": image})
    # CUDA may multiply in TF32, which has 10 bits of mantissa.
    np.testing.assert_allclose(found["features"], wanted["features"], atol=2e-2)


class FakeGpu:
    """Replaces ONNX Runtime's calls on a machine with an NVIDIA driver; sessions run on the CPU."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, built: bool, usable: bool) -> None:
        self.calls: list[str] = []
        self.providers: list[list[str]] = []
        self.cuda: list[dict[str, str]] = []
        self.options: list[onnxruntime.SessionOptions] = []
        self.usable = usable
        self.start = onnxruntime.InferenceSession
        available = ["CUDAExecutionProvider"] * built + ["CPUExecutionProvider"]
        monkeypatch.setattr(onnxruntime_cuda, "has_nvidia_driver", lambda: True)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: available)
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: self.calls.append("preload"))
        monkeypatch.setattr(onnxruntime, "InferenceSession", self.session)

    def session(
        self, model: Path, options: onnxruntime.SessionOptions, *, providers: list[Any]
    ) -> Any:
        self.calls.append("start")
        names = [it if isinstance(it, str) else it[0] for it in providers]
        self.providers.append(names)
        self.cuda += [it[1] for it in providers if it[0] == "CUDAExecutionProvider"]
        self.options.append(options)
        session = self.start(model, options, providers=["CPUExecutionProvider"])
        used = names if self.usable else ["CPUExecutionProvider"]
        session.get_providers = lambda: used
        return session


def test_cuda_comes_first_and_its_libraries_are_loaded_before_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = FakeGpu(monkeypatch, built=True, usable=True)
    session = OnnxRuntime().open(graphs.echo(tmp_path / "model.onnx"))
    assert gpu.calls == ["preload", "start"]
    assert gpu.providers == [["CUDAExecutionProvider", "CPUExecutionProvider"]]
    assert session.device == f"ONNX Runtime {onnxruntime.__version__} on CUDA, CPU"
    assert session.warning == ""


def test_the_cpu_by_choice_does_not_touch_the_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = FakeGpu(monkeypatch, built=True, usable=True)
    session = OnnxRuntime("cpu").open(graphs.echo(tmp_path / "model.onnx"))
    assert gpu.calls == ["start"]
    assert gpu.providers == [["CPUExecutionProvider"]]
    assert session.warning == ""


@pytest.mark.parametrize(("precision", "tf32"), [("float32", "0"), ("tf32", "1")])
def test_tf32_is_used_only_if_it_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: Literal["float32", "tf32"],
    tf32: str,
) -> None:
    gpu = FakeGpu(monkeypatch, built=True, usable=True)
    OnnxRuntime(precision=precision).open(graphs.echo(tmp_path / "model.onnx"))
    # ONNX Runtime, docs/execution-providers/CUDA-ExecutionProvider: `use_tf32`, 1 by default.
    assert [it["use_tf32"] for it in gpu.cuda] == [tf32]


def test_options_of_the_provider_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = FakeGpu(monkeypatch, built=True, usable=True)
    cuda = Cuda("DEFAULT", "kSameAsRequested", 2**30, enable_cuda_graph=True)
    OnnxRuntime(cuda=cuda).open(graphs.echo(tmp_path / "model.onnx"))
    assert gpu.cuda == [cuda.options(tf32=False)]


def test_inputs_and_outputs_are_bound_only_on_the_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = graphs.echo(tmp_path / "model.onnx", shape=(1, 3, 4, 4))
    image = np.random.default_rng(3).random((1, 3, 4, 4), np.float32)
    used: list[str] = []

    class Recording(IoBinding):
        def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
            used.append("bound")
            return super().run(inputs)

    monkeypatch.setattr(onnxruntime_cuda, "IoBinding", Recording)
    monkeypatch.setattr(onnxruntime_cuda, "_DEVICE", "cpu")
    np.testing.assert_array_equal(BACKEND.open(file).run({"images": image})["seen"], image)
    assert used == []
    FakeGpu(monkeypatch, built=True, usable=True)
    session = OnnxRuntime().open(file)
    np.testing.assert_array_equal(session.run({"images": image})["seen"], image)
    assert used == ["bound"]


@pytest.mark.parametrize("device", ["cuda", "cpu"])
@pytest.mark.parametrize("decode", ["gpu", "cpu"])
@pytest.mark.parametrize("there", [False, True])
def test_jpeg_files_are_decoded_on_the_gpu_that_runs_the_model(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: Literal["cuda", "cpu"],
    decode: Literal["gpu", "cpu"],
    there: bool,
) -> None:
    FakeGpu(monkeypatch, built=True, usable=True)
    started: list[str] = []

    def start() -> bool:
        started.append("gpu")
        return there

    monkeypatch.setattr(gpu_jpeg, "start", start)
    session = OnnxRuntime(device, decode=decode).open(graphs.echo(tmp_path / "model.onnx"))
    wanted = (device, decode) == ("cuda", "gpu")
    assert started == ["gpu"] * wanted
    assert session.device.endswith(", JPEG files decoded on the GPU") == (wanted and there)


def test_a_graph_without_cuda_kernels_gets_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeGpu(monkeypatch, built=True, usable=True)

    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("This session cannot use the graph capture feature")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refused)
    file = graphs.echo(tmp_path / "model.onnx")
    with pytest.raises(BadModel) as caught:
        OnnxRuntime(cuda=Cuda(enable_cuda_graph=True)).open(file)
    assert "`cuda_graph`" in caught.value.hint
    with pytest.raises(BadModel) as caught:
        OnnxRuntime(cuda=Cuda()).open(file)
    assert caught.value.hint == ""


NO_GPU = [
    # built with CUDA, the providers asked for, the reason
    (False, ["CPUExecutionProvider"], "this onnxruntime is built without CUDA"),
    (
        True,
        ["CUDAExecutionProvider", "CPUExecutionProvider"],
        "ONNX Runtime could not load its CUDA provider; its log says why",
    ),
]


@pytest.mark.parametrize(("built", "providers", "reason"), NO_GPU)
def test_an_unusable_gpu_is_refused_or_replaced_with_its_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    built: bool,
    providers: list[str],
    reason: str,
) -> None:
    file = graphs.echo(tmp_path / "model.onnx")
    gpu = FakeGpu(monkeypatch, built=built, usable=False)
    with pytest.raises(NoDevice) as caught:
        OnnxRuntime("cuda").open(file)
    assert caught.value.what == f"the GPU variant cannot use a GPU: {reason}"
    session = OnnxRuntime("cuda", allow_cpu_fallback=True).open(file)
    assert session.warning == f"running on the CPU: {reason}"
    assert session.device.endswith(" on CPU")
    assert gpu.providers == [providers] * 2


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_session_gets_the_number_of_threads_and_logs_errors_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: Literal["cpu", "cuda"]
) -> None:
    gpu = FakeGpu(monkeypatch, built=True, usable=True)
    file = graphs.echo(tmp_path / "model.onnx")
    monkeypatch.setattr("runtimes.cores.available", lambda: 5)
    for threads, workers in ((0, 1), (0, 2), (3, 2)):
        OnnxRuntime(device, threads, workers).open(file)
    assert [it.intra_op_num_threads for it in gpu.options] == [5, 2, 3]
    spinning = "session.intra_op.allow_spinning"
    assert [it.get_session_config_entry(spinning) for it in gpu.options] == ["0"] * 3
    # 0 verbose, 1 info, 2 warning, 3 error, 4 fatal.
    assert [it.log_severity_level for it in gpu.options] == [3] * 3
    assert all(it.enable_cpu_mem_arena and it.enable_mem_pattern for it in gpu.options)


def test_the_default_is_the_gpu_without_a_fallback() -> None:
    assert OnnxRuntime() == OnnxRuntime(
        "cuda", 0, 1, allow_cpu_fallback=False, precision="float32", low_memory=False
    )


@pytest.mark.parametrize(
    ("platform", "library"),
    [("linux", "libcuda.so.1"), ("win32", "nvcuda.dll")],
)
def test_the_driver_is_found_by_its_library(
    monkeypatch: pytest.MonkeyPatch, platform: str, library: str
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", loaded.append)
    assert has_nvidia_driver()
    assert loaded == [library]

    def absent(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert not has_nvidia_driver()


@pytest.mark.parametrize("low_memory", [False, True])
def test_low_memory_keeps_no_buffers_and_gives_the_same_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, low_memory: bool
) -> None:
    path = graphs.echo(tmp_path / "m.onnx", shape=(1, 3, 4, 4))
    given: list[onnxruntime.SessionOptions] = []
    start = onnxruntime.InferenceSession

    def started(model: Path, options: onnxruntime.SessionOptions, **more: Any) -> Any:
        given.append(options)
        return start(model, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", started)
    backend = OnnxRuntime("cpu", low_memory=low_memory)
    assert "low_memory" not in repr(backend)
    values = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    for _ in range(2):
        assert np.array_equal(backend.open(path).run({"images": values})["seen"], values)
    assert [it.enable_cpu_mem_arena for it in given] == [not low_memory] * 2
    assert [it.enable_mem_pattern for it in given] == [not low_memory] * 2
