from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from builder.plan.examination import Examination
from runtimes.arrays import Array
from runtimes.backends.onnxruntime_cuda import OnnxRuntime
from runtimes.backends.openvino_cpu import OpenVino
from runtimes.backends.session import Backend
from tests.builder.conftest import WriteManifest, png
from tests.builder.plan.conftest import Planned
from tests.runtimes import graphs


@pytest.mark.parametrize("backend", [OpenVino(), OnnxRuntime("cpu")])
def test_results_and_inputs_of_each_image(planned: Planned, backend: Backend) -> None:
    plan = planned()
    seen: list[tuple[str, Mapping[str, Array]]] = []
    file = plan.models[0].files["model.onnx"]
    examination = Examination(
        plan.function,
        ("model.onnx",),
        lambda _: backend.open(file),
        lambda name, inputs: seen.append((name, inputs)),
    )
    found = list(examination([png(value=0), png(value=255)]))
    # The run on a blank image at the start is not among them.
    assert [name for name, _ in seen] == ["model.onnx"] * 2
    assert [float(inputs["images"].max()) for _, inputs in seen] == [0, 1]
    assert sorted(found[0]["scores"][found[0]["scores"] > 0.2].tolist()) == pytest.approx(
        [0.75, 0.9]
    )
    assert examination.not_finite == set()


def test_outputs_that_are_not_finite_are_named(
    write_manifest: WriteManifest, tmp_path: Path, planned: Planned
) -> None:
    values = np.zeros((1, 7, 84), np.float32)
    values[0, 0, 0] = np.inf
    graphs.constant(tmp_path / "other.onnx", values)
    examination = Examination(
        planned().function,
        ("model.onnx",),
        lambda _: OnnxRuntime("cpu").open(tmp_path / "other.onnx"),
    )
    list(examination([png()]))
    assert examination.not_finite == {"output0"}
