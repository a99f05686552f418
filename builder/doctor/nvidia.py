"""The NVIDIA driver and GPUs, compared with the CUDA and cuDNN of GPU variants."""

import platform
from collections.abc import Iterator

from builder.backends.pins import COMPUTE_CAPABILITY, CUDA_CODE, CUDA_PLATFORMS, DRIVERS
from builder.doctor.check_result import CheckResult
from builder.doctor.programs import Output, ProgramError, ProgramNotFound, run_program
from builder.manifest.variants import Platform
from runtimes.backends.onnxruntime_cuda import has_nvidia_driver

_REINSTALL = "restart the machine; if that does not help, reinstall the driver"
_ELSEWHERE = "run GPU variants on a machine with an NVIDIA GPU"


def check() -> Iterator[CheckResult]:
    """Check that the driver supports the pinned CUDA, and each GPU the pinned cuDNN."""
    gpus = _find()
    if isinstance(gpus, CheckResult):
        yield gpus
        return
    yield from _driver(gpus[0][1])
    for gpu in gpus:
        yield from _gpu(gpu)


def check_cuda(cuda: int) -> Iterator[CheckResult]:
    """Check that the driver and the GPUs support the CUDA version of one function.

    Yields:
        The results that are not ok.
    """
    gpus = _find()
    if isinstance(gpus, CheckResult):
        yield gpus
        return
    driver = gpus[0][1]
    if _version(driver) < DRIVERS[cuda]:
        what = f"driver {driver} is too old for CUDA {cuda}, which the function uses"
        remedy = f"install driver {_spelled(DRIVERS[cuda])} or newer"
        yield CheckResult("nvidia", "warning", what, remedy)
    code = CUDA_CODE[_platform()].get(cuda)
    for gpu in gpus:
        capability = _version(gpu[2]) if len(gpu) > 2 else ()
        if code is None or not capability or code.fits(capability):
            continue
        what = f"ONNX Runtime for CUDA {cuda} has no machine code for {gpu[0]} (compute capability "
        what += f"{gpu[2]})"
        compiles = "; each new container compiles it at the first request"
        what += compiles if code.compiles(capability) else ", and cannot run on it"
        remedy = "write another `cuda` in the manifest; `cvatbuild doctor` names it"
        yield CheckResult("nvidia", "warning", what, remedy)


def _find() -> list[list[str]] | CheckResult:
    """Return name, driver version and compute capability of each GPU, or why there is none."""
    try:
        output = _query("name,driver_version,compute_cap")
        # Drivers without this field are too old for CUDA 12, but the result names the GPU.
        if output.status and "compute_cap" in output.out + output.err:
            output = _query("name,driver_version")
    except ProgramNotFound:
        return CheckResult("nvidia", "warning", *_without_tool())
    except ProgramError as error:
        return CheckResult("nvidia", "warning", str(error), _REINSTALL)
    gpus = [[part.strip() for part in line.split(",")] for line in output.out.splitlines()]
    gpus = [gpu for gpu in gpus if len(gpu) >= 2 and _version(gpu[1])]
    if output.status or not gpus:
        what = f"nvidia-smi finds no GPU: {output.error_line}"
        return CheckResult("nvidia", "warning", what, _REINSTALL)
    return gpus


def _query(fields: str) -> Output:
    """Query nvidia-smi for fields of every GPU, one GPU per line."""
    return run_program("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits")


def _without_tool() -> tuple[str, str]:
    """Return the message and the remedy for a machine without nvidia-smi."""
    if has_nvidia_driver():
        return (
            "nvidia-smi is not on the PATH; the version of the NVIDIA driver is unknown",
            "install the utilities of the driver, such as the package nvidia-utils",
        )
    return "no NVIDIA driver found; GPU variants cannot run on this machine", _ELSEWHERE


def _driver(text: str) -> Iterator[CheckResult]:
    """Check which values of the manifest's `cuda` key a driver supports."""
    default, *others = CUDA_PLATFORMS[_platform()]
    runs = [cuda for cuda in (default, *others) if _version(text) >= DRIVERS[cuda]]
    if default not in runs:
        yield CheckResult(
            "nvidia",
            "warning",
            f"driver {text} is too old for CUDA {default}, which GPU variants use",
            f"install driver {_spelled(DRIVERS[default])} or newer",
        )
        return
    beyond = "".join(
        f"; `cuda: {cuda}` needs driver {_spelled(DRIVERS[cuda])} or newer"
        for cuda in others
        if cuda not in runs
    )
    keys = " and ".join(f"`cuda: {cuda}`" for cuda in runs)
    yield CheckResult("nvidia", "ok", f"driver {text} supports {keys}{beyond}")


def _gpu(gpu: list[str]) -> Iterator[CheckResult]:
    """Check that the pinned packages support a GPU: name, driver version, compute capability."""
    name, capability = gpu[0], _version(gpu[2]) if len(gpu) > 2 else ()
    if not capability:
        yield CheckResult("nvidia", "ok", name)
    elif capability < COMPUTE_CAPABILITY:
        yield CheckResult(
            "nvidia",
            "warning",
            f"{name} has compute capability {gpu[2]}; the cuDNN of GPU variants needs "
            f"{_spelled(COMPUTE_CAPABILITY)}",
            _ELSEWHERE + " of the Turing generation or newer",
        )
    else:
        yield _code(name, gpu[2], capability)


def _code(name: str, text: str, capability: tuple[int, ...]) -> CheckResult:
    """Return which value of the manifest's `cuda` key has code for a GPU."""
    codes = CUDA_CODE[_platform()]
    default = CUDA_PLATFORMS[_platform()][0]
    fitting = [cuda for cuda, code in codes.items() if code.fits(capability)]
    compiling = [cuda for cuda, code in codes.items() if code.compiles(capability)]
    title = f"{name} (compute capability {text})"
    if default in fitting:
        return CheckResult("nvidia", "ok", name)
    slow = "each new container compiles its code for this GPU at the first request"
    if fitting:
        what = f"{title} needs `cuda: {fitting[0]}`: with CUDA {default} {slow}"
        return CheckResult("nvidia", "warning", what, f"write `cuda: {fitting[0]}` in manifests")
    if compiling:
        what = f"{title}: with `cuda: {compiling[0]}`, the only one that has code for it, {slow}"
        return CheckResult("nvidia", "ok", what)
    what = f"ONNX Runtime's wheels for {_platform()} have no code for {title}"
    return CheckResult("nvidia", "warning", what, "deploy CPU variants on this machine")


def _platform() -> Platform:
    """Return the architecture of this machine."""
    return "arm64" if platform.machine() in ("aarch64", "arm64") else "amd64"


def _version(text: str) -> tuple[int, ...]:
    """Return a version as numbers; empty if it is not a version."""
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _spelled(version: tuple[int, ...]) -> str:
    """Return a version as text."""
    return ".".join(str(part) for part in version)
