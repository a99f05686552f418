"""Output to closed streams, full disks and other encodings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builder.conftest import WriteManifest

CYRILLIC = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1251"}


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell script in which `$0` is Python."""
    return subprocess.run(
        ["/bin/sh", "-c", line, sys.executable],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "closed", "status"),
    [
        ("diff boxes.yaml", ">&-", 1),
        ("check boxes.yaml", ">&-", 0),
        pytest.param("check boxes.yaml", "2>&-", 0, marks=pytest.mark.slow),
        pytest.param("check boxes.yaml", "<&-", 0, marks=pytest.mark.slow),
        ("check absent.yaml", ">&- 2>&-", 2),
    ],
)
def test_a_closed_stream_changes_nothing_else(
    write_manifest: WriteManifest, tmp_path: Path, command: str, closed: str, status: int
) -> None:
    write_manifest()
    done = shell(f'"$0" -m builder {command} {closed}', tmp_path)
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a disk that is full")
@pytest.mark.parametrize(
    "command", ["--help", pytest.param("schema", marks=pytest.mark.slow), "check boxes.yaml"]
)
def test_a_full_disk_is_reported(
    write_manifest: WriteManifest, tmp_path: Path, command: str
) -> None:
    write_manifest()
    done = shell(f'"$0" -m builder {command} >/dev/full', tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: cannot write the output: No space left on device\n"


def test_missing_characters_are_escaped_in_text_and_kept_in_json(
    write_manifest: WriteManifest, tmp_path: Path
) -> None:
    write_manifest(labels=["cat", "Stra\u00dfe", "Stra\u00dfe"])
    done = shell('"$0" -m builder check boxes.yaml', tmp_path, **CYRILLIC)
    assert done.returncode == 1
    assert "duplicate label 'Stra\\xdfe'" in done.stderr
    done = shell('"$0" -m builder check --json boxes.yaml', tmp_path, **CYRILLIC)
    assert (done.returncode, done.stderr) == (1, "")
    assert "duplicate label 'Stra\u00dfe'" in json.loads(done.stdout)["what"]
