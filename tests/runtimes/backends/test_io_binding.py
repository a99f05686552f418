"""Bound runs, with buffers in the memory of the CPU."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from runtimes.arrays import Array
from runtimes.backends import onnxruntime_cuda
from runtimes.backends.io_binding import IoBinding
from runtimes.backends.onnxruntime_cuda import OnnxRuntimeSession
from runtimes.signature import Tensor
from tests.runtimes import graphs
from tests.runtimes.graphs import Axes

RNG = np.random.default_rng(8)


def started(file: Path) -> Any:
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def bound(file: Path) -> OnnxRuntimeSession:
    return OnnxRuntimeSession(started(file), "paper", "", on_gpu=True)


@pytest.fixture(autouse=True)
def _on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime_cuda, "_DEVICE", "cpu")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls that allocate or fill a buffer."""
    found: list[str] = []
    for name in ("ortvalue_from_numpy", "ortvalue_from_shape_and_type", "update_inplace"):
        original = getattr(onnxruntime.OrtValue, name)

        def recorded(*given: Any, name: str = name, original: Any = original) -> Any:
            found.append(name)
            return original(*given)

        static = name != "update_inplace"
        monkeypatch.setattr(
            onnxruntime.OrtValue, name, staticmethod(recorded) if static else recorded
        )
    return found


def test_equal_shapes_reuse_the_buffers(tmp_path: Path, calls: list[str]) -> None:
    session = bound(graphs.echo(tmp_path / "model.onnx", shape=(1, 3, 4, 4)))
    for _ in range(3):
        image = RNG.random((1, 3, 4, 4), np.float32)
        np.testing.assert_array_equal(session.run({"images": image})["seen"], image)
    assert calls == ["ortvalue_from_numpy", "ortvalue_from_shape_and_type", *["update_inplace"] * 2]


@pytest.mark.parametrize("shape", [(1, 3, 4, 6), (1, 3, "height", "width")])
def test_any_layout_in_memory_is_copied(tmp_path: Path, shape: Axes) -> None:
    session = bound(graphs.echo(tmp_path / "model.onnx", shape=shape))
    for _ in range(2):
        image = RNG.random((1, 4, 6, 3), np.float32).transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(session.run({"images": image})["seen"], image)


def test_a_result_is_not_overwritten_by_a_run_of_another_size(tmp_path: Path) -> None:
    session = bound(graphs.echo(tmp_path / "model.onnx", shape=(1, 3, "height", "width")))
    images = [RNG.random((1, 3, *size), np.float32) for size in ((4, 6), (5, 3), (4, 6))]
    found = [session.run({"images": image})["seen"] for image in images]
    for image, seen in zip(images, found, strict=True):
        np.testing.assert_array_equal(seen, image)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_element_types_are_kept(tmp_path: Path, dtype: str) -> None:
    known = np.array([[[0.5, 2, 1024]]], np.float32)
    output = "float16" if dtype == "float16" else "float32"
    file = graphs.constant(tmp_path / "model.onnx", known, dtype=dtype, output_dtype=output)
    image = np.ones((1, 3, 64, 64), dtype)
    found = bound(file).run({"images": image})["output0"]
    assert found.dtype == np.dtype(output)
    np.testing.assert_array_equal(found, known)


def test_only_the_outputs_that_are_read_are_bound(tmp_path: Path) -> None:
    session = bound(graphs.two_inputs(tmp_path / "model.onnx"))
    image = RNG.random((1, 3, 8, 8), np.float32)
    inputs = {"images": image, "weight": np.array([2], np.float32)}
    assert session.run(inputs).keys() == {"product", "same"}
    session.read(["product"])
    found = session.run(inputs)
    assert found.keys() == {"product"}
    np.testing.assert_array_equal(found["product"], image * 2)


class Refusing:
    """A session that cannot run with bound buffers."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.attempts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run_with_iobinding(self, binding: object) -> None:
        self.attempts += 1
        raise RuntimeError("OrtValue shape verification failed")


def test_a_model_that_cannot_be_bound_runs_without_buffers(tmp_path: Path) -> None:
    refusing: Any = Refusing(started(graphs.echo(tmp_path / "model.onnx", shape=(1, 3, 4, 4))))
    session = OnnxRuntimeSession(refusing, "paper", "", on_gpu=True)
    image = RNG.random((1, 3, 4, 4), np.float32)
    for _ in range(3):
        np.testing.assert_array_equal(session.run({"images": image})["seen"], image)
    assert refusing.attempts == 1


def test_a_cuda_graph_does_not_run_without_buffers(tmp_path: Path) -> None:
    refusing: Any = Refusing(started(graphs.echo(tmp_path / "model.onnx", shape=(1, 3, 4, 4))))
    session = OnnxRuntimeSession(refusing, "paper", "", on_gpu=True, graph=True)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="verification failed"):
            session.run({"images": np.zeros((1, 3, 4, 4), np.float32)})
    assert refusing.attempts == 2


def test_a_wrong_input_does_not_switch_binding_off(tmp_path: Path, calls: list[str]) -> None:
    session = bound(graphs.echo(tmp_path / "model.onnx", shape=(1, 3, 4, 4)))
    wrong = np.zeros((1, 3, 5, 5), np.float32)
    with pytest.raises(Exception, match="invalid dimensions"):
        session.run({"images": wrong})
    calls.clear()
    image = RNG.random((1, 3, 4, 4), np.float32)
    np.testing.assert_array_equal(session.run({"images": image})["seen"], image)
    assert "ortvalue_from_numpy" in calls


def test_a_buffer_of_another_shape_than_the_output_is_refused(tmp_path: Path) -> None:
    # Some exports declare wrong shapes. ONNX Runtime must not write beyond the buffer.
    session = started(graphs.echo(tmp_path / "model.onnx", shape=(1, 3, "height", "width")))
    binding = IoBinding(session, [Tensor("seen", (1, 3, 4, 4), "float32")], "cpu")
    image: Array = RNG.random((1, 3, 5, 6), np.float32)
    with pytest.raises(Exception, match=r"(?i)shape"):
        binding.run({"images": image})
