from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from builder.lint.examine import plan
from builder.manifest.variants import VARIANTS, VariantName
from builder.plan.selection import IR_WITHOUT_OPENVINO
from tests.builder import models
from tests.builder.conftest import WriteManifest, detector_of, failure

Ir: TypeAlias = Callable[..., Path]


@pytest.fixture
def ir(write_manifest: WriteManifest, tmp_path: Path) -> Ir:
    """Writes a manifest of an OpenVINO IR with some settings of the variants."""
    name = models.openvino_model(tmp_path).name

    def write(**variants: Any) -> Path:
        return write_manifest(model=name, labels=["a", "b", "c"], variants=variants)

    return write


@pytest.mark.parametrize(
    ("settings", "wanted", "kept"),
    [
        ({}, ("cpu", "gpu"), ("cpu", "gpu")),
        ({}, ("gpu", "cpu"), ("cpu", "gpu")),
        ({}, ("gpu",), ("gpu",)),
        ({"gpu": False}, ("cpu", "gpu"), ("cpu",)),
        ({"cpu": False}, ("cpu", "gpu"), ("gpu",)),
    ],
)
def test_requested_variants_that_are_not_switched_off_are_built(
    write_manifest: WriteManifest,
    settings: dict[str, Any],
    wanted: tuple[VariantName, ...],
    kept: tuple[VariantName, ...],
) -> None:
    assert plan(write_manifest(variants=settings), wanted).variants == kept


def test_a_requested_variant_that_is_switched_off(write_manifest: WriteManifest) -> None:
    manifest = write_manifest(variants={"gpu": False})
    (problem,) = failure(lambda: plan(manifest, ("gpu",))).problems
    assert problem.what == "the requested variant is switched off: gpu"
    assert problem.place == "variants"


def test_a_variant_without_a_backend_for_the_model(ir: Ir) -> None:
    made = plan(ir(gpu=False))
    assert made.variants == ("cpu",)
    assert detector_of(made).network.file == "model.xml"
    (problem,) = failure(lambda: plan(ir())).problems
    assert (problem.place, problem.line) == ("model", 3)
    assert problem.what == "is an OpenVINO IR, which the GPU variant cannot run"
    assert problem.allowed == "an ONNX file"
    assert problem.hint == "write `variants: {gpu: false}` to build the CPU variant alone"
    assert problem.rule is IR_WITHOUT_OPENVINO


@pytest.mark.parametrize("wanted", [VARIANTS, ("cpu",)])
def test_a_backend_that_cannot_load_the_model(ir: Ir, wanted: tuple[VariantName, ...]) -> None:
    manifest = ir(cpu={"runtime": "onnxruntime"}, gpu=False)
    (problem,) = failure(lambda: plan(manifest, wanted)).problems
    assert problem.place == "variants.cpu.runtime"
    assert problem.what == "an OpenVINO IR can only be run by OpenVINO"
    assert (problem.found, problem.allowed) == ("onnxruntime", "openvino")
    assert problem.rule is IR_WITHOUT_OPENVINO


def test_a_variant_that_cannot_be_built_comes_before_another_backend(ir: Ir) -> None:
    (problem,) = failure(lambda: plan(ir(cpu={"runtime": "onnxruntime"}))).problems
    assert "GPU variant" in problem.what
