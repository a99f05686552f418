import re

import pytest

from builder.backends import pins
from builder.backends.registry import requirements
from builder.manifest.variant_schema import CpuVariant, GpuVariant
from builder.manifest.variants import Platform, Variant

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


def test_the_default_cuda_version_of_a_platform() -> None:
    default = GpuVariant()
    assert requirements("detector", default) == requirements("detector", VARIANTS[2])
    # onnxruntime-gpu 1.26.0, the last version for CUDA 12, has no wheels for aarch64.
    assert requirements("detector", default, "arm64") == requirements("detector", VARIANTS[3])


@pytest.mark.parametrize("variant", [CpuVariant(), VARIANTS[1]])
def test_the_cpu_variant_is_the_same_on_each_platform(variant: Variant) -> None:
    assert requirements("reid", variant, "arm64") == requirements("reid", variant, "amd64")


@pytest.mark.parametrize(
    ("platform", "cuda", "capability", "expected"),
    [
        ("amd64", 12, (7, 5), "machine"),  # T4
        ("amd64", 12, (8, 6), "machine"),  # A10
        ("amd64", 12, (8, 7), "machine"),
        ("amd64", 12, (9, 0), "machine"),  # H100
        ("amd64", 12, (10, 0), "intermediate"),  # B200
        ("amd64", 12, (12, 0), "intermediate"),  # RTX 5090
        ("amd64", 13, (9, 0), "machine"),
        ("amd64", 13, (10, 0), "none"),
        ("amd64", 13, (12, 0), "machine"),
        ("amd64", 13, (12, 1), "machine"),
        ("amd64", 13, (7, 0), "none"),
        ("arm64", 13, (8, 7), "none"),  # Jetson Orin
        ("arm64", 13, (9, 0), "machine"),  # GH200
        ("arm64", 13, (10, 0), "none"),  # GB200
        ("arm64", 13, (12, 1), "machine"),  # DGX Spark
    ],
)
def test_which_gpus_a_wheel_has_code_for(
    platform: Platform, cuda: int, capability: tuple[int, int], expected: str
) -> None:
    code = pins.CUDA_CODE[platform][cuda]
    found = "machine" if code.fits(capability) else "none"
    if found == "none" and code.compiles(capability):
        found = "intermediate"
    assert found == expected


@pytest.mark.parametrize("cuda", [12, 13])
def test_packages_that_decode_on_the_gpu_can_be_left_out(cuda: int) -> None:
    with_decoder = names(GpuVariant.model_validate({"cuda": cuda}))
    without = names(GpuVariant.model_validate({"cuda": cuda, "decode": "cpu"}))
    added = set(with_decoder) - set(without)
    assert {name.removesuffix("-cu12").removesuffix("-cu13") for name in added} == {
        "nvidia-nvimgcodec",
        "nvidia-nvjpeg",
    }
