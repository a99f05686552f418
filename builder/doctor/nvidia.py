"""The NVIDIA driver and GPU, against what the GPU variant installs."""

from collections.abc import Iterator

from builder.backends.pins import COMPUTE_CAPABILITY, DRIVERS
from builder.doctor.finding import Finding
from builder.doctor.outside import Absent, Answer, NoAnswer, ask
from runtimes.backends.onnxruntime_cuda import has_nvidia_driver

_ELSEWHERE = "build GPU variants here, and run them where there is a GPU"


def check() -> Iterator[Finding]:
    """Whether the driver runs the pinned CUDA, and the GPU the pinned cuDNN."""
    try:
        answer = _query("name,driver_version,compute_cap")
        # Drivers that do not know this field are older than any that is of use, but have a name.
        if answer.status and "compute_cap" in answer.out + answer.err:
            answer = _query("name,driver_version")
    except Absent:
        yield Finding("nvidia", "warning", *_without_tool())
        return
    except NoAnswer as error:
        yield Finding("nvidia", "warning", str(error), "restart the machine, then the driver")
        return
    gpus = [[part.strip() for part in line.split(",")] for line in answer.out.splitlines()]
    gpus = [gpu for gpu in gpus if len(gpu) >= 2 and _version(gpu[1])]
    if answer.status or not gpus:
        yield Finding(
            "nvidia",
            "warning",
            f"nvidia-smi finds no GPU: {answer.complaint}",
            "restart the machine; if that does not help, install the driver again",
        )
        return
    yield from _driver(gpus[0][1])
    for gpu in gpus:
        yield from _gpu(gpu)


def _query(fields: str) -> Answer:
    """What nvidia-smi says of every GPU, one a line."""
    return ask("nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits")


def _without_tool() -> tuple[str, str]:
    """What the absence of nvidia-smi means, and what to do about it."""
    if has_nvidia_driver():
        return (
            "there is an NVIDIA driver, but nvidia-smi is not on the PATH, so nothing is known of "
            "its version",
            "install the utilities of the driver, such as the package nvidia-utils",
        )
    return "there is no NVIDIA driver, so GPU variants cannot run here", _ELSEWHERE


def _driver(text: str) -> Iterator[Finding]:
    """Which CUDA versions of the manifest's `cuda` key a driver runs."""
    default, *others = sorted(DRIVERS)
    runs = [cuda for cuda in sorted(DRIVERS) if _version(text) >= DRIVERS[cuda]]
    if default not in runs:
        yield Finding(
            "nvidia",
            "warning",
            f"the driver {text} is too old for CUDA {default}, which GPU variants install",
            f"install driver {_spelled(DRIVERS[default])} or newer",
        )
        return
    beyond = "".join(
        f"; `cuda: {cuda}` needs driver {_spelled(DRIVERS[cuda])} or newer"
        for cuda in others
        if cuda not in runs
    )
    keys = " and ".join(f"`cuda: {cuda}`" for cuda in runs)
    yield Finding("nvidia", "ok", f"the driver {text} runs {keys}{beyond}")


def _gpu(gpu: list[str]) -> Iterator[Finding]:
    """Whether the pinned cuDNN has code for a GPU: name, driver's version, compute capability."""
    name, capability = gpu[0], _version(gpu[2]) if len(gpu) > 2 else ()
    if capability and capability < COMPUTE_CAPABILITY:
        yield Finding(
            "nvidia",
            "warning",
            f"{name} has compute capability {gpu[2]}; cuDNN as GPU variants install it needs "
            f"{_spelled(COMPUTE_CAPABILITY)}",
            _ELSEWHERE + " of the Turing generation or newer",
        )
    else:
        yield Finding("nvidia", "ok", name)


def _version(text: str) -> tuple[int, ...]:
    """A version as numbers; nothing where it is none."""
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def _spelled(version: tuple[int, ...]) -> str:
    """A version as text."""
    return ".".join(str(part) for part in version)
