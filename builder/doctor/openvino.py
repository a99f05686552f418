"""OpenVINO: the CPU variant's runtime."""

from collections.abc import Iterator

from builder.doctor.finding import Finding
from builder.doctor.runtime import try_out


def check() -> Iterator[Finding]:
    """Whether OpenVINO computes on the processor, and on what else."""
    runtime = try_out("openvino")
    if runtime.trouble:
        yield Finding(
            "openvino",
            "error",
            f"OpenVINO cannot be used: {runtime.trouble}",
            "pip install --force-reinstall openvino",
        )
        return
    title = f"OpenVINO {runtime.version}"
    for device in runtime.devices:
        name = f"{device.device} ({device.name})" if device.name else device.device
        if not device.trouble:
            yield Finding("openvino", "ok", f"{title} computes on {name}")
        elif device.device == "CPU":
            yield Finding(
                "openvino",
                "error",
                f"{title} does not compute on {name}: {device.trouble}",
                "pip install --force-reinstall openvino; it needs a processor with SSE4.2 or NEON",
            )
        else:
            # Functions compute on the processor alone, so nobody need mend this.
            yield Finding("openvino", "ok", f"{title} sees {name}, but: {device.trouble}")
    if "CPU" not in [device.device for device in runtime.devices]:
        yield Finding(
            "openvino",
            "error",
            f"{title} sees no processor that it can use",
            "pip install --force-reinstall openvino",
        )
