from functools import partial

import pytest

from builder.doctor import nuctl, programs
from tests.builder.doctor.conftest import HANGS, Program, check_form, only, says


def version(label: str) -> str:
    """The output of `nuctl version`."""
    return (
        'Client version:\n"Label: '
        f'{label}, Git commit: 1a2b3c, OS: linux, Arch: amd64, Go version: go1.21.7"\n'
    )


@pytest.mark.parametrize("label", ["1.12.8", "1.12.10", "1.13.0", "v1.15.2", "2.0.0"])
def test_a_version_that_is_new_enough_is_ok(program: Program, label: str) -> None:
    program("nuctl", says(version(label)))
    result = only(nuctl.check())
    check_form([result])
    assert (result.severity, result.what) == ("ok", f"nuctl {label.removeprefix('v')}")


@pytest.mark.parametrize("label", ["1.12.7", "1.11.24", "1.8.14", "0.99.99"])
def test_a_version_before_1_12_8_is_a_warning(program: Program, label: str) -> None:
    program("nuctl", says(version(label)))
    result = only(nuctl.check())
    check_form([result])
    assert result.severity == "warning"
    assert result.what == f"nuctl {label} does not support Python 3.11; 1.12.8 or newer does"
    assert "https://github.com/nuclio/nuclio/releases" in result.remedy


@pytest.mark.parametrize("label", ["unstable", "latest", "1.13"])
def test_a_version_without_a_number_is_a_warning(program: Program, label: str) -> None:
    program("nuctl", says(version(label)))
    result = only(nuctl.check())
    check_form([result])
    assert result.severity == "warning"
    assert f"unknown nuctl version '{label}'" in result.what


@pytest.mark.parametrize(
    ("out", "err", "status", "complaint"),
    [
        ("", "", 0, "exit status 0"),
        ("\x00 Label:\n", "", 0, "Label:"),
        (version("1.15.2"), "panic: oh no\n", 2, "panic: oh no"),
    ],
)
def test_invalid_output_or_a_failure_is_a_warning(
    program: Program, out: str, err: str, status: int, complaint: str
) -> None:
    program("nuctl", says(out, err, status))
    result = only(nuctl.check())
    check_form([result])
    assert result.severity == "warning"
    assert result.what.startswith("`nuctl version` failed: ")
    assert complaint in result.what


def test_no_nuctl_is_a_warning(program: Program) -> None:
    result = only(nuctl.check())
    check_form([result])
    assert result.severity == "warning"
    assert result.what.startswith("nuctl is not on the PATH")


def test_a_nuctl_that_hangs_is_a_warning(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    program("nuctl", HANGS)
    monkeypatch.setattr(nuctl, "run_program", partial(programs.run_program, seconds=0.2))
    result = only(nuctl.check())
    check_form([result])
    assert (result.severity, result.what) == ("warning", "nuctl does not respond within 0.2 s")
