"""ONNX Runtime: the GPU variant's runtime, and the CPU variant's where OpenVINO cannot be."""

from collections.abc import Iterator

from builder.doctor.finding import Finding
from builder.doctor.runtime import try_out


def check() -> Iterator[Finding]:
    """Whether ONNX Runtime computes on the processor and, where there is a GPU's driver, on it."""
    runtime = try_out("onnxruntime")
    if runtime.trouble:
        yield Finding(
            "onnxruntime",
            "warning",
            f"ONNX Runtime cannot be used: {runtime.trouble}; GPU variants can be built, but not "
            "tried out here",
            "pip install --force-reinstall onnxruntime-gpu",
        )
        return
    for device in runtime.devices:
        if not device.trouble:
            yield Finding("onnxruntime", "ok", f"{device.name} computes")
        elif device.device == "cpu":
            yield Finding(
                "onnxruntime",
                "warning",
                f"ONNX Runtime {runtime.version} does not compute on the CPU: {device.trouble}",
                "pip install --force-reinstall onnxruntime-gpu",
            )
        else:
            yield Finding(
                "onnxruntime",
                "warning",
                f"ONNX Runtime {runtime.version} does not compute on the GPU: {device.trouble}",
                "a function's image brings its own CUDA and need not care; for this machine: pip "
                "install 'onnxruntime-gpu[cuda,cudnn]'",
            )
