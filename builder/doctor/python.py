"""Python and the packages that cvatbuild needs."""

import platform
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata

from builder.doctor.check_result import CheckResult
from builder.doctor.programs import ProgramError, run_program

_MODULES = {
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "onnx": "onnx",
    "orjson": "orjson",
    "pydantic": "pydantic",
    "yaml": "pyyaml",
    "nuclio_sdk": "nuclio-sdk",
}
"""Module -> the package that contains it."""

_CLASHES = (
    ("onnxruntime", "onnxruntime-gpu"),
    ("opencv-python", "opencv-python-headless"),
    ("opencv-contrib-python", "opencv-python-headless"),
)
"""Pairs of packages that contain the same module. The package installed last wins; uninstalling one
breaks the other."""


def check(version: Sequence[int] = sys.version_info[:3]) -> Iterator[CheckResult]:
    """Check the version of Python, and that every package can be imported."""
    spelled = ".".join(str(part) for part in version)
    if tuple(version) < (3, 11):
        yield CheckResult(
            "python", "error", f"Python {spelled} is too old", "install Python 3.11 or newer"
        )
    elif sys.maxsize < 2**32:
        yield CheckResult(
            "python",
            "error",
            f"Python {spelled} is a 32-bit build; the inference runtimes need 64 bits",
            "install a 64-bit Python",
        )
    else:
        yield CheckResult("python", "ok", f"Python {spelled} on {platform.platform(terse=True)}")
    yield from _packages()
    for one, other in _CLASHES:
        if _installed(one) and _installed(other):
            yield CheckResult(
                "python",
                "warning",
                f"{one} and {other} are both installed; they overwrite each other",
                f"pip uninstall {one} {other}, then pip install {other}",
                (f"pip uninstall -y {one} {other}", f"pip install {other}"),
            )


def _packages() -> Iterator[CheckResult]:
    """Check that the packages of a build can be imported."""
    program = "import importlib, sys; importlib.import_module(sys.argv[1])"
    for module, package in _MODULES.items():
        try:
            # -P: Python 3.13 cannot import from a current directory that was deleted.
            output = run_program(sys.executable, "-P", "-c", program, module, seconds=60)
            trouble = output.err.strip().splitlines()[-1:] if output.status else []
            reason = (trouble or [f"exit status {output.status}"])[0] if output.status else ""
        except ProgramError as error:
            reason = str(error)
        if reason:
            yield CheckResult(
                "python",
                "error",
                f"package {package} cannot be imported: {reason}",
                f"pip install --force-reinstall {package}",
                (f"pip install --force-reinstall {package}",),
            )


def _installed(package: str) -> bool:
    """Return whether a package is installed."""
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
