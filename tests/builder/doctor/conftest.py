import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

import pytest

from builder.doctor.finding import Finding

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


def only(findings: Iterable[Finding]) -> Finding:
    """Return the only finding."""
    (finding,) = findings
    return finding


def check_form(findings: Iterable[Finding]) -> None:
    """Check that each finding is one line without a full stop, and has a remedy unless it is ok."""
    for finding in findings:
        assert finding.what
        assert "\n" not in finding.what
        assert not finding.what.endswith(".")
        assert (finding.remedy == "") == (finding.severity == "ok")
