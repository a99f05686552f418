from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

from runtimes.arrays import Array
from runtimes.backends.session import load, run_fitted
from runtimes.errors import BadModel
from runtimes.signature import Signature, Tensor


class Recorded:
    """A session that returns its inputs."""

    signature = Signature(
        (Tensor("image", (1, 1, 4, 4), "float32"), Tensor("count", (1,), "int64")), ()
    )
    device, warning = "paper", ""

    def __init__(self) -> None:
        self.names: list[str] = []

    def read(self, names: Iterable[str]) -> None:
        self.names = list(names)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        return dict(inputs)


class Opener:
    """A backend that records the files that it loads."""

    threads = workers = 1

    suffix = ""

    def __init__(self) -> None:
        self.opened: list[Path] = []

    def open(self, model: Path) -> Recorded:
        self.opened.append(model)
        return Recorded()


def test_arrays_are_converted_to_the_types_of_the_inputs() -> None:
    given = {"image": np.ones((1, 1, 4, 4), np.uint8), "count": np.array([3.0])}
    found = run_fitted(Recorded(), given)
    assert {name: str(array.dtype) for name, array in found.items()} == {
        "image": "float32",
        "count": "int64",
    }


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4), (1, 1, 4, 4)])
def test_leading_axes_are_added(shape: tuple[int, ...]) -> None:
    found = run_fitted(Recorded(), {"image": np.zeros(shape)})
    assert found["image"].shape == (1, 1, 4, 4)


def test_an_unknown_input_is_refused() -> None:
    with pytest.raises(BadModel, match="no input called 'frame'") as caught:
        run_fitted(Recorded(), {"frame": np.zeros(1)})
    assert caught.value.found == "image, count"


def test_a_model_is_loaded_from_the_functions_folder(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    backend = Opener()
    load("model.onnx", backend, tmp_path)
    assert backend.opened == [tmp_path / "model.onnx"]


@pytest.mark.parametrize(
    ("file", "own"), [("model.onnx", "model-gpu.onnx"), ("then-1.onnx", "then-1-gpu.onnx")]
)
def test_a_variant_with_files_of_its_own_loads_them(tmp_path: Path, file: str, own: str) -> None:
    (tmp_path / file).touch()
    (tmp_path / own).touch()
    backend = Opener()
    backend.suffix = "-gpu"
    load(file, backend, tmp_path)
    assert backend.opened == [tmp_path / own]


def test_a_missing_model_file_is_reported_with_its_path(tmp_path: Path) -> None:
    backend = Opener()
    with pytest.raises(BadModel) as caught:
        load("model.onnx", backend, tmp_path)
    assert caught.value.what == f"the model file {tmp_path / 'model.onnx'} is missing"
    assert backend.opened == []
