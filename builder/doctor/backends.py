"""The inference runtimes of all backends."""

from collections.abc import Iterator

from builder.backends.backend import Backend
from builder.backends.registry import backends, backends_of
from builder.doctor.check_result import CheckResult, Severity
from builder.doctor.runtime import Device, try_out


def modules() -> tuple[str, ...]:
    """Return the Python modules of all inference runtimes, in the order of their backends."""
    return tuple(dict.fromkeys(backend.module for backend in backends()))


def check(module: str) -> Iterator[CheckResult]:
    """Check that a runtime computes on the devices that functions use.

    Args:
        module: one of `modules`.
    """
    users = [backend for backend in backends() if backend.module == module]
    name, package = users[0].runtime, users[0].package
    found = try_out(module)
    if found.trouble:
        severity = max(map(_severity, users), key=("warning", "error").index)
        later = "; functions that use it can be built, but not smoke-tested here"
        yield CheckResult(
            module,
            severity,
            f"{name} cannot be used: {found.trouble}{later if severity == 'warning' else ''}",
            f"pip install --force-reinstall {package}",
            (f"pip install --force-reinstall {package}",),
        )
        return
    by_device = {backend.device: backend for backend in users}
    for device in found.devices:
        yield _result(f"{name} {found.version}", device, by_device.get(device.device), module)
    seen = [device.device for device in found.devices]
    for backend in users:
        # Other checks report a missing GPU.
        if backend.variant == "cpu" and backend.device not in seen:
            yield CheckResult(
                module,
                _severity(backend),
                f"{name} {found.version} sees no processor that it can use",
                f"pip install --force-reinstall {package}",
                (f"pip install --force-reinstall {package}",),
            )


def _result(title: str, device: Device, backend: Backend | None, module: str) -> CheckResult:
    """Return the result about one device, which only some backend's functions may use."""
    name = f"{device.device} ({device.name})" if device.name else device.device
    if not device.trouble:
        return CheckResult(module, "ok", f"{title} computes on {name}")
    if backend is None:
        # No function uses this device, so there is nothing to repair.
        return CheckResult(module, "ok", f"{title} sees {name}, but: {device.trouble}")
    return CheckResult(
        module,
        _severity(backend),
        f"{title} does not compute on {name}: {device.trouble}",
        backend.remedy,
    )


def _severity(backend: Backend) -> Severity:
    """Return "error" for the default of the CPU variant, which every build tries, or "warning"."""
    return "error" if backend == backends_of("cpu")[0] else "warning"
