import re

import pytest

from builder.backends.registry import requirements
from builder.manifest.variant_schema import CpuVariant, GpuVariant
from builder.manifest.variants import Variant

VARIANTS: list[Variant] = [
    CpuVariant(),
    CpuVariant.model_validate({"runtime": "onnxruntime"}),
    GpuVariant.model_validate({"cuda": 12}),
    GpuVariant.model_validate({"cuda": 13}),
]


def names(variant: Variant) -> list[str]:
    return [re.split(r"[\[=]", line)[0] for line in requirements("detector", variant)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_package_has_one_exact_version(variant: Variant) -> None:
    for line in requirements("detector", variant):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9]+(\.[0-9]+)+", line)
    assert len(set(names(variant))) == len(names(variant))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_has_what_a_function_imports(variant: Variant) -> None:
    assert {"numpy", "opencv-python-headless", "orjson"} <= set(names(variant))
    # The other one needs libGL, which slim images do not have.
    assert "opencv-python" not in names(variant)


@pytest.mark.parametrize(
    ("variant", "runtime"),
    [
        (VARIANTS[0], "openvino"),
        (VARIANTS[1], "onnxruntime"),
        (VARIANTS[2], "onnxruntime-gpu"),
        (VARIANTS[3], "onnxruntime-gpu"),
    ],
)
def test_every_variant_has_exactly_one_runtime(variant: Variant, runtime: str) -> None:
    # Both onnxruntime packages install the same module: the later one would hide the GPU.
    assert {"openvino", "onnxruntime", "onnxruntime-gpu"} & set(names(variant)) == {runtime}


def test_cuda_libraries_are_of_the_version_that_was_asked_for() -> None:
    twelve, thirteen = names(VARIANTS[2]), names(VARIANTS[3])
    assert "onnxruntime-gpu==1.26.0" in requirements("detector", VARIANTS[2])
    assert all(name.endswith("-cu12") for name in twelve if name.startswith("nvidia-"))
    assert not any(name.endswith("-cu12") for name in thirteen)
    for part in ("cublas", "cuda-runtime", "cudnn", "cufft", "curand", "cuda-nvrtc"):
        assert any(name.startswith(f"nvidia-{part}") for name in twelve)
        assert any(name.startswith(f"nvidia-{part}") for name in thirteen)
