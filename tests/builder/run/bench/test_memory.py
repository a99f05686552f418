import os
import sys
from pathlib import Path

import pytest

from builder.run.bench.memory import gpu_used, peak_rss


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_the_peak_counts_memory_that_was_freed() -> None:
    resource = pytest.importorskip("resource")
    block = bytearray(os.urandom(1)) * (64 << 20)
    del block
    found = peak_rss(os.getpid())
    assert found is not None
    # The kernel's other account of the same peak, in KiB on Linux.
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert 64 < found <= highest * 1.01


def test_a_process_that_does_not_exist_has_no_peak() -> None:
    assert peak_rss(2**22 + 1) is None


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 1000; echo 234", 1234.0),
        ("echo '[N/A]'", None),
        ("echo 1000; exit 9", None),
        ("printf '\\377'", None),
    ],
)
def test_the_memory_of_all_gpus_is_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, expected: float | None
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert gpu_used() == expected


def test_without_nvidia_smi_no_gpu_memory_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_used() is None
