from typing import Any

import pytest

from builder.backends.backend import BackendSettings
from builder.backends.precision import PRECISION_SETTINGS, UNSUPPORTED_PRECISION
from builder.backends.registry import backend_of
from builder.lint.examine import examine, plan
from tests.builder.conftest import WriteManifest, png


def settings(write_manifest: WriteManifest, variant: Any, **keys: Any) -> Any:
    return plan(write_manifest(variants={variant: keys})).settings(variant)


@pytest.mark.parametrize("precision", ["fp16", "tf32"])
def test_precisions_of_gpus_are_refused(write_manifest: WriteManifest, precision: str) -> None:
    file = write_manifest(variants={"cpu": {"precision": precision}})
    (problem,) = examine(file).problems
    assert (problem.rule, problem.place) == (UNSUPPORTED_PRECISION, "variants.cpu.precision")


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_the_cpu_variant_loads_the_quantized_file(
    write_manifest: WriteManifest, tmp_path: Any, runtime: str
) -> None:
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(png())
    given = settings(write_manifest, "cpu", precision="int8", calibration=".", runtime=runtime)
    assert backend_of(given).adapter(given).suffix == "-cpu"


@pytest.mark.parametrize(
    ("variant", "keys", "reduced", "suffix"),
    [
        ("cpu", {}, None, ""),
        ("gpu", {}, None, ""),
        ("gpu", {"precision": "tf32"}, None, ""),
        ("gpu", {"precision": "fp16"}, "fp16", "-gpu"),
    ],
)
def test_only_reduced_precision_needs_another_file(
    write_manifest: WriteManifest, variant: Any, keys: Any, reduced: str | None, suffix: str
) -> None:
    given = settings(write_manifest, variant, **keys)
    assert given.part(BackendSettings).reduced == reduced
    assert backend_of(given).adapter(given).suffix == suffix


@pytest.mark.parametrize(
    "keys",
    [{"precision": "int8"}, {"calibration": "."}, {"precision": "float32", "calibration": "."}],
)
def test_calibration_images_are_required_exactly_if_they_are_used(
    write_manifest: WriteManifest, keys: Any
) -> None:
    (problem,) = examine(write_manifest(variants={"cpu": keys})).problems
    assert (problem.rule, problem.place) == (PRECISION_SETTINGS, "variants.cpu.calibration")


def test_limits_are_refused_where_nothing_is_measured(write_manifest: WriteManifest) -> None:
    (problem,) = examine(write_manifest(variants={"gpu": {"max_difference": {"box": 1}}})).problems
    assert (problem.rule, problem.place) == (PRECISION_SETTINGS, "variants.gpu.max_difference")
