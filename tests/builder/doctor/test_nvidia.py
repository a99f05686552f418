from functools import partial

import pytest

from builder.doctor import nvidia, programs
from tests.builder.doctor.conftest import HANGS, Program, check_form, only, says

# The oldest drivers are those of NVIDIA's release notes: 525.60.13 for CUDA 12, 580.65.06 for 13.


@pytest.mark.parametrize("driver", ["470.256.02", "525.60.11", "390.157"])
def test_a_driver_that_is_too_old_is_a_warning(program: Program, driver: str) -> None:
    program("nvidia-smi", says(f"NVIDIA T4, {driver}, 7.5\n"))
    found = list(nvidia.check())
    check_form(found)
    assert [result.severity for result in found] == ["warning", "ok"]
    assert found[0].what.startswith(f"driver {driver} is too old for CUDA 12")
    assert found[0].remedy == "install driver 525.60.13 or newer"


@pytest.mark.parametrize("driver", ["525.60.13", "535.183.01", "580.65.05"])
def test_a_driver_for_cuda_12_says_what_cuda_13_needs(program: Program, driver: str) -> None:
    program("nvidia-smi", says(f"NVIDIA T4, {driver}, 7.5\n"))
    found = list(nvidia.check())
    check_form(found)
    assert [result.severity for result in found] == ["ok", "ok"]
    assert f"{driver} supports `cuda: 12`; `cuda: 13` needs driver 580.65.6" in found[0].what
    assert found[1].what == "NVIDIA T4"


@pytest.mark.parametrize("driver", ["580.65.06", "580.95.05", "590.1"])
def test_a_new_driver_supports_both(program: Program, driver: str) -> None:
    program("nvidia-smi", says(f"NVIDIA H100 80GB HBM3, {driver}, 9.0\n"))
    found = list(nvidia.check())
    assert [result.severity for result in found] == ["ok", "ok"]
    assert found[0].what == f"driver {driver} supports `cuda: 12` and `cuda: 13`"


def test_every_gpu_is_checked(program: Program) -> None:
    lines = "Tesla V100-SXM2-16GB, 580.95.05, 7.0\nNVIDIA L4, 580.95.05, 8.9\n"
    program("nvidia-smi", says(lines))
    _, volta, ada = nvidia.check()
    check_form([volta, ada])
    assert volta.severity == "warning"
    assert "V100-SXM2-16GB has compute capability 7.0" in volta.what
    assert "7.5" in volta.what
    assert (ada.severity, ada.what) == ("ok", "NVIDIA L4")


def test_an_old_driver_is_queried_again_without_compute_capability(program: Program) -> None:
    # Drivers before 510 output so, on stdout and with status 2.
    program(
        "nvidia-smi",
        "asked = ' '.join(sys.argv)",
        f"if 'compute_cap' not in asked: {says('Tesla K80, 470.256.02')}",
        says('Field "compute_cap" is not a valid field to query.\n', status=2),
    )
    driver, gpu = nvidia.check()
    assert driver.severity == "warning"
    assert "470.256.02 is too old" in driver.what
    assert (gpu.severity, gpu.what) == ("ok", "Tesla K80")


@pytest.mark.parametrize(
    ("out", "err", "status", "complaint"),
    [
        ("", "", 0, "exit status 0"),
        ("No devices were found\n", "", 6, "No devices were found"),
        ("\x00\ufffd,,,\n,\n", "", 0, ""),
        ("NVIDIA T4, [N/A], 7.5\n", "", 0, ""),
        ("NVIDIA T4, 535.1, 7.5\n", "Driver/library version mismatch\n", 18, "version mismatch"),
    ],
)
def test_no_gpu_or_invalid_output_is_a_warning(
    program: Program, out: str, err: str, status: int, complaint: str
) -> None:
    program("nvidia-smi", says(out, err, status))
    result = only(nvidia.check())
    check_form([result])
    assert result.severity == "warning"
    assert result.what.startswith("nvidia-smi finds no GPU: ")
    assert complaint in result.what


def test_a_driver_that_hangs_is_a_warning(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("nvidia-smi", HANGS)
    monkeypatch.setattr(nvidia, "run_program", partial(programs.run_program, seconds=0.2))
    result = only(nvidia.check())
    check_form([result])
    assert (result.severity, result.what) == (
        "warning",
        "nvidia-smi does not respond within 0.2 s",
    )


@pytest.mark.parametrize(
    ("driver", "what"),
    [
        (False, "no NVIDIA driver found"),
        (True, "nvidia-smi is not on the PATH; the version of the NVIDIA driver is unknown"),
    ],
)
def test_without_nvidia_smi_the_driver_library_decides(
    program: Program, monkeypatch: pytest.MonkeyPatch, driver: bool, what: str
) -> None:
    monkeypatch.setattr(nvidia, "has_nvidia_driver", lambda: driver)
    result = only(nvidia.check())
    check_form([result])
    assert result.severity == "warning"
    assert result.what.startswith(what)


@pytest.mark.parametrize(
    ("machine", "capability", "severity", "expected"),
    [
        ("x86_64", "9.0", "ok", ""),
        ("x86_64", "12.0", "warning", "needs `cuda: 13`"),
        ("x86_64", "12.1", "warning", "needs `cuda: 13`"),
        ("x86_64", "10.0", "ok", "with `cuda: 12`, the only one"),
        ("aarch64", "9.0", "ok", ""),
        ("aarch64", "12.1", "ok", ""),
        ("aarch64", "8.7", "warning", "wheels for arm64 have no code"),
        ("aarch64", "10.0", "warning", "wheels for arm64 have no code"),
    ],
)
def test_the_cuda_version_for_a_gpu(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    capability: str,
    severity: str,
    expected: str,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    program("nvidia-smi", says(f"NVIDIA X, 590.10, {capability}\n"))
    driver, gpu = nvidia.check()
    check_form([driver, gpu])
    assert gpu.severity == severity
    assert expected in gpu.what if expected else gpu.what == "NVIDIA X"


def test_only_cuda_13_counts_on_arm(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    program("nvidia-smi", says("NVIDIA GH200, 535.1, 9.0\n"))
    driver, _ = nvidia.check()
    assert driver.what.startswith("driver 535.1 is too old for CUDA 13")
    program("nvidia-smi", says("NVIDIA GH200, 580.95.05, 9.0\n"))
    driver, _ = nvidia.check()
    assert driver.what == "driver 580.95.05 supports `cuda: 13`"


@pytest.mark.parametrize(
    ("cuda", "line", "expected"),
    [
        (12, "T4, 525.60.13, 7.5", ""),
        (13, "T4, 525.60.13, 7.5", "driver 525.60.13 is too old for CUDA 13"),
        (13, "RTX 5090, 590.1, 12.0", ""),
        (12, "RTX 5090, 590.1, 12.0", "compiles it at the first request"),
        (13, "B200, 590.1, 10.0", "cannot run on it"),
        (12, "K80, 525.60.13", ""),
    ],
)
def test_the_cuda_version_of_one_function(
    program: Program, monkeypatch: pytest.MonkeyPatch, cuda: int, line: str, expected: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    program("nvidia-smi", says(f"{line}\n"))
    found = list(nvidia.check_cuda(cuda))
    check_form(found)
    assert [expected in it.what for it in found] == ([True] if expected else [])


def test_a_function_that_needs_a_gpu_on_a_machine_without_one(program: Program) -> None:
    assert only(nvidia.check_cuda(12)).severity == "warning"
