"""Every version that a function's image installs, in one table.

Each list is complete: it has the packages that a function imports and all their dependencies, so
that an image built next year equals the image that was tested. openvino-telemetry alone is left
out: it reports each import of OpenVINO to a server, and OpenVINO works without it. The versions are
those of CPython 3.11 on Linux, for x86-64 and, except for CUDA 12, ARM. Raise them together, run
`python -m builder.reference.wheels` for their digests, and run the tests.
"""

from typing import NamedTuple

from builder.manifest.variants import Platform

PYTHON = "3.11"
"""The Python version of images. Every Nuclio from 1.12.8 on accepts 3.10 and 3.11 only, and current
ONNX Runtime and numpy need 3.11. Nuclio's wheels are for one minor version, so the image must have
the same."""

COMMON = (
    "numpy==2.4.6",
    "opencv-python-headless==5.0.0.93",
    "orjson==3.13.0",
    "pybase64==1.5.1",
    "simplejpeg==1.9.0",
)

_ONNXRUNTIME_NEEDS = ("flatbuffers==25.12.19", "packaging==26.3", "protobuf==7.36.2")

OPENVINO = ("openvino==2026.4.1",)

ONNXRUNTIME = ("onnxruntime==1.32.0", *_ONNXRUNTIME_NEEDS)

CUDA = {
    12: (
        "onnxruntime-gpu==1.26.0",
        *_ONNXRUNTIME_NEEDS,
        "nvidia-cublas-cu12==12.9.3.13",
        "nvidia-cuda-nvrtc-cu12==12.9.86",
        "nvidia-cuda-runtime-cu12==12.9.79",
        "nvidia-cudnn-cu12==9.28.0.42",
        "nvidia-cufft-cu12==11.4.1.4",
        "nvidia-curand-cu12==10.3.10.19",
        "nvidia-nvjitlink-cu12==12.9.86",
    ),
    13: (
        "onnxruntime-gpu==1.31.1",
        *_ONNXRUNTIME_NEEDS,
        "nvidia-cublas==13.10.0.20",
        "nvidia-cuda-nvrtc==13.5.37",
        "nvidia-cuda-runtime==13.5.37",
        "nvidia-cudnn-cu13==9.28.1.4",
        "nvidia-cufft==12.5.0.14",
        "nvidia-curand==10.4.5.25",
        "nvidia-nvjitlink==13.5.37",
    ),
}
"""CUDA version -> packages. onnxruntime-gpu 1.26.0 is the last version with wheels for CUDA 12."""

CUDA_DECODE = {
    12: ("nvidia-nvimgcodec-cu12==0.9.0.20", "nvidia-nvjpeg-cu12==12.4.0.76"),
    13: ("nvidia-nvimgcodec-cu13==0.9.0.20", "nvidia-nvjpeg==13.3.2.43"),
}
"""CUDA version -> packages that decode JPEG files on the GPU. Functions work without them."""

CUDA_PLATFORMS: dict[Platform, tuple[int, ...]] = {"amd64": (12, 13), "arm64": (13,)}
"""Platform -> the CUDA versions with wheels for it, the default first. PyPI has wheels of
onnxruntime-gpu for aarch64 from 1.29.0 on."""


class CudaCode(NamedTuple):
    """The code for GPUs in a wheel of ONNX Runtime.

    A GPU runs machine code for its own major compute capability and the same or an older minor one,
    and compiles intermediate code (PTX) for the same or an older compute capability.
    """

    machine: tuple[tuple[int, int], ...]
    """Compute capabilities with machine code."""
    intermediate: tuple[int, int] | None
    """Compute capability of the intermediate code; None without any."""

    def fits(self, capability: tuple[int, ...]) -> bool:
        """Return whether there is machine code for a GPU."""
        return any(it[0] == capability[0] and it <= capability for it in self.machine)

    def compiles(self, capability: tuple[int, ...]) -> bool:
        """Return whether a GPU without machine code can compile the intermediate code."""
        return self.intermediate is not None and self.intermediate <= capability


CUDA_CODE: dict[Platform, dict[int, CudaCode]] = {
    "amd64": {
        12: CudaCode(((6, 0), (7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0)), (9, 0)),
        13: CudaCode(((7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (12, 0)), None),
    },
    "arm64": {13: CudaCode(((8, 9), (9, 0), (12, 0), (12, 1)), None)},
}
"""Platform and CUDA version -> the code of the pinned wheel. Measured: the entries of the fat
binaries in libonnxruntime_providers_cuda.so were counted. The RTX 50 series has compute capability
12.0, NVIDIA's GB10 12.1, B200 10.0, and Jetson Orin 8.7."""


class OnnxVersions(NamedTuple):
    """The newest ONNX files that a version of ONNX Runtime loads."""

    ir_version: int
    """Newest IR version; older ones are all loaded."""
    opset: int
    """Newest version of the default operator set; the oldest is OLDEST_OPSET."""


OLDEST_OPSET = 7
"""Oldest opset that ONNX Runtime loads (onnxruntime.ai/docs/reference/compatibility.html)."""

ONNX_VERSIONS = {
    "1.26.0": OnnxVersions(13, 26),
    "1.31.1": OnnxVersions(13, 26),
    "1.32.0": OnnxVersions(14, 28),
}
"""Version of ONNX Runtime -> newest ONNX files. Measured: models of one `Add` with each IR version
and opset were loaded with the wheels of these versions. They refuse opsets whose definition was not
final at their release. OpenVINO loads any version, with its newest known operators."""

DOMAIN_VERSIONS = {
    "ai.onnx.ml": 5,
    "ai.onnx.training": 1,
    "ai.onnx.preview.training": 1,
    "com.microsoft": 1,
    "com.microsoft.nchwc": 1,
}
"""Domain of operators beside ONNX's default one -> newest version that ONNX Runtime loads. Measured
in the same way; the wheels of ONNX_VERSIONS have the same limits. A model that only imports a newer
version is refused, too; domains that ONNX Runtime does not know are not."""

DRIVERS = {12: (525, 60, 13), 13: (580, 65, 6)}
"""CUDA version -> oldest Linux driver that its packages support (cuDNN's support matrix,
docs.nvidia.com/deeplearning/cudnn/backend/latest/reference/support-matrix.html)."""

COMPUTE_CAPABILITY = (7, 5)
"""Compute capability of the oldest GPUs that this cuDNN supports: Turing."""


BY_TYPE = {"reid": ("scipy==1.17.1",)}
"""Function type -> packages that only this type needs: ReID's optimal assignment."""
