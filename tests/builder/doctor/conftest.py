import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import pytest

from builder.doctor.check_result import CheckResult

Program: TypeAlias = Callable[..., Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Write programs of a few lines of Python to a PATH without other programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(name: str, *lines: str) -> Path:
        path = folder / name
        path.write_text(
            "\n".join([f"#!{sys.executable} -IS", "import sys", *lines]) + "\n", "utf-8"
        )
        path.chmod(0o755)
        return path

    return write


def says(out: str = "", err: str = "", status: int = 0) -> str:
    """The line of a program that prints text and exits."""
    return f"sys.stdout.write({out!r}); sys.stderr.write({err!r}); sys.exit({status})"


HANGS = "import time; time.sleep(60)"
"""The line of a program that hangs."""


def only(results: Iterable[CheckResult]) -> CheckResult:
    """Return the only result."""
    (result,) = results
    return result


def check_form(results: Iterable[CheckResult]) -> None:
    """Check that each result is one line without a full stop, and has a remedy unless it is ok."""
    for result in results:
        assert result.what
        assert "\n" not in result.what
        assert not result.what.endswith(".")
        assert (result.remedy == "") == (result.severity == "ok")
